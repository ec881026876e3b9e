//! Counters of the unit tests.

use jiff::Timestamp;

use super::{
    amounts::Amounts,
    counter::{Counter, Windows},
};
use crate::foundation::config::LimitList;

/// What each turn uses.
pub(super) const ONE: Amounts = Amounts { turns: 1, tokens: 100, cost: 1_000_000 };

/// Returns a time 15 s after a minute and a half day have begun.
pub(super) fn noon() -> Timestamp {
    "2026-05-04T12:00:15Z".parse().unwrap()
}

pub(super) fn limits(text: &str) -> LimitList {
    LimitList::parse(text).unwrap()
}

/// Returns a counter of turns that have ended at noon.
pub(super) fn used(turns: u64) -> Counter {
    let mut counter = Counter::default();
    for _ in 0..turns {
        counter.reserve(Windows::at(noon()), ONE);
        counter.settle(Windows::at(noon()), ONE, ONE);
    }
    counter
}
