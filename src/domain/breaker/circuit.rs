//! The state machine of one circuit breaker, without clock and locks.

use std::time::{Duration, Instant};

use super::{
    bucket::{BUCKET_TIME, BUCKETS, Bucket, RecentTurns},
    failed_turn::FailedTurn,
    failure_run::FailureRun,
    pauses::{Pauses, TRIAL_INTERVAL},
    state::BreakerState,
};

/// The circuit of one server, such as a model: the recent turns, and whether it is asked.
#[derive(Debug)]
pub struct Circuit {
    /// The percentage of failed turns at which the breaker opens; 0 disables the breaker.
    rate: u32,
    pauses: Pauses,
    run: FailureRun,
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
    /// The number of running turns that try the server.
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
    /// Creates a closed circuit. It opens when `rate` percent of the recent turns have failed; 0 disables it.
    #[must_use]
    pub fn new(rate: u32, pauses: Pauses) -> Self {
        let (buckets, run) = ([Bucket::default(); BUCKETS], FailureRun::default());
        Self { rate, pauses, run, buckets, start: Instant::now(), open: None }
    }

    /// Returns the state at a time.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Admits a turn. Returns whether the turn is a trial, or the time to wait if the server is not asked.
    pub fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
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

    /// Counts an answered turn.
    pub fn succeed(&mut self, was_trial: bool, now: Instant) {
        self.run.end(now);
        if was_trial {
            self.buckets = [Bucket::default(); BUCKETS];
            self.open = None;
        } else {
            self.bucket(now).turns += 1;
        }
    }

    /// Counts a failed turn. Returns the pause if this failure opens the breaker.
    pub fn fail(&mut self, turn: FailedTurn, now: Instant) -> Option<Duration> {
        if let (Some(open), true) = (&self.open, turn.was_trial) {
            let pause = (open.pause * 2).min(self.pauses.longest);
            return Some(self.open_for(pause, now));
        }
        // Turns that began before the breaker opened do not prolong its pause. A trial may also end here, after another
        // trial has closed the breaker.
        if self.open.is_none() {
            self.count_failure(turn, now);
        }
        self.run_out_of_time(turn, now)
    }

    /// Counts a turn that ran out of time, perhaps because its answer is long: in the run of consecutive failures only.
    /// Returns the pause if this opens the breaker.
    pub fn run_out_of_time(&mut self, turn: FailedTurn, now: Instant) -> Option<Duration> {
        if self.open.is_some() {
            return None;
        }
        self.run.add(turn.began, turn.origin, now);
        self.open_if_due(now)
    }

    fn open_if_due(&mut self, now: Instant) -> Option<Duration> {
        let is_run_long = self.rate > 0 && self.run.is_long();
        (is_run_long || self.recent(now).fails_too_often(self.rate)).then(|| self.open_for(self.pauses.first, now))
    }

    fn open_for(&mut self, pause: Duration, now: Instant) -> Duration {
        self.open = Some(OpenCircuit::new(now, pause));
        pause
    }

    /// Ends a trial that showed nothing about the server, so that another one can start.
    pub fn end_trial(&mut self) {
        if let Some(open) = &mut self.open {
            open.trials = open.trials.saturating_sub(1);
        }
    }

    fn count_failure(&mut self, turn: FailedTurn, now: Instant) {
        let bucket = self.bucket(now);
        bucket.turns += u32::from(!turn.was_answered);
        bucket.failures += 1;
        bucket.callers.add(turn.origin);
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
    use crate::domain::breaker::{bucket::MIN_TURNS, caller::CallerHash, failed_turn::FailureOrigin};

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
                self.circuit.fail(self.failed(was_trial), self.now);
            }
            Ok(())
        }

        /// Returns a failed turn of the latest caller that began now.
        fn failed(&self, was_trial: bool) -> FailedTurn {
            let origin = FailureOrigin::Caller(CallerHash(self.caller));
            FailedTurn { origin, began: self.now, was_answered: false, was_trial }
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
            driver.now += Duration::from_secs(61);
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
        driver.circuit.fail(driver.failed(true), driver.now);
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
        driver.circuit.fail(driver.failed(true), driver.now);
        assert_eq!(driver.state(), BreakerState::Closed, "a late failure of the first trial");
    }

    /// Runs turns of different callers that begin now and run out of time later.
    fn run_out_of_time(driver: &mut Driver, callers: u64, turns: u64) {
        let began = driver.failed(false);
        driver.now += Duration::from_secs(28);
        for turn in 0..turns {
            let origin = FailureOrigin::Caller(CallerHash(turn % callers));
            driver.circuit.run_out_of_time(FailedTurn { origin, ..began }, driver.now);
        }
    }

    #[test]
    fn ten_consecutive_failures_open_it_despite_successes() {
        for is_out_of_time in [false, true] {
            let mut driver = Driver::new(true);
            (0..1000).for_each(|_| driver.turn(true).unwrap());
            let fail = |driver: &mut Driver, turns| {
                if is_out_of_time {
                    run_out_of_time(driver, 3, turns);
                } else {
                    (0..turns).for_each(|_| driver.turn(false).unwrap());
                }
            };
            fail(&mut driver, 9);
            driver.turn(true).unwrap();
            fail(&mut driver, 9);
            assert_eq!(driver.state(), BreakerState::Closed, "a success ends the run");
            fail(&mut driver, 1);
            assert_eq!(driver.state(), BreakerState::Open);
        }
    }

    #[test]
    fn turns_out_of_time_of_two_callers_do_not_open_the_breaker() {
        let mut driver = Driver::new(true);
        run_out_of_time(&mut driver, 2, 100);
        assert_eq!(driver.state(), BreakerState::Closed);
    }

    #[test]
    fn a_slow_model_that_answers_other_turns_stays_closed() {
        let mut driver = Driver::new(true);
        let began = driver.failed(false);
        driver.now += Duration::from_secs(27);
        driver.turn(true).unwrap();
        driver.now += Duration::from_secs(1);
        for caller in 0..100 {
            let origin = FailureOrigin::Caller(CallerHash(caller));
            driver.circuit.run_out_of_time(FailedTurn { origin, ..began }, driver.now);
        }
        assert_eq!(driver.state(), BreakerState::Closed);
    }
}
