//! The owner's guard: it judges a visitor's question before anything else reads it, and an answer before the visitor does.

mod answer;
mod guard_metrics;
mod held_text;
mod judge;
mod question;
mod record;

pub(super) use self::{
    answer::{AnswerEnd, AnswerOrigin, GuardedAnswer},
    guard_metrics::GuardMetrics,
    judge::Guard,
    record::{GuardRecord, Judgement},
};
