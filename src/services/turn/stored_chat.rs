//! Turns of stored chats: one at a time in a chat, with the question kept before the model is asked, and the answer, or
//! its absence, before anybody is told.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{StoredChatTurn, TurnFailure, TurnRequest, TurnSummary, Turns, journal::Journal};
use crate::{
    adapters::storage::{ChatId, Exchange, HistoryMessage, NewQuestion, OpenOutcome, PendingQuestion, StorageFailure},
    domain::{
        account::OwnerId,
        chat::{Image, InWords, Message},
        prompt::Fitting,
    },
};

/// How often a chat is asked for in which another replica takes a turn.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// So many may wait for their turn in one chat; each holds what it has to say.
const MOST_WAITING: usize = 32;

/// How often it is tried again to keep what became of questions.
const RETRY: Duration = Duration::from_millis(500);

/// How often it is looked for questions that a death left pending.
const SWEEP: Duration = Duration::from_secs(5);

/// Messages of the history that are read first.
const FIRST_PAGE: u64 = 64;

/// Messages of the history that are read at once, at the most: a chat for a large window is read in a few steps.
const LARGEST_PAGE: u64 = 256;

/// The chats in which turns go on.
#[derive(Debug, Default)]
pub(super) struct Chats {
    /// One place in each chat; whoever comes first waits first.
    admission: Mutex<HashMap<ChatId, Weak<Semaphore>>>,
    /// The requests whose questions are, or will be, pending.
    going_on: Mutex<HashSet<String>>,
    /// What could not be kept yet.
    unkept: Mutex<Vec<Unkept>>,
}

/// A question that is pending, and the place in its chat that goes with it.
#[derive(Debug)]
pub(super) struct Open {
    question: PendingQuestion,
    _held: Held,
}

#[derive(Debug)]
struct Held {
    turns: Turns,
    request_id: String,
    _place: OwnedSemaphorePermit,
}

impl Drop for Held {
    fn drop(&mut self) {
        locked(&self.turns.0.chats.going_on).remove(&self.request_id);
    }
}

/// What became of a question, on its way into the database.
#[derive(Debug)]
struct Unkept {
    open: Open,
    /// The answer, and when it was given; none where the turn failed.
    answer: Option<(String, Timestamp)>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chats {
    /// The one place in a chat, as soon as it is free. `None` where too many wait for it.
    async fn place(&self, chat: ChatId) -> Option<OwnedSemaphorePermit> {
        let place = {
            let mut admission = locked(&self.admission);
            admission.retain(|_, place| place.strong_count() > 0);
            let known = admission.get(&chat).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let place = Arc::new(Semaphore::new(1));
                admission.insert(chat, Arc::downgrade(&place));
                place
            })
        };
        if Arc::strong_count(&place) > MOST_WAITING {
            return None;
        }
        place.acquire_owned().await.ok()
    }
}

impl Turns {
    /// Opens the turn in its chat, if it belongs to one: waits for those before it, keeps the question, and puts the
    /// history in front of it, as much as the model can read. When this fails, no turn has begun.
    pub(super) async fn open_in_chat(
        &self,
        ask: &mut TurnRequest,
        model: &str,
        journal: &Journal,
    ) -> Result<Option<Open>, TurnFailure> {
        let Some(place) = ask.stored_chat else { return Ok(None) };
        let opening = select! {
            biased;
            opening = self.take_place(&place, ask) => opening,
            () = journal.cancelled_before_start() => Err(TurnFailure::ClientGone),
            () = self.0.cut_off.cancelled() => Err(TurnFailure::Stopping),
        };
        let open = opening?;
        journal.note_question(open.question.id);
        match self.fitted(&open.question, ask, model).await {
            Ok(messages) => ask.messages = messages,
            Err(failure) => return self.close_in_chat(open, journal, Err(failure)).await.map(|_| None),
        }
        Ok(Some(open))
    }

