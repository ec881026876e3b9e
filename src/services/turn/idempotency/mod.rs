//! Idempotency: a turn with an `Idempotency-Key` is run once, however often it is requested.
//!
//! The key is claimed in the database before the model is called, and the answer is stored there before a client gets
//! it. So the repetition of a turn that was interrupted by the end of the process fails, and does not run the turn
//! again.

mod fingerprint;
mod key;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::fingerprint::fingerprint;
pub(super) use self::fingerprint::scoped_key;
pub use self::key::{IdempotencyKey, InvalidIdempotencyKey};
use super::{
    failure::TurnFailure,
    journal::{Journal, Reader},
    registry::Registry,
    request::TurnRequest,
    stored_chats::StoredChats,
    summary::TurnSummary,
};
use crate::{
    adapters::storage::{ClaimedKey, ScopedKey, Storage, StorageFailure, StoredAnswer},
    foundation::{clock::Clock, error_chain::ErrorChain, tasks::Tasks},
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
    clock: Clock,
    registry: Arc<Registry>,
    stored_chats: Arc<StoredChats>,
    /// Time that a repetition waits for a turn at another replica.
    timeout: Duration,
}

/// The outcome of a claim.
pub(super) enum Claim {
    /// The key is claimed for this request, whose turn is to be run.
    New,
    /// An earlier request has claimed the key. The reader reads its turn.
    Repeated(Reader),
}

impl Idempotency {
    /// Starts the task that purges expired keys.
    pub(super) fn start(
        storage: Storage,
        clock: Clock,
        registry: Arc<Registry>,
        stored_chats: Arc<StoredChats>,
        timeout: Duration,
        tasks: &Tasks,
    ) -> Self {
        let purge = purge_expired_keys(storage.clone(), clock.clone(), tasks.stopping());
        tasks.spawn("idempotency keys", purge);
        Self { storage, clock, registry, stored_chats, timeout }
    }

    /// Claims a key for a request, or finds the turn of the request that has claimed it before.
    pub(super) async fn claim(&self, request: &mut TurnRequest, key: &ScopedKey) -> Result<Claim, TurnFailure> {
        let fingerprint = fingerprint(request);
        let mut missing = None;
        let deadline = Instant::now() + self.timeout;
        loop {
            let claimed = self.storage.claim_key(key, &fingerprint, &request.request_id, self.clock.now()).await;
            let Some(earlier) = claimed.map_err(|failure| unavailable(&failure))? else { return Ok(Claim::New) };
            if earlier.is_refused {
                if self.reclaim(request, key, &earlier, &fingerprint).await? {
                    return Ok(Claim::New);
                }
                continue;
            }
            if earlier.fingerprint != fingerprint {
                return Err(TurnFailure::KeyReused);
            }
            let first = earlier.request_id.clone();
            let is_running_elsewhere = earlier.is_running_elsewhere && earlier.answer.is_none();
            if let Some(reader) = self.reader_of_earlier(request, earlier).await? {
                return Ok(Claim::Repeated(reader));
            }
            if is_running_elsewhere {
                if Instant::now() >= deadline {
                    return Err(TurnFailure::Busy);
                }
                sleep(POLL_INTERVAL).await;
            } else if missing.replace(first.clone()) == Some(first) {
                // Not found twice. Once is not enough: the turn may have ended and settled its key between the query
                // for the key and the search for the turn.
                return Err(TurnFailure::Interrupted);
            }
        }
    }

    /// Claims the key of a turn that was refused. In a stored chat, if the request is the same, it retries the failed
    /// message of that turn. Returns whether this request has claimed the key.
    async fn reclaim(
        &self,
        request: &mut TurnRequest,
        key: &ScopedKey,
        earlier: &ClaimedKey,
        fingerprint: &str,
    ) -> Result<bool, TurnFailure> {
        let first = earlier.request_id.as_str();
        let claimed = self.storage.reclaim_key(key, first, fingerprint, &request.request_id).await;
        let is_claimed = claimed.map_err(|failure| unavailable(&failure))?;
        let is_retry = is_claimed && earlier.fingerprint == fingerprint;
        if let Some(stored_chat) = request.stored_chat.as_mut().filter(|_| is_retry) {
            let failed = self.storage.failed_question(stored_chat.owner, first).await;
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
            return self.reader_of_answer(request, earlier.request_id, answer).await.map(Some);
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
        let StoredAnswer { text, model, usage, finish, at } = answer;
        let owner = request.chat_owner();
        let (exchange, text) = match owner {
            Some(owner) => {
                let (exchange, text) = self.stored_chats.stored_answer(owner, &request_id).await?;
                (Some(exchange), text)
            }
            None => (None, text),
        };
        let summary = TurnSummary { model, usage, finish, at, exchange };
        let journal = Journal::ended(request_id, request.session_id.clone(), owner, &text, summary);
        Ok(Reader::new(&journal))
    }

    /// Stores the answer of a turn for repetitions. The key of a turn that failed without cost is released.
    pub(super) async fn settle(
        &self,
        key: &ScopedKey,
        journal: &Journal,
        result: &Result<TurnSummary, TurnFailure>,
        may_have_cost: bool,
    ) {
        let (storage, request_id) = (&self.storage, journal.request_id.as_str());
        let is_in_chat = journal.owner.is_some();
        let settled = match result {
            Ok(TurnSummary { model, usage, finish, at, .. }) => {
                // A stored chat has the text already.
                let text = if is_in_chat { String::new() } else { journal.text() };
                let answer = StoredAnswer { text, model: model.clone(), usage: *usage, finish: *finish, at: *at };
                storage.store_answer(key, request_id, &answer).await
            }
            Err(_) if is_in_chat || may_have_cost => storage.mark_key_unanswered(key, request_id, !may_have_cost).await,
            Err(_) => storage.release_key(key, request_id).await,
        };
        if let Err(failure) = settled {
            tracing::error!(failure = %ErrorChain(&failure), "the outcome of a turn with an Idempotency-Key cannot be stored; repetitions fail");
        }
    }
}

/// Deletes expired keys until the service stops.
async fn purge_expired_keys(storage: Storage, clock: Clock, stopping: CancellationToken) {
    loop {
        if let Err(failure) = storage.purge_expired_keys(clock.now()).await {
            tracing::warn!(failure = %ErrorChain(&failure), "expired Idempotency-Keys cannot be deleted yet");
        }
        if stopping.run_until_cancelled(sleep(PURGE_INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Logs a failure of the database. Returns the failure of the turn.
fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(failure = %ErrorChain(failure), "an Idempotency-Key cannot be claimed");
    TurnFailure::StorageUnavailable
}
