//! Limits of usage: who is counted, what is used of each limit, and when there is room again.
//!
//! A turn needs the admission of several scopes: its visitor's, its address's, and that of all together. In each it is
//! reserved at its expected amounts, which count until they are replaced by what the turn really used. A limit admits turns
//! while less than its amount is used or reserved, so that only the last turn can exceed it.

mod amounts;
mod asker;
mod counter;
mod counts;
mod exemption;
mod key;
mod reached;
mod scope;
mod usage_limits;
mod window_count;
mod worst_day;

pub use self::{
    amounts::Amounts,
    asker::{Asker, AskerId},
    counter::{Counter, Shared, Windows},
    counts::{MAX_COUNTERS, Unshared},
    exemption::exemption,
    key::LimitKey,
    reached::{LimitReached, Standing},
    scope::LimitScope,
    usage_limits::{Reserved, UsageLimits},
    window_count::window_end,
    worst_day::WorstDay,
};
