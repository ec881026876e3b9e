//! The dependencies of the module for turns.

use std::sync::Arc;

use super::model_calls::ProviderAccess;
use crate::{
    adapters::{
        hooks::{ContextHook, EventReceiver, GuardHook},
        personas::Personas,
        session_log::SessionLog,
        storage::Storage,
    },
    domain::tenant::SpendingPause,
    foundation::{clock::Clock, config::PerProvider, http_client::Client, tasks::Tasks, trace::Tracer},
};

/// The adapters and other objects that [`Turns`](super::Turns) uses.
#[derive(Debug)]
pub struct Dependencies {
    /// The HTTP client of the process.
    pub client: Client,
    /// The owner's guard; `None` without one.
    pub guard: Option<Arc<GuardHook>>,
    /// The owner's context hook; `None` without one.
    pub context: Option<Arc<ContextHook>>,
    /// The owner's receiver of events, if there is one.
    pub events: Option<EventReceiver>,
    /// The personas. A model that only a persona names has no circuit breaker before the next start if the persona is added
    /// while the service runs.
    pub personas: Personas,
    /// What calls to the models of each provider need.
    pub providers: PerProvider<ProviderAccess>,
    /// The session log.
    pub log: SessionLog,
    /// The database.
    pub storage: Storage,
    /// The clock.
    pub clock: Clock,
    /// What begins traces; `None` if turns are not traced.
    pub tracer: Option<Tracer>,
    /// The owner of background tasks.
    pub tasks: Tasks,
    /// The pause of all spending.
    pub spending: Arc<SpendingPause>,
}
