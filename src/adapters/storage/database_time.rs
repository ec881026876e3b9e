//! The times of the database that do not follow a clock that is set: the time of sessions, and the time by which stored data
//! expires.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
};

use jiff::Timestamp;

use super::{
    column_values::to_timestamp,
    database::Pool,
    failure::StorageFailure,
    retention_clock::{self, RetentionTime},
    statement::sql,
};
use crate::foundation::clock::Clock;

/// The times of an open database, in microseconds since 1970. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct DatabaseTime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// The time of sessions minus the clock's steady time.
    offset: i64,
    /// The retention time minus the time of sessions. It never decreases.
    lead: AtomicI64,
    /// Whether the wall clock is ahead of the retention time, as reported to the diagnostics.
    is_ahead: AtomicBool,
}

impl DatabaseTime {
    /// Begins the time of sessions at the wall clock's time, and the retention time where the last process ended.
    pub(super) async fn begin(pool: &Pool, clock: &Clock) -> Result<Self, StorageFailure> {
        let stored = retention_clock::fetch(pool).await?;
        let wall = wall_time(pool, clock).await?;
        let offset = wall - clock.steady().as_microsecond();
        let lead = AtomicI64::new(stored.map_or(0, |stored| stored.time - wall));
        let is_ahead = AtomicBool::new(false);
        let this = Self(Arc::new(Inner { clock: clock.clone(), offset, lead, is_ahead }));
        this.follow(wall, stored, pool).await?;
        Ok(this)
    }

    /// Returns the time of sessions: the wall clock's at the start of this process, and from then on by a monotonic clock.
    /// Replicas begin with the database's clock, so that they have the same time, unless that clock was set meanwhile.
    pub(super) fn session_time(&self) -> i64 {
        self.0.clock.steady().as_microsecond() + self.0.offset
    }

    /// Returns the time by which stored data expires.
    pub(super) fn retention_time(&self) -> i64 {
        self.session_time().saturating_add(self.0.lead.load(Relaxed))
    }

    /// Returns the earlier of the wall clock's time and the retention time: the time by which data expires that has an end in
    /// wall time.
    pub(super) fn confirmed_time(&self) -> Timestamp {
        self.0.clock.now().min(to_timestamp(self.retention_time()))
    }

    /// Advances the retention time to the wall clock's time, as far as that counts, and stores it.
    pub(super) async fn sync(&self, pool: &Pool) -> Result<(), StorageFailure> {
        let stored = retention_clock::fetch(pool).await?;
        let wall = wall_time(pool, &self.0.clock).await?;
        self.follow(wall, stored, pool).await
    }

    async fn follow(&self, wall: i64, stored: Option<RetentionTime>, pool: &Pool) -> Result<(), StorageFailure> {
        let own = self.retention_time();
        // Another replica may have advanced it.
        let reached = stored.map_or(own, |stored| stored.time.max(own));
        let ahead_since = stored.and_then(|stored| stored.ahead_since);
        let time = RetentionTime { time: reached, ahead_since }.advance(wall);
        self.0.lead.fetch_max(time.time - self.session_time(), Relaxed);
        self.report(wall - reached, time.ahead_since.is_some());
        if time.is_worth_storing(stored) { retention_clock::store(pool, time).await } else { Ok(()) }
    }

    /// Reports a wall clock that is ahead of the retention time, once, and the end of that.
    fn report(&self, lead: i64, is_ahead: bool) {
        let was_ahead = self.0.is_ahead.swap(is_ahead, Relaxed);
        if is_ahead && !was_ahead {
            let hours = lead / 3_600_000_000;
            tracing::warn!(
                hours,
                "the clock is ahead of the time of the last run: was the service stopped for so long, or was the clock set? \
                 These hours count for the deletion of old data after 24 h of running"
            );
        } else if was_ahead && !is_ahead {
            tracing::info!("old data is deleted by the clock's time again");
        }
    }
}

/// Returns the time of the wall clock that is the same for all users of the database.
async fn wall_time(pool: &Pool, clock: &Clock) -> Result<i64, StorageFailure> {
    if matches!(pool, Pool::Sqlite(_)) {
        return Ok(clock.now().as_microsecond());
    }
    let (time,): (i64,) =
        sql("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)").fetch_one(pool).await?;
    Ok(time)
}
