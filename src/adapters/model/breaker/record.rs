//! What was seen of one model of late, and whether it is asked.

use std::time::{Duration, Instant};

use super::{BreakerState, CallerHash, Pauses, TRIAL};

/// Turns are judged in slices of this length, so that old ones are forgotten a few at a time.
const SLICE: Duration = Duration::from_secs(3);

/// So many slices, half a minute, are judged together.
const SLICES: usize = 10;

/// Fewer turns than this are too few to judge by. A turn may hold several attempts (`MODEL_RETRIES`).
const LEAST_TURNS: u32 = 5;

/// So many callers at least must have met a failure.
const LEAST_CALLERS: usize = 3;

/// Whose prompt may have caused a failure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blame {
    /// Perhaps this caller's.
    Of(CallerHash),
    /// Nobody's: it happened before a prompt was sent.
    Nobodys,
}

/// The turns of one slice of time.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    number: u64,
    turns: u32,
    failures: u32,
    /// Failures for which no caller is to blame.
    unblamed: usize,
    callers: FailedCallers,
}

/// The first few different callers that met a failure. More need not be told apart.
#[derive(Clone, Copy, Debug, Default)]
struct FailedCallers([Option<CallerHash>; LEAST_CALLERS]);

impl FailedCallers {
    fn add(&mut self, caller: CallerHash) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none_or(|it| it == caller)) {
            *place = Some(caller);
        }
    }

    fn iter(&self) -> impl Iterator<Item = CallerHash> {
        self.0.iter().flatten().copied()
    }
}

/// What was seen in the last slices together.
#[derive(Default)]
struct Recent {
    turns: u32,
    failures: u32,
    unblamed: usize,
    callers: FailedCallers,
}

impl Recent {
    fn add(&mut self, slice: &Slice) {
        self.turns += slice.turns;
        self.failures += slice.failures;
        self.unblamed += slice.unblamed;
        slice.callers.iter().for_each(|caller| self.callers.add(caller));
    }

    /// Whether at least `rate` percent of enough turns of enough callers failed.
    fn is_too_bad(&self, rate: u32) -> bool {
        let callers = self.callers.iter().count() + self.unblamed;
        rate > 0 && self.turns >= LEAST_TURNS && callers >= LEAST_CALLERS && self.failures * 100 >= self.turns * rate
    }
}

#[derive(Debug)]
pub(super) struct Record {
    /// Percent of failed turns at which the breaker opens; 0 never.
    rate: u32,
    pauses: Pauses,
    slices: [Slice; SLICES],
    start: Instant,
    /// Set from the moment the breaker opens until it closes again.
    open: Option<Open>,
}

/// The time of an open breaker.
#[derive(Debug)]
struct Open {
    /// When the pause is over.
    until: Instant,
    pause: Duration,
    /// Turns under way that try the model.
    trials: u32,
    /// While there are such turns, from when on another one may try; none before their end.
    next_trial: Option<Instant>,
}

impl Open {
    fn new(now: Instant, pause: Duration) -> Self {
        Self { until: now + pause, pause, trials: 0, next_trial: None }
    }

    fn may_try(&self, now: Instant) -> bool {
        self.trials == 0 || self.next_trial.is_some_and(|next| now >= next)
    }
}

impl Record {
    pub(super) fn new(rate: u32, pauses: Pauses) -> Self {
        Self { rate, pauses, slices: [Slice::default(); SLICES], start: Instant::now(), open: None }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether the turn is one that tries the model, or how long to wait.
    pub(super) fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if now < open.until {
            return Err(open.until - now);
        }
        if !open.may_try(now) {
            return Err(open.next_trial.map_or(TRIAL, |next| next - now));
        }
        open.trials += 1;
        open.next_trial = self.pauses.trial.map(|trial| now + trial);
        Ok(true)
    }

    pub(super) fn succeed(&mut self, was_trial: bool, now: Instant) {
        if was_trial {
            self.slices = [Slice::default(); SLICES];
            self.open = None;
        } else {
            self.slice(now).turns += 1;
        }
    }

    /// Counts a failure, of a turn that was counted before (0 `turns`) or not (1). Returns the pause if the breaker
    /// has opened by this.
    pub(super) fn fail(&mut self, was_trial: bool, turns: u32, blame: Blame, now: Instant) -> Option<Duration> {
        let pause = match &self.open {
            Some(open) if was_trial => (open.pause * 2).min(self.pauses.longest),
            // Turns begun before the breaker opened don't prolong its pause.
            Some(_) => return None,
            // Also of a trial that ends after another one has closed the breaker.
            None => {
                self.count_failure(turns, blame, now);
                if !self.recent(now).is_too_bad(self.rate) {
                    return None;
                }
                self.pauses.first
            }
        };
        self.open = Some(Open::new(now, pause));
        Some(pause)
    }

    /// Makes room for another trial, after one that said nothing about the model.
    pub(super) fn end_trial(&mut self) {
        if let Some(open) = &mut self.open {
            open.trials = open.trials.saturating_sub(1);
        }
    }

