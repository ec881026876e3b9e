//! The owner's context hook: it is asked for texts about a question, which the model gets beside the persona.

mod asking;
mod record;

pub(super) use self::{
    asking::Context,
    record::{ContextLabels, ContextOutcome, ContextRecord},
};
