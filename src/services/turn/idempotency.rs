//! Turns that are taken once, however often they are asked for: those with an `Idempotency-Key`.
//!
//! The key is taken in the database before the model is asked, and the answer is kept there before it is told. So a
//! turn that the end of the process cut off is known as such, and never silently taken again.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::{
    select,
    sync::oneshot,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Reader, StoredChatTurn, TurnFailure, TurnRequest, TurnSummary, Turns, journal::Journal};
use crate::{
    adapters::storage::{ClaimedKey, ScopedKey, Storage, StorageFailure, StoredAnswer},
    foundation::clock::Clock,
};

/// Longest key, in bytes.
const LONGEST: usize = 255;

/// A client's name for one turn, the same in each repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// This cannot be an Idempotency-Key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("An Idempotency-Key has 1 to 255 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key in a header's text.
    pub fn parse(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let is_key = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

/// How often a turn that goes on at another replica is asked for.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How often keys are looked through for those that are too old. Each new key does it, too, so that an old one is never
/// found; this is for the sake of their answers' privacy where no new ones come.
const FORGETTING: Duration = Duration::from_hours(1);

/// Forgets old keys as long as the service runs.
pub(super) async fn purge_expired_keys(storage: Storage, clock: Clock, stopping: CancellationToken) {
    loop {
        if let Err(failure) = storage.purge_expired_keys(clock.now()).await {
            tracing::warn!(%failure, "old Idempotency-Keys cannot be forgotten yet");
        }
        select! {
            () = sleep(FORGETTING) => {}
            () = stopping.cancelled() => return,
        }
    }
}

impl Turns {
    /// Takes the turn, or finds the one that was taken for the same key. A task of its own does it, so that a client
    /// that leaves doesn't leave a key behind that nobody works for.
    pub(super) async fn take_once(
        &self,
        mut ask: TurnRequest,
        model: String,
        key: IdempotencyKey,
    ) -> Result<Reader, TurnFailure> {
        let (found, reader) = oneshot::channel();
        let this = self.clone();
        let key = ScopedKey { caller: caller(&ask), key: key.0 };
        self.0.running.spawn("turn", async move {
            let journal = this.open_journal(&ask, &model, true);
            // Whoever asks for the same meanwhile finds the turn by its id.
            this.0.registry.add(&journal);
            let Some(reader) = this.find_before(&mut ask, &key).await.transpose() else {
                // Whoever asked may have left: then the turn is without a reader, and ends in time.
                let _ = found.send(Ok(journal.reader()));
                return this.run(ask, model, journal, Some(key)).await;
            };
            this.0.registry.forget(&journal);
            if let Ok(reader) = &reader {
                this.0.registry.add_other(&ask.request_id, reader.journal());
            }
            let _ = found.send(reader);
        });
        reader.await.unwrap_or(Err(TurnFailure::Died))
    }

    /// A reader of the turn that was taken for this key before; if there was none, the key is taken.
    async fn find_before(&self, ask: &mut TurnRequest, key: &ScopedKey) -> Result<Option<Reader>, TurnFailure> {
        let asked = fingerprint(ask);
        let mut lost = None;
        let patience = Instant::now() + self.0.limits.timeout;
        loop {
            let now = self.0.clock.now();
            let before = self.0.storage.claim_key(key, &asked, &ask.request_id, now).await;
            let before = before.map_err(|failure| unkept(&failure))?;
            let Some(before) = before else { return Ok(None) };
            if before.is_refused {
                if self.take_over(ask, key, &before, &asked).await? {
                    return Ok(None);
                }
                continue;
            }
            if before.fingerprint != asked {
                return Err(TurnFailure::KeyReused);
            }
            let first = before.request_id.clone();
            let is_running_elsewhere = before.is_running_elsewhere && before.answer.is_none();
            if let Some(reader) = self.repeat(ask, before).await? {
                return Ok(Some(reader));
            }
            if is_running_elsewhere {
                if Instant::now() >= patience {
                    return Err(TurnFailure::Busy);
                }
                sleep(POLL_INTERVAL).await;
                continue;
            }
            // It may have ended, and its key been settled, between the two looks at it; so another two.
            if lost.replace(first.clone()) == Some(first) {
                return Err(TurnFailure::Interrupted);
            }
        }
    }

    /// Takes the turn anew that was refused in a stored chat: there its message remains, and is tried again if the same
    /// is asked. Returns whether this request is the one to do so.
    async fn take_over(
        &self,
        ask: &mut TurnRequest,
        key: &ScopedKey,
        before: &ClaimedKey,
        asked: &str,
    ) -> Result<bool, TurnFailure> {
        let (storage, first) = (&self.0.storage, before.request_id.as_str());
        let taken = storage.reclaim_key(key, first, asked, &ask.request_id).await;
        let taken = taken.map_err(|failure| unkept(&failure))?;
        if let Some(stored_chat) = ask.stored_chat.as_mut().filter(|_| taken && before.fingerprint == asked) {
            let failed = storage.failed_question(stored_chat.owner, first).await.map_err(|failure| unkept(&failure))?;
            stored_chat.again = failed.or(stored_chat.again);
        }
        Ok(taken)
    }

    /// The turn that was taken before: its answer, or a place among those who wait for it. `None` when it is lost.
    async fn repeat(&self, ask: &TurnRequest, before: ClaimedKey) -> Result<Option<Reader>, TurnFailure> {
        let known = self.0.registry.find(&before.request_id);
        if let Some(reader) = known.as_ref().and_then(Journal::join) {
            return Ok(Some(reader));
        }
        if let Some(StoredAnswer { text, model, usage, finish, at }) = before.answer {
            let (exchange, text) = self.exchange(ask, &before.request_id, text).await?;
            let owner = ask.stored_chat.map(|stored_chat| stored_chat.owner);
            let told = TurnSummary { model, usage, finish, at, exchange };
            let journal = Journal::ended(before.request_id, ask.session_id.clone(), owner, &text, told);
            return Ok(Some(journal.reader()));
        }
        // What it came to stands with its key, which is settled before its end.
        if let Some(known) = known {
            let _ = known.result().await;
        }
        Ok(None)
    }

    /// Keeps the answer for repetitions, or leaves a key for which nothing was spent to be used again.
    pub(super) async fn settle_key(
        &self,
        key: &ScopedKey,
        journal: &Journal,
        told: &Result<TurnSummary, TurnFailure>,
        may_have_cost: bool,
    ) {
        let (storage, request_id) = (&self.0.storage, journal.request_id.as_str());
        let is_in_chat = journal.owner.is_some();
        let settled = match told {
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
            tracing::error!(%failure, "a turn with an Idempotency-Key will be told as interrupted");
        }
    }
}

fn unkept(failure: &StorageFailure) -> TurnFailure {
    tracing::error!(%failure, "an Idempotency-Key cannot be taken");
    TurnFailure::StorageUnavailable
}

/// Whose key it is: an account's, or else that of whoever knows the session or the name. Where nobody is signed in,
/// somebody else's key of the same text leads to an answer only if the very same was asked.
fn caller(TurnRequest { caller, session_id, stored_chat, .. }: &TurnRequest) -> String {
    match (stored_chat, caller.account, session_id) {
        (Some(stored_chat), _, _) => format!("owner {}", stored_chat.owner),
        (None, Some(account), _) => format!("account {account}"),
        (None, None, Some(session)) => format!("session {session}"),
        (None, None, None) if caller.is_guest => format!("guest {}", caller.username),
        (None, None, None) => format!("user {}", caller.username),
    }
}

/// What was asked, whether as a stream or not.
fn fingerprint(ask: &TurnRequest) -> String {
    let mut hasher = Sha256::new();
    let mut add = |text: &str| {
        // With its length in front, so that no two texts together look like two others.
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    };
    add(&ask.caller.username);
    add(if ask.caller.is_guest { "guest" } else { "user" });
    add(ask.model.as_deref().unwrap_or_default());
    if let Some(persona) = &ask.persona {
        add(&format!("persona {}", persona.id));
    }
    if let Some(StoredChatTurn { chat, again, .. }) = ask.stored_chat {
        add(&chat.0.to_string());
        add(&again.map_or_else(String::new, |message| message.0.to_string()));
    }
    for message in &ask.messages {
        add(message.role.as_str());
        add(&message.content);
        if let Some(image) = &message.image {
            add(image.url());
        }
    }
    format!("{:x}", hasher.finalize())
}
