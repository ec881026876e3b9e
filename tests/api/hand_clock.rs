//! A clock that stands still until the test moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use al_chat::foundation::clock::Clock;
use jiff::{Timestamp, tz::TimeZone};

/// The hands of a clock; clones move the same ones.
#[derive(Clone, Debug)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    /// Set to this moment, written as RFC 3339.
    pub fn at(moment: &str) -> Self {
        Self(Arc::new(AtomicI64::new(micros(moment))))
    }

    /// The clock these hands move, read in this zone.
    pub fn clock(&self, zone: &str) -> Clock {
        let hands = self.clone();
        let now = move || Timestamp::from_microsecond(hands.0.load(SeqCst)).expect("a moment");
        Clock::from_fn(now, TimeZone::get(zone).expect("a time zone"))
    }

    pub fn set(&self, moment: &str) {
        self.0.store(micros(moment), SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).expect("a short time"), SeqCst);
    }
}

fn micros(moment: &str) -> i64 {
    moment.parse::<Timestamp>().expect("a moment in RFC 3339").as_microsecond()
}
