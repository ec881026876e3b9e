//! A call to a model that has ended.

use std::time::Instant;

/// A call to a model that has ended: its model, times and outcome.
#[derive(Clone, Debug)]
pub(in crate::services::turn) struct EndedCall {
    /// The model that was called.
    pub(in crate::services::turn) model: String,
    pub(in crate::services::turn) started_at: Instant,
    pub(in crate::services::turn) ended_at: Instant,
    /// The error code of the failure; `None` for an answer.
    pub(in crate::services::turn) code: Option<&'static str>,
}
