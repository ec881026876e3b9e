//! A clock whose time changes only when the test sets or advances it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use al_chat::foundation::clock::Clock;
use jiff::{Timestamp, tz::TimeZone};

/// A clock set by the test. Clones share one time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Returns a clock set to this time, in RFC 3339 format.
    pub fn at(time: &str) -> Self {
        Self(Arc::new(AtomicI64::new(micros(time))))
    }

    /// Returns a clock for the service that reads this time in the given time zone.
    pub fn clock(&self, zone: &str) -> Clock {
        let manual = self.clone();
        let now = move || Timestamp::from_microsecond(manual.0.load(SeqCst)).expect("a valid timestamp");
        Clock::from_fn(now, TimeZone::get(zone).expect("a time zone"))
    }

    pub fn set(&self, time: &str) {
        self.0.store(micros(time), SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).expect("a short time"), SeqCst);
    }
}

fn micros(time: &str) -> i64 {
    time.parse::<Timestamp>().expect("a time in RFC 3339 format").as_microsecond()
}
