//! Turns: a question, the answer of a model, and what is recorded of them.
//!
//! Each turn runs in its own task (`runner`), which writes a journal. The endpoint that started the turn reads the
//! journal, as a stream or to the end. A turn that has no reader any more, or is stopped, ends and closes its connection
//! to the model. A turn that has begun is logged and counted once, however it ends, unless its task panics.
//!
//! The modules, in the order in which a turn uses them: `start`, `admission` and `permits`, `image_hosts`, `limits`,
//! `idempotency`, `registry` and `journal`, `runner`, `guard`, `context`, `stored_chats`, `answerer`, `open_stream`,
//! `model_calls`, `recording`, `outbox`. `recovery` runs once at the start, and then `interrupted`. `feedback` comes after a
//! turn. `parts` creates them all.

mod admission;
mod answer_limits;
mod answerer;
mod context;
mod dependencies;
mod ended_call;
mod ended_journals;
mod ending;
mod failure;
mod feedback;
mod feedback_failure;
mod guard;
mod hook_metrics;
mod idempotency;
mod image_hosts;
mod interrupted;
mod journal;
mod limits;
mod logged_comment;
mod memory_guard;
mod metrics;
mod model_calls;
mod model_test;
mod monitor;
mod open_stream;
mod outbox;
mod parts;
mod permits;
mod recent_erasures;
mod recording;
mod recovered_answers;
mod recovery;
mod recovery_progress;
mod registry;
mod request;
mod runner;
mod spans;
mod start;
mod stored_chats;
mod summary;
mod text_scope;
mod turn_tasks;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

pub use self::{
    dependencies::Dependencies,
    failure::TurnFailure,
    feedback::{FeedbackSender, NewFeedback, RecordedFeedback},
    feedback_failure::FeedbackFailure,
    idempotency::{IdempotencyKey, InvalidIdempotencyKey},
    journal::{Event, EventKind, Reader},
    model_calls::ProviderAccess,
    recovery::RecoveryFailure,
    recovery_progress::RecoveryProgress,
    request::{StoredChatTurn, TurnRequest},
    summary::TurnSummary,
    text_scope::TurnClient,
    turn_tasks::CutOffTurns,
};
use self::{interrupted::log_interrupted, model_test::test_request, parts::Parts, text_scope::ErasedTexts};
use crate::{
    adapters::storage::{ChatId, Destination},
    domain::{
        account::OwnerId,
        breaker::BreakerState,
        limits::{Asker, LimitKey, LimitUsage, Standing, UsageLimits},
        persona::Persona,
        session::SessionId,
        tenant::Tenant,
    },
    foundation::{
        config::{Config, Limits},
        outage::StartOutage,
        trace::Tracer,
    },
};

/// Starts, finds and drains turns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Parts>);

impl Turns {
    /// Prepares for turns: adds the turns that are only in the session log because of a crash to the database, and
    /// starts the background tasks that all turns share. Waits for the end of an outage.
    pub async fn open(
        config: &Config,
        dependencies: &Dependencies,
        progress: &RecoveryProgress,
        outage: &StartOutage,
    ) -> Result<Self, RecoveryFailure> {
        Ok(Self(Arc::new(Parts::build(config, dependencies, progress, outage).await?)))
    }

    /// Logs and counts the streams that the end of an earlier process has interrupted. To be called once the start of this
    /// process is in the session log, and before turns are taken. Waits for the end of an outage.
    pub async fn log_interrupted(&self, outage: &StartOutage) -> Result<(), RecoveryFailure> {
        let unreadable = log_interrupted(&self.0.runner.recorder, outage).await?;
        self.0.monitor.add_missing_log_lines(unreadable);
        Ok(())
    }

    /// Whether a model, or the one of a persona, may answer on behalf of a tenant.
    #[must_use]
    pub fn may_answer(&self, model: Option<&str>, persona: Option<&Persona>, tenant: Option<&Tenant>) -> bool {
        self.0.model_calls.may_answer(model, persona, tenant)
    }

    /// Returns the limits with what is used of them. They also count sessions, so that replicas share these counts as those of
    /// turns.
    #[must_use]
    pub fn usage_limits(&self) -> Arc<UsageLimits> {
        self.0.limits.usage()
    }

    /// Returns what is left of the limit that is nearest to its end for whoever asks; `None` without a limit.
    #[must_use]
    pub fn nearest_limit(&self, asker: &Asker) -> Option<Standing> {
        self.0.limits.nearest(asker)
    }

    /// Returns the limits of which the greatest part is used or reserved, at least so many thousandths and at most `most` limits,
    /// and whether there are more. Of tenants, those that are given count.
    pub async fn near_limits(
        &self,
        tenants: &[Tenant],
        least_per_mille: u64,
        most: usize,
    ) -> Result<(Vec<LimitUsage>, bool), TurnFailure> {
        self.0.limits.near(tenants, least_per_mille, most).await
    }

