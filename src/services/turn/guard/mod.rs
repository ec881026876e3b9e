//! The owner's guard: it judges a visitor's question before anything else reads it.

mod guard_metrics;
mod judge;
mod question;
mod record;

pub(super) use self::{guard_metrics::GuardMetrics, judge::Guard, record::GuardRecord};
