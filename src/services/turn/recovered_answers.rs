//! Answers that only the session log has, because the process ended before they were stored: they complete idempotency keys
//! and the questions of stored chats.

use std::{collections::HashMap, sync::Arc};

use super::recording::Recorder;
use crate::{
    adapters::{
        session_log::{LoggedTurn, Texts},
        storage::{
            ContentKeyReader, KeyOutcome, NewAnswer, ScopedKey, SettledKey, Storage, StorageFailure, StoredAnswer,
            StoredKey,
        },
    },
    domain::{account::OwnerId, chat::Finish, cost::TokenUsage},
};

/// The status of a turn that was answered.
const ANSWERED: u16 = 200;

/// Completes what the answers of logged turns belong to. A line has the text of its answer only with
/// `SESSION_LOG_CONTENT=on` or `plain`, and with `on` only until it is erased.
pub(super) struct RecoveredAnswers {
    /// The open keys by the ids of their requests, read when the first answer is found.
    open_keys: Option<HashMap<String, ScopedKey>>,
    content_keys: ContentKeyReader,
}

impl RecoveredAnswers {
    pub(super) fn new(storage: &Storage) -> Self {
        Self { open_keys: None, content_keys: storage.content_key_reader() }
    }

    /// Takes the answer of a logged turn, if there is any. An answer in a stored chat is stored at once. Returns the key to
    /// be settled with the turn.
    pub(super) async fn take(
        &mut self,
        turn: &mut LoggedTurn,
        recorder: &Recorder,
    ) -> Result<Option<SettledKey>, StorageFailure> {
        if turn.answer.is_none() && turn.sealed.is_none() {
            return Ok(None);
        }
        let storage = &recorder.storage;
        let request_id = turn.request_id.clone();
        let key = self.open_keys(recorder).await?.remove(&request_id);
        let Some((owner, _)) = turn.user_id.zip(turn.chat_id) else {
            let Some(key) = key else { return Ok(None) };
            let Some(answer) = self.take_answer(turn).await? else { return Ok(None) };
            let outcome = KeyOutcome::Answered { answer, content_key: self.content_key(turn).await? };
            return Ok(Some(SettledKey { key, request_id, outcome }));
        };
        if let Some(question) = storage.unanswered_question(OwnerId(owner), &request_id).await?
            && let Some(answer) = self.take_answer(turn).await?
        {
            let (at, text) = (answer.at, answer.text.clone());
            // The chat has the text, so that the key needs none.
            let answer = StoredAnswer { text: String::new(), ..answer };
            let outcome = KeyOutcome::Answered { answer, content_key: None };
            let key = key.map(|key| SettledKey { key, request_id, outcome });
            let answered = NewAnswer { text: &text, sources: &[], at };
            storage.answer_question(&question, answered, key.as_ref()).await?;
        }
        Ok(None)
    }

    /// Returns the answer of a turn that was answered. The line has everything that the client got, except of a turn that all
    /// readers had left: whether its text is complete is not in the line.
    async fn take_answer(&mut self, turn: &mut LoggedTurn) -> Result<Option<StoredAnswer>, StorageFailure> {
        let Some(finish) = Finish::parse(&turn.finish).filter(|_| turn.status == ANSWERED) else { return Ok(None) };
        let plain = turn.answer.take();
        let Some(text) = (if plain.is_some() { plain } else { self.open_answer(turn).await? }) else {
            return Ok(None);
        };
        let usage = TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens };
        Ok(Some(StoredAnswer {
            text,
            model: turn.model.clone(),
            usage,
            finish,
            at: turn.timestamp,
            sources: Vec::new(),
        }))
    }

    /// Opens the sealed answer of a turn; `None` if it was erased.
    async fn open_answer(&mut self, turn: &LoggedTurn) -> Result<Option<String>, StorageFailure> {
        let Some((stored, sealed)) = self.content_key(turn).await?.zip(turn.sealed.as_ref()) else { return Ok(None) };
        Ok(Texts::open(sealed, &stored.key, &turn.request_id).map(|texts| texts.answer.into_owned()))
    }

    /// Returns the key that has sealed the texts of a turn; `None` if they are not sealed or were erased.
    async fn content_key(&mut self, turn: &LoggedTurn) -> Result<Option<Arc<StoredKey>>, StorageFailure> {
        let Some(id) = &turn.content_key else { return Ok(None) };
        self.content_keys.key(id).await
    }

    async fn open_keys(&mut self, recorder: &Recorder) -> Result<&mut HashMap<String, ScopedKey>, StorageFailure> {
        let keys = match self.open_keys.take() {
            Some(keys) => keys,
            None => recorder.storage.open_keys().await?,
        };
        Ok(self.open_keys.insert(keys))
    }
}