    /// Waits for the turns before it, and keeps the question.
    async fn take_place(&self, stored_chat: &StoredChatTurn, ask: &TurnRequest) -> Result<Open, TurnFailure> {
        let patience = Instant::now() + self.0.limits.timeout;
        let place = timeout_at(patience, self.0.chats.place(stored_chat.chat)).await;
        let place = place.ok().flatten().ok_or(TurnFailure::ChatBusy)?;
        // Before the question can be in the database: what stands there and is not among these is nobody's.
        locked(&self.0.chats.going_on).insert(ask.request_id.clone());
        let held = Held { turns: self.clone(), request_id: ask.request_id.clone(), _place: place };
        loop {
            match self.try_to_open(stored_chat, ask).await.map_err(|failure| unavailable(&failure))? {
                OpenOutcome::Opened(question) => return Ok(Open { question, _held: held }),
                OpenOutcome::NotFound => return Err(TurnFailure::ChatChanged),
                OpenOutcome::ChatBusy if Instant::now() >= patience => return Err(TurnFailure::ChatBusy),
                OpenOutcome::ChatBusy => sleep(POLL_INTERVAL).await,
            }
        }
    }

    async fn try_to_open(
        &self,
        stored_chat: &StoredChatTurn,
        ask: &TurnRequest,
    ) -> Result<OpenOutcome, StorageFailure> {
        let &StoredChatTurn { owner, chat, again } = stored_chat;
        let (storage, request_id) = (&self.0.storage, ask.request_id.as_str());
        if let Some(message) = again {
            return storage.reopen_question(owner, message, request_id).await;
        }
        let Some(message) = ask.messages.last() else { return Ok(OpenOutcome::NotFound) };
        let image = message.image.as_ref().map(Image::url);
        let new = NewQuestion { owner, chat, text: &message.content, image, request_id };
        storage.open_question(&new, self.0.clock.now()).await
    }

    /// The question with as much of the chat's history as the model can read.
    async fn fitted(
        &self,
        question: &PendingQuestion,
        ask: &TurnRequest,
        model: &str,
    ) -> Result<Vec<Message>, TurnFailure> {
        let Some(asked) = ask.messages.last().cloned() else { return Ok(Vec::new()) };
        let abilities = self.abilities(model);
        let mut fitting = Fitting::new(ask.persona.as_deref(), asked, abilities);
        let (mut before, mut most) = (question.cursor(), FIRST_PAGE);
        while fitting.has_room() {
            let page = self.0.storage.history(question.owner, question.chat, before, most).await;
            let page = page.map_err(|failure| unavailable(&failure))?;
            let Some(oldest) = page.last().map(|said| said.cursor) else { break };
            for said in page {
                let message = self.told_again(question.owner, said, &fitting).await?;
                if !fitting.offer(message) {
                    break;
                }
            }
            (before, most) = (oldest, LARGEST_PAGE.min(most * 2));
        }
        Ok(fitting.into_messages())
    }

    async fn told_again(
        &self,
        owner: OwnerId,
        said: HistoryMessage,
        fitting: &Fitting,
    ) -> Result<Message, TurnFailure> {
        let mut message = Message::new(said.sender.role(), said.text);
        let bytes = usize::try_from(said.image_bytes).unwrap_or(usize::MAX);
        if bytes > 0 && fitting.has_room_for_image(bytes) {
            let image = self.0.storage.image(owner, said.id).await.map_err(|failure| unavailable(&failure))?;
            message.image = image.and_then(|url| Image::parse(&url).ok());
            if message.image.is_none() {
                // It was kept before its kind was refused.
                message.content = InWords::of_image(&message.content).to_string();
            }
        } else if bytes > 0 {
            message.content = InWords::of_image(&message.content).to_string();
        }
        Ok(message)
    }

