//! Events: what is posted to the owner's receiver, signed by Standard Webhooks.

mod payload;
mod receiver;

pub use self::{
    payload::{
        BudgetSpent, FeedbackGiven, HandoverRequested, LimitReachedData, SessionEnded, SessionTotals, TurnEnded,
        encode, feedback_key, handover_mark, limit_key, session_key, session_of, turn_key, with_failure,
    },
    receiver::{EventFailure, EventReceiver},
};
