//! The owner's context hook: it is asked for texts about a question, which the model gets beside the persona.

mod asking;
mod context_metrics;
mod record;

pub(super) use self::{
    asking::Context,
    context_metrics::ContextMetrics,
    record::{ContextOutcome, ContextRecord},
};
