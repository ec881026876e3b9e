//! What turns are expected to use, and what they have used.

use std::sync::Arc;

use super::estimate::Estimator;
use crate::domain::limits::UsageLimits;

/// The limits with what is used of them, and the estimates by which turns are reserved.
#[derive(Debug)]
pub(super) struct TurnCounts {
    pub(super) usage: Arc<UsageLimits>,
    pub(super) estimator: Estimator,
}
