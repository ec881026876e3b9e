//! Idempotency: a turn with an `Idempotency-Key` is run once, however often it is requested.
//!
//! The key is claimed in the database before the model is called, and the answer is stored there when the turn
//! ends. If the process ends meanwhile, a repetition gets the answer where the session log has it, runs the turn where the
//! model was never asked, and fails otherwise: it does not run the turn again.

mod claim;
mod fingerprint;
mod key;
mod recent_keys;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub use self::key::{IdempotencyKey, InvalidIdempotencyKey};
use self::{
    claim::unavailable,
    fingerprint::fingerprint,
    recent_keys::{KeyedTurn, RecentKeys},
};
pub(super) use self::{
    claim::{KeyClaim, wait_unmarked},
    fingerprint::scoped_key,
};
use super::{
    failure::TurnFailure,
    journal::{Journal, Reader},
    registry::Registry,
    request::TurnRequest,
    stored_chats::StoredChats,
    summary::TurnSummary,
};
use crate::{
    adapters::storage::{ClaimedKey, KeyOutcome, NewClaim, ScopedKey, Storage, StorageFailure, StoredAnswer},
    foundation::{error_chain::ErrorChain, tasks::Tasks},
};

/// Time between queries for a turn that runs at another replica.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Time between deletions of expired keys. Each claim deletes expired keys, too, so that none is ever found; the task
/// deletes them while no keys are claimed.
const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// Claims keys for turns, and finds the turns of keys that were claimed before.
#[derive(Debug)]
pub(super) struct Idempotency {
    storage: Storage,
    registry: Arc<Registry>,
    stored_chats: Arc<StoredChats>,
    recent: RecentKeys,
    /// Time that a repetition waits for a turn at another replica.
    timeout: Duration,
}

/// The outcome of a claim.
pub(super) enum Claim {
    /// The key is claimed for this request, whose turn is to be run.
    New(Box<KeyClaim>),
    /// An earlier request has claimed the key. The reader reads its turn.
    Repeated(Reader),
}

impl Idempotency {
    /// Starts the task that purges expired keys.
    pub(super) fn start(
        storage: Storage,
        registry: Arc<Registry>,
        stored_chats: Arc<StoredChats>,
        timeout: Duration,
        tasks: &Tasks,
    ) -> Self {
        let purge = purge_expired_keys(storage.clone(), tasks.stopping());
        tasks.spawn("idempotency keys", purge);
        Self { storage, registry, stored_chats, recent: RecentKeys::default(), timeout }
    }

    /// Claims a key for a request, or finds the turn of the request that has claimed it before. `can_ask_at_once`: the
    /// turn would probably not have to wait before it asks the model.
    pub(super) async fn claim(
        &self,
        request: &mut TurnRequest,
        key: ScopedKey,
        can_ask_at_once: bool,
    ) -> Result<Claim, TurnFailure> {
        let (fingerprint, id) = (fingerprint(request), request.request_id.clone());
        let is_asked = can_ask_at_once && request.stored_chat.is_none();
        // A stored chat has the text itself, and its own deletion.
        let session = request.session_id.clone().filter(|_| request.stored_chat.is_none());
        let session = session.as_ref();
        let new = NewClaim { key: &key, fingerprint: &fingerprint, request_id: &id, session, is_asked };
        let mut idle = None;
        let deadline = Instant::now() + self.timeout;
        loop {
            let claimed = self.storage.claim_key(new).await;
            let Some(earlier) = claimed.map_err(|failure| self.claim_failed(new, &failure))? else { break };
            let first = earlier.request_id.clone();
            let is_over = earlier.answer.is_none() && !earlier.is_running_elsewhere && idle.as_ref() == Some(&first);
            if earlier.is_refused || (is_over && !earlier.is_asked) {
                if self.reclaim(request, new, &earlier).await? {
                    break;
                }
                continue;
            }
            if is_over {
                return Err(TurnFailure::Interrupted);
            }
            if earlier.fingerprint != fingerprint && !self.may_be_free(&earlier) {
                return Err(TurnFailure::KeyReused);
            }
            let is_running_elsewhere = earlier.is_running_elsewhere;
            if let Some(reader) = self.reader_of_earlier(request, earlier).await? {
                return Ok(Claim::Repeated(reader));
            }
            if !is_running_elsewhere {
                self.wait_for_outcome(&first).await?;
                idle = Some(first);
            } else if Instant::now() >= deadline {
                return Err(TurnFailure::Busy);
            } else {
                sleep(POLL_INTERVAL).await;
            }
        }
        self.recent.add(key.clone(), KeyedTurn { request_id: id.clone(), fingerprint });
        Ok(Claim::New(Box::new(KeyClaim::new(self.storage.clone(), key, id, is_asked))))
    }

    /// Returns a reader of the turn that the same request has started here, if that runs or can be read again. It needs no
    /// database.
    pub(super) fn find_recent(&self, request: &TurnRequest, key: &ScopedKey) -> Option<Reader> {
        let KeyedTurn { request_id, fingerprint: earlier } = self.recent.get(key)?;
        let journal = self.registry.find(&request_id)?;
        if earlier == fingerprint(request) { Reader::join(&journal) } else { None }
    }

    /// Whether a request has claimed this key, so that another one with it may cost nothing.
    pub(super) async fn is_claimed(&self, key: &ScopedKey) -> Result<bool, TurnFailure> {
        self.storage.is_key_claimed(key).await.map_err(|failure| unavailable(&failure))
    }

    /// Returns the failure of a claim. The claim may take effect all the same if the connection to the database was lost; it
    /// is withdrawn then, because the model was not asked.
    fn claim_failed(&self, new: NewClaim<'_>, failure: &StorageFailure) -> TurnFailure {
        if failure.may_have_taken_effect() {
            self.storage.withdraw_claim(new);
        }
        unavailable(failure)
    }

