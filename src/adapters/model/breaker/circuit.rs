//! The state machine of one circuit breaker, without clock and locks.

use std::time::{Duration, Instant};

use super::{
    bucket::{BUCKET_TIME, BUCKETS, Bucket, RecentTurns},
    caller::CallerHash,
    pauses::{Pauses, TRIAL_INTERVAL},
    state::BreakerState,
};

/// The possible cause of a failure.
#[derive(Clone, Copy, Debug)]
pub(super) enum FailureOrigin {
    /// The prompt of this caller may be the cause.
    Caller(CallerHash),
    /// No connection could be opened, so no prompt is the cause.
    Connection,
}

/// The circuit of one model: the recent turns, and whether the model is asked.
#[derive(Debug)]
pub(super) struct Circuit {
    /// The percentage of failed turns at which the breaker opens; 0 for never.
    rate: u32,
    pauses: Pauses,
    buckets: [Bucket; BUCKETS],
    start: Instant,
    /// Present from the opening of the breaker until it closes again.
    open: Option<OpenCircuit>,
}

/// The pause and the trials of an open circuit.
#[derive(Debug)]
struct OpenCircuit {
    /// The end of the pause.
    until: Instant,
    pause: Duration,
    /// The number of running turns that try the model.
    trials: u32,
    /// The time from which another trial may start while trials run; `None` if it must wait for their end.
    next_trial: Option<Instant>,
}

impl OpenCircuit {
    fn new(now: Instant, pause: Duration) -> Self {
        Self { until: now + pause, pause, trials: 0, next_trial: None }
    }

    fn may_try(&self, now: Instant) -> bool {
        self.trials == 0 || self.next_trial.is_some_and(|next| now >= next)
    }
}

impl Circuit {
    pub(super) fn new(rate: u32, pauses: Pauses) -> Self {
        Self { rate, pauses, buckets: [Bucket::default(); BUCKETS], start: Instant::now(), open: None }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Admits a turn. Returns whether the turn is a trial, or the time to wait if the model is not asked.
    pub(super) fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if now < open.until {
            return Err(open.until - now);
        }
        if !open.may_try(now) {
            return Err(open.next_trial.map_or(TRIAL_INTERVAL, |next| next - now));
        }
        open.trials += 1;
        open.next_trial = self.pauses.trial.map(|trial| now + trial);
        Ok(true)
    }

    pub(super) fn succeed(&mut self, was_trial: bool, now: Instant) {
        if was_trial {
            self.buckets = [Bucket::default(); BUCKETS];
            self.open = None;
        } else {
            self.bucket(now).turns += 1;
        }
    }

    /// Counts a failed turn. `turns` is 0 if the turn was counted before, otherwise 1. Returns the pause if this
    /// failure opens the breaker.
    pub(super) fn fail(
        &mut self,
        was_trial: bool,
        turns: u32,
        origin: FailureOrigin,
        now: Instant,
    ) -> Option<Duration> {
        let pause = match &self.open {
            Some(open) if was_trial => (open.pause * 2).min(self.pauses.longest),
            // Turns that began before the breaker opened do not prolong its pause.
            Some(_) => return None,
            // A trial may also end here, after another trial has closed the breaker.
            None => {
                self.count_failure(turns, origin, now);
                if !self.recent(now).fails_too_often(self.rate) {
                    return None;
                }
                self.pauses.first
            }
        };
        self.open = Some(OpenCircuit::new(now, pause));
        Some(pause)
    }

    /// Ends a trial that showed nothing about the model, so that another one can start.
    pub(super) fn end_trial(&mut self) {
        if let Some(open) = &mut self.open {
            open.trials = open.trials.saturating_sub(1);
        }
    }

    fn count_failure(&mut self, turns: u32, origin: FailureOrigin, now: Instant) {
        let bucket = self.bucket(now);
        bucket.turns += turns;
        bucket.failures += 1;
        match origin {
            FailureOrigin::Caller(caller) => bucket.callers.add(caller),
            FailureOrigin::Connection => bucket.connection_failures += 1,
        }
    }

