//! Hooks: services of the owner that turns call by HTTP.
//!
//! [`HookEndpoint`] posts JSON to one address, with a time limit, a limit of the answer's size, and a circuit breaker. It
//! follows no redirects, and refuses private addresses behind public names. `guard` has the protocol of the guard.

mod breaker;
mod endpoint;
mod failure;
mod guard;
mod private_addresses;

pub use self::{
    endpoint::{HookEndpoint, HookSettings},
    failure::HookFailure,
    guard::{EarlierText, GuardHook, GuardRequest, JudgedKind, Verdict},
};
