//! The pace at which records are posted to their receiver: how many at a time, and the pauses while it is away.

use std::{collections::HashSet, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::receiver::FailureKind;

/// The largest number of posts at a time: 3,200 records a second if a post takes 20 ms. More would occupy connections
/// that an ordinary server or its database does not have.
const MAX_POSTS: usize = 64;

/// The number of different records that fail in a row until the receiver counts as away.
const AWAY_AFTER: usize = 4;

/// The longest pause between two attempts, before jitter, which may double it.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The pause after the receiver has answered that it wants no further records (410). Its owner may change that.
const GONE_PAUSE: Duration = Duration::from_hours(1);

/// The longest wait that a receiver can ask for.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// The number of posts at a time, adapted to the receiver as TCP adapts its window: it grows with each success, first quickly
/// and then slowly, and is halved when the receiver is overloaded. While it is away, one post after each pause tries it.
#[derive(Debug)]
pub(super) struct Pace {
    limit: usize,
    /// The largest number of posts at a time.
    max: usize,
    /// The limit up to which the number grows quickly: by one for each success.
    quick_until: usize,
    /// The successes since the number grew last, while it grows slowly: by one after as many successes.
    successes: usize,
    /// The number of times that the pace was slowed down. Posts that began before the last time do not slow it again.
    slowdowns: u32,
    /// The first few records that failed since the last success.
    failed: HashSet<i64>,
    is_away: bool,
    /// Whether refusals count as failures of the receiver.
    counts_refusals: bool,
    pauses: ExponentialBackoff,
    paused_until: Option<Instant>,
    /// The time until which the receiver has asked to wait. A success of a post that began before does not end that.
    wait_until: Option<Instant>,
}

impl Pace {
    /// Creates the pace at the start. At most `max` posts, and never more than [`MAX_POSTS`], run at a time.
    /// `counts_refusals`: whether a receiver that refuses several records in a row counts as away.
    pub(super) fn new(max: usize, counts_refusals: bool) -> Self {
        let max = max.min(MAX_POSTS);
        Self {
            limit: 1,
            max,
            quick_until: max,
            successes: 0,
            slowdowns: 0,
            failed: HashSet::new(),
            is_away: false,
            counts_refusals,
            pauses: pauses(),
            paused_until: None,
            wait_until: None,
        }
    }

    /// Returns the number of posts that may run at a time now.
    pub(super) fn limit(&self, now: Instant) -> usize {
        if self.pause_end(now).is_some() { 0 } else { self.limit }
    }

    /// Returns the end of the pause, if there is one.
    pub(super) fn pause_end(&self, now: Instant) -> Option<Instant> {
        self.paused_until.max(self.wait_until).filter(|until| now < *until)
    }

    /// Whether the receiver has accepted nothing since it began to fail.
    pub(super) fn is_away(&self) -> bool {
        self.is_away
    }

    /// Returns the number of slowdowns, to be passed to [`Self::fail`] when a post that begins now has failed.
    pub(super) fn slowdowns(&self) -> u32 {
        self.slowdowns
    }

    /// Notes that the receiver has accepted a record.
    pub(super) fn succeed(&mut self) {
        if self.is_away {
            self.pauses = pauses();
        }
        (self.is_away, self.paused_until) = (false, None);
        self.failed.clear();
        self.successes += 1;
        if self.limit < self.quick_until || self.successes >= self.limit {
            self.limit = (self.limit + 1).min(self.max);
            self.successes = 0;
        }
    }

    /// Notes that a post has failed, which began after `slowdowns` slowdowns.
    pub(super) fn fail(&mut self, record: i64, failure: FailureKind, slowdowns: u32, now: Instant) {
        if slowdowns != self.slowdowns {
            return;
        }
        match failure {
            // This shows nothing about the receiver.
            FailureKind::NoDescriptors => return self.slow_down(self.limit / 2),
            FailureKind::Gone => return self.pause(now, GONE_PAUSE),
            _ => {}
        }
        if self.failed.len() < AWAY_AFTER {
            self.failed.insert(record);
        }
        // A refusal is an answer about one record, as long as others are accepted.
        let is_of_receiver = failure != FailureKind::Refused || self.counts_refusals;
        let is_away = self.is_away || self.failed.len() >= AWAY_AFTER;
        if failure == FailureKind::Unreachable || (is_of_receiver && is_away) {
            let pause = self.pauses.next().unwrap_or(MAX_PAUSE);
            self.pause(now, pause);
        } else if failure == FailureKind::Overload {
            self.slow_down(self.limit / 2);
        }
    }

    /// Notes that the receiver has asked for no further records for some time.
    pub(super) fn wait(&mut self, now: Instant, wait: Duration) {
        self.wait_until = self.wait_until.max(Some(now + wait.min(MAX_WAIT)));
    }

    /// Ends the pause: the process stops, and each record gets one more attempt.
    pub(super) fn resume(&mut self) {
        (self.paused_until, self.wait_until) = (None, None);
    }

    fn pause(&mut self, now: Instant, pause: Duration) {
        self.slow_down(1);
        self.failed.clear();
        self.is_away = true;
        self.paused_until = Some(now + pause);
    }

    fn slow_down(&mut self, limit: usize) {
        self.quick_until = (self.limit / 2).max(1);
        self.limit = limit.max(1);
        self.successes = 0;
        self.slowdowns += 1;
    }
}

/// Returns the pauses after failures.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(MAX_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn succeed(pace: &mut Pace, times: usize) {
        (0..times).for_each(|_| pace.succeed());
    }

    #[test]
    fn the_number_of_posts_grows_to_its_maximum() {
        let (mut pace, now) = (Pace::new(MAX_POSTS, false), Instant::now());
        assert_eq!(pace.limit(now), 1);
        succeed(&mut pace, MAX_POSTS - 1);
        assert_eq!(pace.limit(now), MAX_POSTS);
        succeed(&mut pace, 1000);
        assert_eq!(pace.limit(now), MAX_POSTS);
        let mut pace = Pace::new(4, false);
        succeed(&mut pace, 1000);
        assert_eq!(pace.limit(now), 4);
    }

    #[test]
    fn overload_halves_the_number_of_posts_once() {
        let (mut pace, now) = (Pace::new(MAX_POSTS, false), Instant::now());
        succeed(&mut pace, 100);
        let slowdowns = pace.slowdowns();
        (0..40).for_each(|record| pace.fail(record, FailureKind::Overload, slowdowns, now));
        assert_eq!(pace.limit(now), MAX_POSTS / 2);
        succeed(&mut pace, MAX_POSTS / 2);
        assert_eq!(pace.limit(now), MAX_POSTS / 2 + 1, "it grows slowly");
    }

    #[test]
    fn an_unreachable_receiver_pauses_all_posts_longer_each_time() {
        let (mut pace, mut now) = (Pace::new(MAX_POSTS, false), Instant::now());
        succeed(&mut pace, 100);
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let slowdowns = pace.slowdowns();
            (0..40).for_each(|record| pace.fail(record, FailureKind::Unreachable, slowdowns, now));
            assert_eq!(pace.limit(now), 0);
            let end = pace.pause_end(now).expect("a pause");
            pauses.push(end - now);
            now = end;
            assert_eq!(pace.limit(now), 1);
        }
        // Jitter adds up to the minimum of a pause.
        assert!(pauses.is_sorted() || pauses[3] >= Duration::from_secs(4), "{pauses:?}");
        pace.succeed();
        assert!(pace.limit(now) > 1 && !pace.is_away());
    }

    #[test]
    fn one_record_that_fails_again_and_again_pauses_no_others() {
        let (mut pace, now) = (Pace::new(MAX_POSTS, false), Instant::now());
        succeed(&mut pace, 10);
        for failure in [FailureKind::Other, FailureKind::Refused] {
            (0..10).for_each(|_| pace.fail(1, failure, pace.slowdowns(), now));
            assert_eq!(pace.limit(now), 11, "{failure:?}");
        }
        (0..10).for_each(|record| pace.fail(record, FailureKind::Refused, pace.slowdowns(), now));
        assert_eq!(pace.limit(now), 11, "refusals");
        pace.succeed();
        (0..4).for_each(|record| pace.fail(record, FailureKind::Other, pace.slowdowns(), now));
        assert_eq!(pace.limit(now), 0, "other records fail, too");
    }

    #[test]
    fn refusals_of_different_records_in_a_row_count_as_away() {
        let (mut pace, mut now) = (Pace::new(MAX_POSTS, true), Instant::now());
        succeed(&mut pace, 10);
        (0..10).for_each(|_| pace.fail(1, FailureKind::Refused, pace.slowdowns(), now));
        (2..4).for_each(|record| pace.fail(record, FailureKind::Refused, pace.slowdowns(), now));
        assert_eq!(pace.limit(now), 11, "three records");
        for record in [4, 4] {
            pace.fail(record, FailureKind::Refused, pace.slowdowns(), now);
            now = pace.pause_end(now).expect("a pause");
        }
        pace.succeed();
        pace.fail(1, FailureKind::Refused, pace.slowdowns(), now);
        assert!(pace.limit(now) > 0, "one refusal after a success");
    }

    #[test]
    fn a_wait_is_kept_in_spite_of_earlier_posts_that_succeed() {
        let (mut pace, now) = (Pace::new(MAX_POSTS, true), Instant::now());
        pace.wait(now, Duration::from_secs(90));
        pace.wait(now, Duration::from_secs(7));
        pace.succeed();
        assert_eq!(pace.pause_end(now), Some(now + Duration::from_secs(90)));
        assert!(pace.limit(now) == 0 && pace.limit(now + Duration::from_secs(90)) > 0);
        pace.wait(now, Duration::MAX);
        assert_eq!(pace.pause_end(now), Some(now + MAX_WAIT));
        pace.resume();
        assert!(pace.limit(now) > 0);
    }

    #[test]
    fn a_receiver_that_is_gone_is_tried_once_an_hour() {
        let (mut pace, now) = (Pace::new(MAX_POSTS, false), Instant::now());
        succeed(&mut pace, 10);
        pace.fail(1, FailureKind::Gone, pace.slowdowns(), now);
        assert_eq!(pace.pause_end(now), Some(now + GONE_PAUSE));
        assert_eq!(pace.limit(now + GONE_PAUSE), 1);
        pace.succeed();
        assert!(pace.limit(now) > 1);
    }
}
