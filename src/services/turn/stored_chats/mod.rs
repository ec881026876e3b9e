//! Turns of stored chats: one at a time in a chat. The question is stored before the model is called; the answer or the
//! failure, before a client gets it.

mod chat_queues;
mod history;
mod open_question;
mod outcomes;
mod unavailable;

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    join, select,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

pub(super) use self::open_question::OpenQuestion;
use self::{
    chat_queues::ChatQueues,
    history::History,
    open_question::ActiveRequests,
    outcomes::{Outcomes, StorageWait},
    unavailable::unavailable,
};
use super::{
    failure::TurnFailure,
    idempotency::KeyClaim,
    journal::Journal,
    model_calls::ModelAbilities,
    request::{StoredChatTurn, TurnRequest},
    summary::TurnSummary,
};
use crate::{
    adapters::storage::{NewQuestion, OpenOutcome, Storage, StorageFailure, StoredExchange},
    domain::{account::OwnerId, chat::Image},
    foundation::{
        clock::Clock,
        config::{Config, OnDisconnect},
        tasks::Tasks,
    },
};

/// Time between attempts to store a question while another replica runs a turn in the same chat.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Stores the questions and answers of turns in stored chats.
#[derive(Debug)]
pub(super) struct StoredChats {
    storage: Storage,
    clock: Clock,
    /// Time that a turn waits for those before it in the same chat.
    timeout: Duration,
    /// The most bytes that an owner may store.
    max_stored_bytes: u64,
    /// Whether turns go on without readers (`ON_DISCONNECT=drain`).
    drains: bool,
    /// Cancelled when running turns must end.
    cut_off: CancellationToken,
    queues: ChatQueues,
    active: ActiveRequests,
    history: History,
    outcomes: Arc<Outcomes>,
}

impl StoredChats {
    /// Starts the task that reconciles pending questions with running turns.
    pub(super) fn start(
        storage: Storage,
        clock: Clock,
        config: &Config,
        cut_off: CancellationToken,
        abilities: Arc<ModelAbilities>,
        tasks: &Tasks,
    ) -> Self {
        let (timeout, max_stored_bytes) = (config.turns.timeout, config.quotas.bytes);
        let drains = config.turns.on_disconnect == OnDisconnect::Drain;
        let active = ActiveRequests::default();
        let wait = StorageWait { timeout, cut_off: cut_off.clone() };
        let outcomes = Arc::new(Outcomes::new(storage.clone(), active.clone(), wait));
        let (reconciled, stopping) = (Arc::clone(&outcomes), tasks.stopping());
        tasks.spawn("stored chats", async move { reconciled.reconcile(stopping).await });
        let history = History::new(storage.clone(), abilities);
        Self {
            storage,
            clock,
            timeout,
            max_stored_bytes,
            drains,
            cut_off,
            queues: ChatQueues::default(),
            active,
            history,
            outcomes,
        }
    }

    /// Waits for the turns before this one in its chat, stores the question, and adds the history to the request. While the
    /// history is read, the turn's idempotency key is marked: the model can be asked then.
    /// Returns `None` for a turn outside of stored chats. If this fails, the turn has not begun.
    pub(super) async fn open(
        &self,
        request: &mut TurnRequest,
        model: &str,
        journal: &Journal,
        claim: Option<&KeyClaim>,
    ) -> Result<Option<OpenQuestion>, TurnFailure> {
        let Some(stored_chat) = request.stored_chat else { return Ok(None) };
        let opening = select! {
            biased;
            opening = self.open_question(stored_chat, request) => opening,
            () = self.ended_by_clients(journal) => Err(TurnFailure::ClientGone),
            () = self.cut_off.cancelled() => Err(TurnFailure::Stopping),
        };
        let open = opening?;
        journal.note_question(open.question.id);
        let marking = async { if let Some(claim) = claim { claim.mark().await } else { Ok(()) } };
        let (messages, marked) = join!(self.history.conversation(&open.question, request, model), marking);
        match marked.and(messages) {
            Ok(messages) => request.messages = messages,
            Err(failure) => return self.close(open, journal, Err(failure), None).await.map(|_| None),
        }
        Ok(Some(open))
    }

    /// Stores the outcome of a turn, and an answer together with the turn's idempotency key: a repetition finds either both
    /// or none.
    pub(super) async fn close(
        &self,
        open: OpenQuestion,
        journal: &Journal,
        result: Result<TurnSummary, TurnFailure>,
        claim: Option<&KeyClaim>,
    ) -> Result<TurnSummary, TurnFailure> {
        self.outcomes.store(open, journal, result, claim).await
    }

    /// Whether the question of a request is pending here: its turn is running, or its outcome could not be stored yet.
    pub(super) fn is_unsettled(&self, request_id: &str) -> bool {
        self.active.contains(request_id)
    }

    /// Returns the stored question and answer of an earlier turn. Fails if they were deleted.
    pub(super) async fn stored_exchange(
        &self,
        owner: OwnerId,
        request_id: &str,
    ) -> Result<StoredExchange, TurnFailure> {
        let exchange = self.storage.exchange(owner, request_id).await.map_err(|failure| unavailable(&failure))?;
        exchange.ok_or(TurnFailure::ChatChanged)
    }

    /// Resolves when clients end the turn. A turn that was stopped before, while a hook was asked, is not ended here: its question
    /// gets an answer without text, as that of any turn that is stopped before its first word.
    async fn ended_by_clients(&self, journal: &Journal) {
        if journal.is_stopped() {
            return pending().await;
        }
        journal.ended_by_clients(!self.drains).await;
    }

    async fn open_question(
        &self,
        stored_chat: StoredChatTurn,
        request: &TurnRequest,
    ) -> Result<OpenQuestion, TurnFailure> {
        let deadline = Instant::now() + self.timeout;
        let permit = timeout_at(deadline, self.queues.acquire(stored_chat.chat)).await;
        let permit = permit.ok().flatten().ok_or(TurnFailure::ChatBusy)?;
        // Before the question is in the database: pending questions of requests that are not active are orphans.
        let active = self.active.add(&request.request_id, permit);
        loop {
            match self.try_to_open(stored_chat, request).await.map_err(|failure| unavailable(&failure))? {
                OpenOutcome::Opened(question) => return Ok(OpenQuestion { question, _active: active }),
                OpenOutcome::StorageFull => {
                    return Err(TurnFailure::StorageFull { max_bytes: self.max_stored_bytes });
                }
                OpenOutcome::NotFound => return Err(TurnFailure::ChatChanged),
                OpenOutcome::ChatBusy if Instant::now() >= deadline => return Err(TurnFailure::ChatBusy),
                OpenOutcome::ChatBusy => sleep(POLL_INTERVAL).await,
            }
        }
    }

    async fn try_to_open(
        &self,
        stored_chat: StoredChatTurn,
        request: &TurnRequest,
    ) -> Result<OpenOutcome, StorageFailure> {
        let StoredChatTurn { owner, chat, retry_of } = stored_chat;
        let request_id = request.request_id.as_str();
        let Some(message) = request.messages.last() else { return Ok(OpenOutcome::NotFound) };
        if let Some(failed) = retry_of {
            return self.storage.reopen_question(owner, failed, &message.content, request_id).await;
        }
        let image = message.images.first().map(Image::url);
        let max_stored_bytes = self.max_stored_bytes;
        let new = NewQuestion { owner, chat, text: &message.content, image, request_id, max_stored_bytes };
        self.storage.open_question(&new, self.clock.now()).await
    }
}