    /// Whether the turn of a key may have ended before it asked the model.
    fn may_be_free(&self, earlier: &ClaimedKey) -> bool {
        let is_open = earlier.answer.is_none() && !earlier.is_asked;
        is_open && !earlier.is_running_elsewhere && self.registry.find(&earlier.request_id).is_none()
    }

    /// Waits until the outcome of a turn that is not running is in the database, if this process has one that could not be
    /// stored at once.
    async fn wait_for_outcome(&self, request_id: &str) -> Result<(), TurnFailure> {
        if self.stored_chats.is_unsettled(request_id) {
            return Err(TurnFailure::StorageUnavailable);
        }
        self.storage.flush_turns().await.map_err(|failure| unavailable(&failure))
    }

    /// Claims the key of a turn that was refused, or that never asked the model. In a stored chat, if the request is the
    /// same, it retries the question of that turn. Returns whether this request has claimed the key.
    async fn reclaim(
        &self,
        request: &mut TurnRequest,
        new: NewClaim<'_>,
        earlier: &ClaimedKey,
    ) -> Result<bool, TurnFailure> {
        let first = earlier.request_id.as_str();
        let claimed = self.storage.reclaim_key(new, first).await;
        let is_claimed = claimed.map_err(|failure| self.claim_failed(new, &failure))?;
        let is_retry = is_claimed && earlier.fingerprint == new.fingerprint;
        if let Some(stored_chat) = request.stored_chat.as_mut().filter(|_| is_retry) {
            let failed = self.storage.pass_question_on(stored_chat.owner, first, new.request_id).await;
            stored_chat.retry_of = failed.map_err(|failure| unavailable(&failure))?.or(stored_chat.retry_of);
        }
        Ok(is_claimed)
    }

    /// Returns a reader of the earlier turn, if it is running or was answered.
    async fn reader_of_earlier(
        &self,
        request: &TurnRequest,
        earlier: ClaimedKey,
    ) -> Result<Option<Reader>, TurnFailure> {
        let running = self.registry.find(&earlier.request_id);
        if let Some(reader) = running.as_ref().and_then(Reader::join) {
            return Ok(Some(reader));
        }
        if let Some(answer) = earlier.answer {
            let reader = self.reader_of_answer(request, earlier.request_id, answer).await?;
            earlier.content_key.into_iter().for_each(|id| reader.journal().erasure.note_key(&id));
            return Ok(Some(reader));
        }
        // The key is settled before the journal ends, so the next query for the key finds the outcome.
        if let Some(journal) = running {
            let _ = journal.result().await;
        }
        Ok(None)
    }

    /// Returns a reader of a stored answer.
    async fn reader_of_answer(
        &self,
        request: &TurnRequest,
        request_id: String,
        answer: StoredAnswer,
    ) -> Result<Reader, TurnFailure> {
        let StoredAnswer { text, model, usage, finish, at, sources } = answer;
        let owner = request.chat_owner();
        let (exchange, question, text, sources) = match owner {
            Some(owner) => {
                let stored = self.stored_chats.stored_exchange(owner, &request_id).await?;
                (Some(stored.messages), Some(stored.question), stored.answer, stored.sources)
            }
            None => (None, None, text, sources),
        };
        let summary = TurnSummary { model, usage, finish, at, notice: None, sources, exchange };
        let memory = Arc::clone(self.registry.memory());
        let journal = Journal::ended(request_id, request.text_scope(), &text, summary, memory);
        if let Some(question) = question.filter(|question| question != request.question()) {
            journal.note_masked_question(&question);
        }
        Ok(Reader::new(&journal))
    }

    /// Stores the outcome of a turn for repetitions, unless it was stored with its answer. The key of a turn that failed
    /// without cost is released. If the database fails, the outcome is stored later, and the turn does not fail.
    pub(super) async fn settle(
        &self,
        claim: &KeyClaim,
        journal: &Journal,
        result: &Result<TurnSummary, TurnFailure>,
        may_have_cost: bool,
    ) {
        if claim.is_settled() {
            return;
        }
        let content_key = claim.content_key();
        let settled = claim.with_outcome(match result {
            // Nothing seals the answer.
            Ok(_) if content_key.is_none() && journal.erasure.is_erased() => KeyOutcome::Unanswered,
            Ok(summary) => {
                let answer = summary.stored_answer(journal.text());
                KeyOutcome::Answered { answer, content_key }
            }
            Err(_) if may_have_cost => KeyOutcome::Unanswered,
            Err(_) if journal.scope.chat.is_some() => KeyOutcome::Refused,
            Err(_) => KeyOutcome::Released,
        });
        match self.storage.settle_key(&settled).await {
            Ok(()) => {}
            Err(failure) if failure.is_transient() || matches!(failure, StorageFailure::FileLost(_)) => {
                tracing::warn!(failure = %ErrorChain(&failure), "the outcome of a turn with an Idempotency-Key cannot be stored yet");
                self.storage.settle_key_later(settled);
            }
            Err(failure) => {
                tracing::error!(failure = %ErrorChain(&failure), "the outcome of a turn with an Idempotency-Key cannot be stored; repetitions fail");
            }
        }
    }
}

/// Deletes expired keys until the service stops.
async fn purge_expired_keys(storage: Storage, stopping: CancellationToken) {
    loop {
        let purged = async {
            storage.sync_retention_time().await?;
            storage.purge_expired_keys().await
        };
        if let Err(failure) = purged.await {
            tracing::warn!(failure = %ErrorChain(&failure), "expired Idempotency-Keys cannot be deleted yet");
        }
        if stopping.run_until_cancelled(sleep(PURGE_INTERVAL)).await.is_none() {
            return;
        }
    }
}
