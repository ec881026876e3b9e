use crate::{Error, types::ErrorBody};

/// Why a turn has no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The server refused the turn, or it failed later. `code` of the body says why; docs/errors.md lists all codes.
    #[error("{}", body.error)]
    Failed {
        /// The error: its code, a sentence, and the id of the request.
        body: Box<ErrorBody>,
        /// The HTTP status of a refusal; nothing for a turn that failed after its answer had begun.
        status: Option<u16>,
    },
    /// The server could not be reached again, so that the rest of the answer is missing.
    #[error("the connection to the server was lost: {0}")]
    ConnectionLost(String),
    /// The request could not be made, or a proxy before the server refused it.
    #[error("the request was refused: {0}")]
    Refused(String),
    /// The server gave another answer than the one that was begun.
    #[error("the server no longer has the answer that was begun, and gave another one; ask again")]
    OtherAnswer,
    /// The turn has no id yet: it can be stopped after its first event.
    #[error("the turn has no id yet; stop it after its first event")]
    NotStarted,
}

impl From<Error<ErrorBody>> for TurnError {
    fn from(error: Error<ErrorBody>) -> Self {
        match error {
            Error::ErrorResponse(response) => {
                let status = Some(response.status().as_u16());
                Self::Failed { body: Box::new(response.into_inner()), status }
            }
            Error::UnexpectedResponse(response) if response.status().is_client_error() => {
                Self::Refused(format!("the status is {}", response.status()))
            }
            Error::InvalidRequest(reason) => Self::Refused(reason),
            other => Self::ConnectionLost(other.to_string()),
        }
    }
}
