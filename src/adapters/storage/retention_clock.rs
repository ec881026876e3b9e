//! The retention time, by which stored data expires: it advances while the service runs, and never goes back.
//!
//! A wall clock that is wrong must not delete anything. So its lead over the retention time counts only up to two hours, and
//! more than that after the service has run for a day meanwhile: a service may really have been stopped for long.

use jiff::SignedDuration;

use super::{column_values::to_timestamp, database::Pool, failure::StorageFailure, statement::sql};

/// The lead of the wall clock that counts at once: a restart, or a change to daylight saving time by hand.
const MAX_STEP: SignedDuration = SignedDuration::from_hours(2);

/// The time for which the service must run until a greater lead of the wall clock counts.
const CONFIRMATION: SignedDuration = SignedDuration::from_hours(24);

/// The retention time that is lost if the process is killed.
const STORE_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// The retention time, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetentionTime {
    pub(super) time: i64,
    /// The retention time at which the wall clock was first seen too far ahead; `None` while it is not.
    pub(super) ahead_since: Option<i64>,
}

impl RetentionTime {
    /// Returns the retention time after a look at the wall clock.
    pub(super) fn advance(self, wall: i64) -> Self {
        let Self { time, ahead_since } = self;
        if since(time, wall) <= MAX_STEP {
            return Self { time: time.max(wall), ahead_since: None };
        }
        let ahead_since = ahead_since.unwrap_or(time);
        if since(ahead_since, time) >= CONFIRMATION {
            Self { time: wall, ahead_since: None }
        } else {
            Self { time, ahead_since: Some(ahead_since) }
        }
    }

    /// Returns whether this differs enough from the stored time.
    pub(super) fn is_worth_storing(self, stored: Option<Self>) -> bool {
        stored.is_none_or(|stored| {
            self.ahead_since != stored.ahead_since || since(stored.time, self.time) >= STORE_INTERVAL
        })
    }
}

fn since(earlier: i64, later: i64) -> SignedDuration {
    to_timestamp(later).duration_since(to_timestamp(earlier))
}

/// Returns the stored retention time; `None` in a new database.
pub(super) async fn fetch(pool: &Pool) -> Result<Option<RetentionTime>, StorageFailure> {
    let row: Option<(i64, Option<i64>)> =
        sql("SELECT time, ahead_since FROM retention_clock WHERE id = 1").fetch_optional(pool).await?;
    Ok(row.map(|(time, ahead_since)| RetentionTime { time, ahead_since }))
}

/// Stores the retention time.
pub(super) async fn store(pool: &Pool, time: RetentionTime) -> Result<(), StorageFailure> {
    sql("INSERT INTO retention_clock (id, time, ahead_since) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET time = excluded.time, ahead_since = excluded.ahead_since")
    .bind(time.time)
    .bind(time.ahead_since)
    .execute(pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const NOW: i64 = 500_000 * HOUR;

    fn at(time: i64, ahead_since: Option<i64>) -> RetentionTime {
        RetentionTime { time, ahead_since }
    }

    #[test]
    fn the_time_follows_the_clock_and_never_goes_back() {
        assert_eq!(at(NOW, None).advance(NOW + 2 * HOUR), at(NOW + 2 * HOUR, None));
        assert_eq!(at(NOW, None).advance(NOW - 9000 * HOUR), at(NOW, None));
        assert_eq!(at(NOW, Some(NOW)).advance(NOW), at(NOW, None));
    }

    #[test]
    fn a_greater_lead_counts_after_a_day_of_running() {
        let wall = NOW + 9000 * HOUR;
        let first = at(NOW, None).advance(wall);
        assert_eq!(first, at(NOW, Some(NOW)));
        // The lead may grow meanwhile, while the service is stopped.
        let later = RetentionTime { time: NOW + 23 * HOUR, ..first }.advance(wall + 50 * HOUR);
        assert_eq!(later, at(NOW + 23 * HOUR, Some(NOW)));
        let last = RetentionTime { time: NOW + 24 * HOUR, ..later }.advance(wall + 60 * HOUR);
        assert_eq!(last, at(wall + 60 * HOUR, None));
    }

    #[test]
    fn the_time_is_stored_every_ten_minutes() {
        let minutes = |minutes: i64| at(NOW + minutes * HOUR / 60, None);
        assert!(minutes(0).is_worth_storing(None) && minutes(10).is_worth_storing(Some(minutes(0))));
        assert!(!minutes(9).is_worth_storing(Some(minutes(0))));
        assert!(at(NOW, Some(NOW)).is_worth_storing(Some(minutes(0))));
    }
}
