//! What turns may use at most, and what they have used.

use std::sync::Arc;

use super::estimate::Estimator;
use crate::domain::limits::UsageLimits;

/// The limits with what is used of them, and the estimates of what a turn may use, by which it is reserved.
#[derive(Debug)]
pub(super) struct TurnCounts {
    pub(super) usage: Arc<UsageLimits>,
    pub(super) estimator: Estimator,
}
