//! Failures of the connection to the provider.

use crate::{
    adapters::model::{ModelError, ModelFailure, Reason},
    foundation::http_client::{Cause, ReadFailure, cause},
};

/// Returns the failure that an error of the connection means, with its cause.
pub(super) fn transport_error(error: &reqwest::Error) -> ModelError {
    let cause = cause(error);
    let failure = if cause == Cause::NoDescriptors {
        ModelFailure::NoDescriptors
    } else if error.is_connect() {
        // This includes the connect timeout.
        ModelFailure::Unreachable
    } else if error.is_timeout() {
        ModelFailure::Timeout
    } else {
        ModelFailure::ConnectionLost
    };
    ModelError::new(failure, Reason::new(cause.to_string()))
}

impl From<ReadFailure> for ModelError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::TooLarge => ModelFailure::TooLarge.into(),
            ReadFailure::Idle => ModelFailure::Timeout.into(),
            ReadFailure::Lost(error) => transport_error(&error),
        }
    }
}
