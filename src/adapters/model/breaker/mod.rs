//! Circuit breakers: a model that fails for several callers is not asked for a while, and then a single turn tries it.
//!
//! A turn counts once, after its last attempt. The failures of one caller alone never open a breaker: a prompt may make
//! a server fail, time out or close the connection, and a caller who repeats it must not make the model unavailable to
//! everybody else. If no connection can be opened, no prompt is the cause. Each such turn counts like one of another
//! caller, so that the breaker also opens in a service with few visitors.
//!
//! A breaker opens at a rate of failed turns, and after a run of consecutive failures. Of a whole answer nothing arrives
//! before its end, so that one that is out of time may be a long one: it counts in the run only, which ends as soon as
//! any turn is answered.
//!
//! While a fallback can be called, questions are answered in spite of an open breaker. Without a fallback, the model is
//! tried sooner, more often, and by more than one turn at a time.

mod breakers;
mod bucket;
mod caller;
mod circuit;
mod failed_turn;
mod failure_run;
mod model_breaker;
mod pauses;
mod permit;
mod state;

pub use self::{breakers::Breakers, caller::CallerHash, permit::BreakerPermit, state::BreakerState};