    /// Returns the number of the bucket of this time.
    fn number(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.start).as_millis() / BUCKET_TIME.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the bucket of this time, emptied if it holds older turns.
    fn bucket(&mut self, now: Instant) -> &mut Bucket {
        let number = self.number(now);
        let bucket = &mut self.buckets[usize::try_from(number % BUCKETS as u64).unwrap_or_default()];
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::default() };
        }
        bucket
    }

    fn recent(&self, now: Instant) -> RecentTurns {
        let number = self.number(now);
        let buckets = self.buckets.iter().filter(|bucket| bucket.number + (BUCKETS as u64) > number);
        buckets.fold(RecentTurns::default(), |mut recent, bucket| {
            recent.add(bucket);
            recent
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::model::breaker::bucket::MIN_TURNS;

    const PAUSE: Duration = Duration::from_secs(10);

    /// Runs turns of different callers at chosen times.
    struct Driver {
        circuit: Circuit,
        now: Instant,
        caller: u64,
    }

    impl Driver {
        fn new(has_fallback: bool) -> Self {
            let circuit = Circuit::new(50, Pauses::new(PAUSE, has_fallback));
            let now = circuit.start;
            Self { circuit, now, caller: 0 }
        }

        fn turn(&mut self, succeeds: bool) -> Result<(), Duration> {
            let was_trial = self.circuit.admit(self.now)?;
            self.caller += 1;
            if succeeds {
                self.circuit.succeed(was_trial, self.now);
            } else {
                self.circuit.fail(was_trial, 1, FailureOrigin::Caller(CallerHash(self.caller)), self.now);
            }
            Ok(())
        }

        fn fail_until_open(&mut self) {
            for _ in 0..MIN_TURNS {
                self.turn(false).unwrap();
            }
            assert_eq!(self.state(), BreakerState::Open);
        }

        fn state(&self) -> BreakerState {
            self.circuit.state(self.now)
        }
    }

    #[test]
    fn the_breaker_opens_at_the_rate_after_five_turns() {
        let mut driver = Driver::new(true);
        for _ in 1..MIN_TURNS {
            driver.turn(false).unwrap();
        }
        assert_eq!(driver.state(), BreakerState::Closed);
        driver.turn(false).unwrap();
        assert_eq!((driver.state(), driver.turn(true)), (BreakerState::Open, Err(PAUSE)));
        let mut driver = Driver::new(true);
        for turn in 0..100 {
            driver.turn(turn % 3 > 0).unwrap();
        }
        assert_eq!(driver.state(), BreakerState::Closed, "a third is less than half");
    }

    #[test]
    fn old_failures_do_not_count() {
        let mut driver = Driver::new(true);
        for _ in 0..40 {
            driver.turn(false).unwrap();
            driver.now += BUCKET_TIME * 4;
        }
        assert_eq!(driver.state(), BreakerState::Closed);
    }

    #[test]
    fn different_callers_count_across_buckets() {
        for (callers, state) in [(2, BreakerState::Closed), (3, BreakerState::Open)] {
            let mut driver = Driver::new(true);
            for turn in 0..9 {
                driver.caller = turn % callers;
                // Once it is open, a turn is refused.
                let _ = driver.turn(false);
                driver.now += BUCKET_TIME;
            }
            assert_eq!(driver.state(), state, "{callers}");
        }
    }

    #[test]
    fn one_trial_closes_or_reopens_the_breaker() {
        let mut driver = Driver::new(true);
        driver.fail_until_open();
        driver.now += PAUSE;
        assert_eq!(driver.state(), BreakerState::HalfOpen);
        assert_eq!(driver.circuit.admit(driver.now), Ok(true));
        driver.now += PAUSE;
        assert_eq!(driver.turn(true), Err(TRIAL_INTERVAL), "a second turn while the first tries");
        driver.circuit.fail(true, 1, FailureOrigin::Connection, driver.now);
        assert_eq!(driver.turn(true), Err(PAUSE));
        driver.now += PAUSE;
        driver.turn(true).unwrap();
        assert_eq!(driver.state(), BreakerState::Closed);
        driver.turn(false).unwrap();
        assert_eq!(driver.state(), BreakerState::Closed, "earlier failures do not count");
    }

    #[test]
    fn without_a_fallback_trials_are_sooner_and_more_frequent() {
        let mut driver = Driver::new(false);
        driver.fail_until_open();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let pause = driver.turn(false).unwrap_err();
            pauses.push(pause);
            driver.now += pause;
            driver.turn(false).unwrap();
        }
        assert_eq!(pauses, [PAUSE / 8, PAUSE / 4, PAUSE / 2, PAUSE, PAUSE]);
        driver.now += PAUSE;
        assert_eq!(driver.circuit.admit(driver.now), Ok(true));
        assert_eq!(driver.circuit.admit(driver.now), Err(TRIAL_INTERVAL));
        driver.now += TRIAL_INTERVAL;
        assert_eq!(driver.turn(true), Ok(()), "the first trial has no answer yet");
        assert_eq!(driver.state(), BreakerState::Closed);
        driver.circuit.fail(true, 1, FailureOrigin::Connection, driver.now);
        assert_eq!(driver.state(), BreakerState::Closed, "a late failure of the first trial");
    }
}
