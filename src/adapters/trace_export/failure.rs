//! Why a collector has not taken spans.

use std::time::Duration;

use reqwest::StatusCode;

use crate::foundation::http_client::Cause;

/// Why a collector has not taken spans.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExportFailure {
    /// There was no connection, or it was lost.
    #[error("{0}")]
    Connection(Cause),
    /// The collector has not answered in time.
    #[error("it did not answer within {0:?} (OTEL_EXPORTER_OTLP_TIMEOUT)")]
    Timeout(Duration),
    /// The credentials are missing or wrong.
    #[error("it answers with status {0}; check OTEL_EXPORTER_OTLP_HEADERS")]
    Refused(u16),
    /// The answer has another error status.
    #[error("it answers with status {0}; check that OTEL_EXPORTER_OTLP_ENDPOINT is its address for HTTP")]
    Status(u16),
    /// The answer is none of a collector.
    #[error("its answer is none of a collector; check that OTEL_EXPORTER_OTLP_ENDPOINT is its address for HTTP")]
    NotUnderstood,
}

impl ExportFailure {
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Refused(status.as_u16()),
            _ => Self::Status(status.as_u16()),
        }
    }
}
