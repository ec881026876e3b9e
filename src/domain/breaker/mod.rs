//! The state machine of a circuit breaker: a server that fails for several callers is not asked for a while, and then a single
//! turn tries it.
//!
//! The failures of one caller alone never open a breaker: a text may make a server fail, time out or close the connection, and
//! a caller who repeats it must not make the server unavailable to everybody else. If no connection can be opened, no text is
//! the cause. Each such turn counts like one of another caller, so that the breaker also opens in a service with few visitors.
//!
//! A breaker opens at a rate of failed turns, and after a run of consecutive failures.

mod bucket;
mod caller;
mod circuit;
mod failed_turn;
mod failure_run;
mod pauses;
mod state;

pub use self::{
    caller::CallerHash,
    circuit::Circuit,
    failed_turn::{FailedTurn, FailureOrigin},
    pauses::{Pauses, TRIAL_INTERVAL},
    state::BreakerState,
};