    /// Replaces the limits of the settings. What was used of them is still counted.
    pub fn replace_limits(&self, limits: Limits) {
        self.0.limits.replace_settings(limits);
    }

    /// Forgets the usage of one visitor, one address, a tenant or all together. Returns whether there was any. Running turns keep their
    /// reservations.
    pub async fn reset_limit(&self, key: LimitKey) -> Result<bool, TurnFailure> {
        self.0.limits.reset(key).await
    }

    /// Runs a turn that asks the model for one word, to check whether the model answers. Concurrent calls share one
    /// turn.
    pub async fn test(
        &self,
        request_id: &str,
        arrived: Instant,
        asker: Asker,
    ) -> Result<(String, TurnSummary), TurnFailure> {
        let start = self.start(test_request(request_id, arrived, asker));
        self.0.model_test.join(start).await?.read_to_end().await
    }

    /// Returns the owner of the stored chat to which a turn belongs, by a request that started or joined the turn.
    #[must_use]
    pub fn owner_of(&self, request_id: &str) -> Option<OwnerId> {
        self.0.registry.find(request_id)?.scope.chat_owner()
    }

    /// Returns a reader of the turn that a request started or joined. Returns `None` if there is no such turn (any
    /// more), if it belongs to another session, to a chat of another owner, to another visitor of a site, or to another API key.
    #[must_use]
    pub fn find(&self, request_id: &str, client: &TurnClient) -> Option<Reader> {
        let journal = self.0.registry.find(request_id)?;
        journal.scope.asked_by().admits(client).then(|| Reader::new(&journal))
    }

    /// Counts feedback for the address of its sender (`LIMIT_FEEDBACK`), before anything is looked up for it. Fails if there was too
    /// much.
    pub fn admit_feedback(&self, sender: FeedbackSender) -> Result<(), FeedbackFailure> {
        Ok(self.0.feedback.admit(sender)?)
    }

    /// Records what the caller of an answered turn thinks of the answer: in the session log, and then in the database, with the
    /// event for the owner's receiver. It replaces earlier feedback; the same again changes nothing. To be called once the sender
    /// was admitted.
    pub async fn rate(&self, client: TurnClient, new: NewFeedback) -> Result<RecordedFeedback, FeedbackFailure> {
        self.0.feedback.record(client, new).await
    }

    /// Makes the texts of a session unreadable here, too, or those that the key with this id has sealed: turns that have ended
    /// are not found any more, and those that run will not be. With an `owner`, only that owner's turns. Returns whether there
    /// was any. To be called after the erasure in the database.
    #[must_use]
    pub fn erase_session(&self, id: &SessionId, owner: Option<OwnerId>) -> bool {
        self.0.registry.erase(ErasedTexts::Session { id, owner })
    }

    /// Makes the texts of an owner unreadable in the same way.
    pub fn erase_owner(&self, owner: OwnerId) {
        self.0.registry.erase(ErasedTexts::Owner(owner));
    }

    /// Makes the texts of one of an owner's stored chats unreadable in the same way.
    pub fn erase_chat(&self, owner: OwnerId, chat: ChatId) {
        self.0.registry.erase(ErasedTexts::Chat { owner, chat });
    }

    /// Returns the numbers of records that wait for a destination, and that were dropped because too many waited.
    #[must_use]
    pub fn queue(&self, destination: Destination) -> (u64, u64) {
        self.0.monitor.queue(destination)
    }

    /// Returns the numbers of turns that run now, and that wait for a permit.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        self.0.monitor.load()
    }

    /// Returns the state of each model's circuit breaker, by model name.
    #[must_use]
    pub fn breakers(&self) -> Vec<(&str, BreakerState)> {
        self.0.model_calls.breaker_states()
    }

    /// Returns the state of the circuit breaker of each hook that turns ask, by the hook's name.
    #[must_use]
    pub fn hook_breakers(&self) -> Vec<(&'static str, BreakerState)> {
        self.0.monitor.hook_breakers()
    }

    /// Returns all metrics as OpenMetrics text.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.0.monitor.metrics()
    }

    /// Returns what begins traces; `None` if turns are not traced.
    #[must_use]
    pub fn tracer(&self) -> Option<&Tracer> {
        self.0.tracer.as_ref()
    }

    /// Whether new turns are refused because the service stops.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.tasks.is_draining()
    }

    /// Returns a token that is cancelled when new turns are refused because the service stops.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.tasks.draining()
    }

    /// Refuses new turns, waits for running ones until the deadline or until `at_once` is cancelled, and ends those that are
    /// left.
    pub async fn drain(&self, deadline: Duration, at_once: &CancellationToken) -> CutOffTurns {
        self.0.tasks.drain(deadline, at_once).await
    }
}
