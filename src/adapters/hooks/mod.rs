//! Hooks: services of the owner, called by HTTP.
//!
//! `endpoint` posts JSON to one address, with a time limit, a limit of the answer's size, and a circuit breaker. It
//! follows no redirects, and refuses private addresses behind public names. `guard` and `context` have the protocols of
//! these hooks. `events` are posted to a receiver, signed.

mod breaker;
mod context;
mod endpoint;
mod events;
mod failure;
mod guard;
mod plain_line;
mod private_addresses;
mod turn;

pub use self::{
    context::{ContextHook, ContextRequest},
    events::{
        BudgetSpent, EventFailure, EventReceiver, FeedbackGiven, HandoverRequested, LimitReachedData, SessionEnded,
        SessionTotals, TurnEnded, encode, feedback_key, handover_mark, limit_key, session_key, session_of, turn_key,
        with_failure,
    },
    failure::HookFailure,
    guard::{EarlierText, GuardHook, GuardRequest, JudgedKind, Verdict},
    turn::HookTurn,
};
