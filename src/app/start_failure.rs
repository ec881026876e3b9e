//! The errors that prevent the service from starting.

use super::listen::ListenFailure;
use crate::{
    adapters::{
        personas::UnreadablePersonas,
        session_log::{LogOpenFailure, LogUnavailable},
        storage::{DatabaseOpenFailure, StorageFailure},
    },
    foundation::{config::InvalidConfigFile, http_client::ClientFailure},
    services::turn,
};

/// An error that prevents the service from starting.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The address cannot be bound.
    #[error(transparent)]
    Listen(#[from] ListenFailure),
    /// The session log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogOpenFailure),
    /// The session log cannot be written.
    #[error(transparent)]
    LogWrite(#[from] LogUnavailable),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseOpenFailure),
    /// A statement on the database failed.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    /// Turns that a crash left in the session log alone could not be written to the database.
    #[error(transparent)]
    Turns(#[from] turn::RecoveryFailure),
    /// The personas cannot be read.
    #[error(transparent)]
    Personas(#[from] UnreadablePersonas),
    /// A site names a persona or a model that there is not.
    #[error("the configuration has mistakes: {0}")]
    Sites(#[from] InvalidConfigFile),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientFailure),
}

impl StartFailure {
    /// Whether a setting is wrong for certain, so that a restart would not help.
    #[must_use]
    pub fn is_wrong_setting(&self) -> bool {
        match self {
            Self::Database(failure) => failure.is_wrong_setting(),
            Self::Sites(_) | Self::Listen(ListenFailure::Passed(..)) => true,
            Self::Personas(failure) => {
                matches!(failure, UnreadablePersonas::NoDefault { .. } | UnreadablePersonas::UnknownModel { .. })
            }
            _ => false,
        }
    }
}
