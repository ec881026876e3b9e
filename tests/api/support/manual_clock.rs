//! A clock whose time changes only when the test sets or advances it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use al_chat::foundation::clock::Clock;
use jiff::{Timestamp, tz::TimeZone};

/// A clock set by the test: a wall clock and a monotonic one. Clones share one time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<AtomicI64>,
    elapsed: Arc<AtomicU64>,
}

impl ManualClock {
    /// Returns a clock set to this time, in RFC 3339 format.
    pub fn at(time: &str) -> Self {
        Self { now: Arc::new(AtomicI64::new(micros(time))), elapsed: Arc::default() }
    }

    /// Returns a clock for the service that reads this time in the given time zone.
    pub fn clock(&self, zone: &str) -> Clock {
        let (wall, monotonic) = (self.clone(), self.clone());
        let now = move || Timestamp::from_microsecond(wall.now.load(SeqCst)).expect("a valid timestamp");
        let elapsed = move || Duration::from_micros(monotonic.elapsed.load(SeqCst));
        Clock::from_fns(now, elapsed, TimeZone::get(zone).expect("a time zone"))
    }

    /// Sets the wall clock, while no time passes.
    pub fn set(&self, time: &str) {
        self.now.store(micros(time), SeqCst);
    }

    /// Sets the wall clock forward, or back by a negative number of hours, while no time passes.
    pub fn jump(&self, hours: i64) {
        self.now.fetch_add(hours * 3_600_000_000, SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).expect("a short time");
        self.elapsed.fetch_add(by, SeqCst);
        self.now.fetch_add(i64::try_from(by).expect("a short time"), SeqCst);
    }
}

fn micros(time: &str) -> i64 {
    time.parse::<Timestamp>().expect("a time in RFC 3339 format").as_microsecond()
}