    /// Keeps what became of the turn, before anybody is told. Where that is impossible now, it is done later, and the
    /// turn is told as failed.
    pub(super) async fn close_in_chat(
        &self,
        open: Open,
        journal: &Journal,
        told: Result<TurnSummary, TurnFailure>,
    ) -> Result<TurnSummary, TurnFailure> {
        let answer = told.as_ref().ok().map(|told| (journal.text(), told.at));
        let unkept = Unkept { open, answer };
        match (self.keep(&unkept).await, told) {
            (Ok(Some(exchange)), Ok(told)) => Ok(TurnSummary { exchange: Some(exchange), ..told }),
            (Ok(None), Ok(_)) => Err(TurnFailure::ChatChanged),
            (Ok(_), Err(failure)) => Err(failure),
            (Err(failure), told) => {
                locked(&self.0.chats.unkept).push(unkept);
                Err(told.err().unwrap_or_else(|| unavailable(&failure)))
            }
        }
    }

    /// Where the turn of this request is kept in its chat, and the text of its answer; outside of chats, nowhere and
    /// this text. Fails if it was removed.
    pub(super) async fn exchange(
        &self,
        ask: &TurnRequest,
        request_id: &str,
        text: String,
    ) -> Result<(Option<Exchange>, String), TurnFailure> {
        let Some(StoredChatTurn { owner, .. }) = ask.stored_chat else { return Ok((None, text)) };
        let storage = &self.0.storage;
        let exchange = storage.exchange(owner, request_id).await.map_err(|failure| unavailable(&failure))?;
        let exchange = exchange.ok_or(TurnFailure::ChatChanged)?;
        let answer = storage.message(owner, exchange.answer.id).await.map_err(|failure| unavailable(&failure))?;
        Ok((Some(exchange), answer.ok_or(TurnFailure::ChatChanged)?.text))
    }

    async fn keep(&self, Unkept { open, answer }: &Unkept) -> Result<Option<Exchange>, StorageFailure> {
        let storage = &self.0.storage;
        if let Some((text, at)) = answer {
            return storage.answer_question(&open.question, text, *at).await;
        }
        storage.fail_question(open.question.id, &open.question.request_id).await.map(|_| None)
    }

    /// Keeps what could not be kept at once, and fails the questions that a death left pending, as long as the service
    /// runs.
    pub(super) async fn tend_chats(self, stopping: CancellationToken) {
        let mut swept: Option<Instant> = None;
        loop {
            let is_last = stopping.is_cancelled();
            self.keep_unkept().await;
            if swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
                swept = Some(Instant::now());
                self.fail_orphans().await;
            }
            if is_last {
                return;
            }
            select! {
                () = sleep(RETRY) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Stops at the first failure: what the database refuses now, it refuses for all.
    async fn keep_unkept(&self) {
        let mut unkept = std::mem::take(&mut *locked(&self.0.chats.unkept));
        while let Some(one) = unkept.pop() {
            if let Err(failure) = self.keep(&one).await {
                tracing::warn!(%failure, "what became of a turn in a stored chat cannot be kept yet");
                unkept.push(one);
                break;
            }
        }
        locked(&self.0.chats.unkept).append(&mut unkept);
    }

    /// Fails the questions whose turns have died.
    async fn fail_orphans(&self) {
        match self.try_to_fail_orphans().await {
            Ok(0) => {}
            Ok(messages) => tracing::warn!(messages, "turns in stored chats were cut off; they can be tried again"),
            Err(failure) => tracing::warn!(%failure, "stored chats cannot be looked through yet"),
        }
    }

    async fn try_to_fail_orphans(&self) -> Result<u64, StorageFailure> {
        let pending = self.0.storage.pending_questions(self.0.clock.now()).await?;
        let mut failed = 0;
        for (id, request_id) in pending {
            // Looked at after the database: a turn is known here before its question is kept.
            let goes_on = locked(&self.0.chats.going_on).contains(&request_id);
            if !goes_on {
                failed += u64::from(self.0.storage.fail_question(id, &request_id).await?);
            }
        }
        Ok(failed)
    }
}

fn unavailable(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(%failure, "a turn in a stored chat cannot be kept");
    TurnFailure::StorageUnavailable
}
