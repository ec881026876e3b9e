//! Limits of usage: who is counted, what is used of each limit, and when there is room again.
//!
//! A turn needs the admission of several scopes: its visitor's, its address's, that of its site, and that of all together; for
//! an API key, the key's and that of all together. In each it is reserved at its expected amounts, which count until they are
//! replaced by what the turn really used. A limit admits turns while less than its amount is used or reserved, so that only
//! the last turn can exceed it.
//!
//! Sessions are counted in the same way, by address.
//!
//! The database has the sums of all replicas, reservations included. It is told of changes, and returns the sums.

mod address_limits;
mod amounts;
mod asker;
mod counter;
mod counter_limits;
mod counts;
mod exemption;
mod group;
mod key;
mod near;
mod operation;
mod reached;
mod scope;
#[cfg(test)]
mod test_counts;
mod usage_limits;
mod window_count;
mod worst_day;

pub use self::{
    address_limits::TooManyOfAddress,
    amounts::{AmountChanges, Amounts},
    asker::{Asker, AskerId},
    counter::{Counter, Shared, Windows},
    counts::{CountNews, MAX_COUNTERS},
    exemption::exemption,
    group::LimitGroup,
    key::LimitKey,
    near::{DatabaseSums, LimitUsage},
    reached::{LimitReached, Standing},
    scope::LimitScope,
    usage_limits::{Reserved, UsageLimits},
    window_count::{Unshared, window_end},
    worst_day::WorstDay,
};
