//! The state that the handlers share.

use std::{sync::Arc, time::Instant};

use crate::{
    adapters::{credentials::Credentials, personas::Personas, session_log::SessionLog, storage::Storage},
    domain::body_memory::BodyMemory,
    foundation::{
        clock::Clock,
        config::{Config, PerProvider},
        secret::FingerprintKey,
        tasks::Tasks,
    },
    services::{
        accounts::Accounts,
        api_keys::ApiKeys,
        log_report::{LiveLog, OwnLogReports},
        sessions::Sessions,
        sites::Sites,
        turn::{ProviderAccess, Turns},
        visitors::Visitors,
    },
};

/// The settings, services and adapters that the handlers use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The settings.
    pub config: Arc<Config>,
    /// The time at which the service started.
    pub started: Instant,
    /// The clock.
    pub clock: Clock,
    /// The personas.
    pub personas: Personas,
    /// The sites that embed the chat window.
    pub sites: Sites,
    /// The service that starts and finds turns.
    pub turns: Turns,
    /// The service that starts and stops sessions.
    pub sessions: Sessions,
    /// The service for accounts and their tokens.
    pub accounts: Accounts,
    /// The API keys of servers.
    pub api_keys: ApiKeys,
    /// The service for the portal's visitors, who have no account.
    pub visitors: Visitors,
    /// The API keys of the default model's provider.
    pub credentials: Credentials,
    /// What calls to the models of each provider need.
    pub providers: PerProvider<ProviderAccess>,
    /// The secret with which fingerprints of API keys are computed.
    pub fingerprint_key: FingerprintKey,
    /// The session log.
    pub log: SessionLog,
    /// Reports of the session log.
    pub log_reports: OwnLogReports,
    /// The session log as it is written, for the operator's page.
    pub live_log: LiveLog,
    /// The database.
    pub storage: Storage,
    /// The memory for the messages of chats in responses.
    pub list_memory: BodyMemory,
    /// The background tasks.
    pub tasks: Tasks,
    /// The task that sends traces. It ends last, after what it sends has ended.
    pub trace_tasks: Tasks,
}
