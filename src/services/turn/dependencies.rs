//! The dependencies of the module for turns.

use std::sync::Arc;

use crate::{
    adapters::{
        credentials::Credentials,
        hooks::{EventReceiver, GuardHook},
        personas::Personas,
        session_log::SessionLog,
        storage::Storage,
    },
    foundation::{clock::Clock, http_client::Client, tasks::Tasks},
};

/// The adapters and other objects that [`Turns`](super::Turns) uses.
#[derive(Debug)]
pub struct Dependencies {
    /// The HTTP client of the process.
    pub client: Client,
    /// The owner's guard; `None` without one.
    pub guard: Option<Arc<GuardHook>>,
    /// The owner's receiver of events, if there is one.
    pub events: Option<EventReceiver>,
    /// The personas. A model that only a persona names has no circuit breaker before the next start if the persona is added
    /// while the service runs.
    pub personas: Personas,
    /// The API keys.
    pub credentials: Credentials,
    /// The session log.
    pub log: SessionLog,
    /// The database.
    pub storage: Storage,
    /// The clock.
    pub clock: Clock,
    /// The owner of background tasks.
    pub tasks: Tasks,
}
