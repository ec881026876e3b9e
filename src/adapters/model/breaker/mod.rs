//! Circuit breakers: a model that fails for several callers is not asked for a while, and then a single turn tries it.
//!
//! The state machine is `domain::breaker`. A turn counts once, after its last attempt. Of a whole answer nothing arrives
//! before its end, so that one that is out of time may be a long one: it counts in the run of failures only, which ends as
//! soon as any turn is answered.
//!
//! While a fallback can be called, questions are answered in spite of an open breaker. Without a fallback, the model is
//! tried sooner, more often, and by more than one turn at a time.

mod breakers;
mod model_breaker;
mod permit;

pub use self::{breakers::Breakers, permit::BreakerPermit};
