//! The owner's guard: it judges a visitor's question before anything else reads it, and an answer before the visitor does.

mod answer;
mod held_text;
mod judge;
mod question;
mod record;

pub(super) use self::{
    answer::{AnswerEnd, AnswerOrigin, GuardedAnswer},
    judge::Guard,
    record::{GuardLabels, GuardRecord, Judgement},
};
