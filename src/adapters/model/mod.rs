//! Calls to the language model, circuit breakers around them, and the built-in responder that answers without a model.

pub mod basic;
mod breaker;
mod error;
mod failure;
mod openai;
mod request;

pub use self::{
    breaker::{BreakerPermit, Breakers},
    error::{ModelError, Reason},
    failure::ModelFailure,
    openai::{AnswerReport, AnswerStream, OpenAi, REASONING_ALLOWANCE},
    request::ModelRequest,
};