    fn count_failure(&mut self, turns: u32, blame: Blame, now: Instant) {
        let slice = self.slice(now);
        slice.turns += turns;
        slice.failures += 1;
        match blame {
            Blame::Of(caller) => slice.callers.add(caller),
            Blame::Nobodys => slice.unblamed += 1,
        }
    }

    fn number(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.start).as_millis() / SLICE.as_millis()).unwrap_or(u64::MAX)
    }

    /// The slice of this moment.
    fn slice(&mut self, now: Instant) -> &mut Slice {
        let number = self.number(now);
        let slice = &mut self.slices[usize::try_from(number % SLICES as u64).unwrap_or_default()];
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice
    }

    fn recent(&self, now: Instant) -> Recent {
        let number = self.number(now);
        let slices = self.slices.iter().filter(|slice| slice.number + (SLICES as u64) > number);
        slices.fold(Recent::default(), |mut recent, slice| {
            recent.add(slice);
            recent
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    /// Takes turns at moments of its own, each of another caller.
    struct Hand {
        record: Record,
        now: Instant,
        caller: u64,
    }

    impl Hand {
        fn new(has_fallback: bool) -> Self {
            let record = Record::new(50, Pauses::new(PAUSE, has_fallback));
            let now = record.start;
            Self { record, now, caller: 0 }
        }

        fn turn(&mut self, succeeds: bool) -> Result<(), Duration> {
            let was_trial = self.record.admit(self.now)?;
            self.caller += 1;
            if succeeds {
                self.record.succeed(was_trial, self.now);
            } else {
                self.record.fail(was_trial, 1, Blame::Of(CallerHash(self.caller)), self.now);
            }
            Ok(())
        }

        fn fail_until_open(&mut self) {
            for _ in 0..LEAST_TURNS {
                self.turn(false).unwrap();
            }
            assert_eq!(self.state(), BreakerState::Open);
        }

        fn state(&self) -> BreakerState {
            self.record.state(self.now)
        }
    }

    #[test]
    fn it_opens_at_the_rate_once_there_are_turns_to_judge_by() {
        let mut hand = Hand::new(true);
        for _ in 1..LEAST_TURNS {
            hand.turn(false).unwrap();
        }
        assert_eq!(hand.state(), BreakerState::Closed);
        hand.turn(false).unwrap();
        assert_eq!((hand.state(), hand.turn(true)), (BreakerState::Open, Err(PAUSE)));
        let mut hand = Hand::new(true);
        for turn in 0..100 {
            hand.turn(turn % 3 > 0).unwrap();
        }
        assert_eq!(hand.state(), BreakerState::Closed, "a third is less than half");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut hand = Hand::new(true);
        for _ in 0..40 {
            hand.turn(false).unwrap();
            hand.now += SLICE * 4;
        }
        assert_eq!(hand.state(), BreakerState::Closed);
    }

    #[test]
    fn callers_are_told_apart_across_slices() {
        for (callers, state) in [(2, BreakerState::Closed), (3, BreakerState::Open)] {
            let mut hand = Hand::new(true);
            for turn in 0..9 {
                hand.caller = turn % callers;
                // Once it is open, a turn is refused.
                let _ = hand.turn(false);
                hand.now += SLICE;
            }
            assert_eq!(hand.state(), state, "{callers}");
        }
    }

    #[test]
    fn one_turn_tries_the_model_and_decides() {
        let mut hand = Hand::new(true);
        hand.fail_until_open();
        hand.now += PAUSE;
        assert_eq!(hand.state(), BreakerState::HalfOpen);
        assert_eq!(hand.record.admit(hand.now), Ok(true));
        hand.now += PAUSE;
        assert_eq!(hand.turn(true), Err(TRIAL), "a second turn while the first tries");
        hand.record.fail(true, 1, Blame::Nobodys, hand.now);
        assert_eq!(hand.turn(true), Err(PAUSE));
        hand.now += PAUSE;
        hand.turn(true).unwrap();
        assert_eq!(hand.state(), BreakerState::Closed);
        hand.turn(false).unwrap();
        assert_eq!(hand.state(), BreakerState::Closed, "what was before is forgotten");
    }

    #[test]
    fn without_a_fallback_it_is_tried_sooner_and_again_and_again() {
        let mut hand = Hand::new(false);
        hand.fail_until_open();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let pause = hand.turn(false).unwrap_err();
            pauses.push(pause);
            hand.now += pause;
            hand.turn(false).unwrap();
        }
        assert_eq!(pauses, [PAUSE / 8, PAUSE / 4, PAUSE / 2, PAUSE, PAUSE]);
        hand.now += PAUSE;
        assert_eq!(hand.record.admit(hand.now), Ok(true));
        assert_eq!(hand.record.admit(hand.now), Err(TRIAL));
        hand.now += TRIAL;
        assert_eq!(hand.turn(true), Ok(()), "the first trial has no answer yet");
        assert_eq!(hand.state(), BreakerState::Closed);
        hand.record.fail(true, 1, Blame::Nobodys, hand.now);
        assert_eq!(hand.state(), BreakerState::Closed, "a trial that failed after all");
    }
}
