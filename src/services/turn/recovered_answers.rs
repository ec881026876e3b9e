//! Answers that only the session log has, because the process ended before they were stored: they complete idempotency keys
//! and the questions of stored chats.

use std::collections::HashMap;

use super::recording::Recorder;
use crate::{
    adapters::{
        session_log::LoggedTurn,
        storage::{KeyOutcome, ScopedKey, SettledKey, StorageFailure, StoredAnswer},
    },
    domain::{account::OwnerId, chat::Finish, cost::TokenUsage},
};

/// The status of a turn that was answered.
const ANSWERED: u16 = 200;

/// Completes what the answers of logged turns belong to. A line has the text of its answer only with
/// `SESSION_LOG_CONTENT=on`.
#[derive(Default)]
pub(super) struct RecoveredAnswers {
    /// The open keys by the ids of their requests, read when the first answer is found.
    open_keys: Option<HashMap<String, ScopedKey>>,
}

impl RecoveredAnswers {
    /// Takes the answer of a logged turn, if there is any. An answer in a stored chat is stored at once. Returns the key to
    /// be settled with the turn.
    pub(super) async fn take(
        &mut self,
        turn: &mut LoggedTurn,
        recorder: &Recorder,
    ) -> Result<Option<SettledKey>, StorageFailure> {
        let Some(answer) = take_answer(turn) else { return Ok(None) };
        let text = answer.text.clone();
        let (at, request_id) = (answer.at, turn.request_id.clone());
        let key = self.open_keys(recorder).await?.remove(&request_id);
        let Some((owner, _)) = turn.user_id.zip(turn.chat_id) else {
            let outcome = KeyOutcome::Answered(answer);
            return Ok(key.map(|key| SettledKey { key, request_id, outcome }));
        };
        let storage = &recorder.storage;
        if let Some(question) = storage.unanswered_question(OwnerId(owner), &request_id).await? {
            // The chat has the text, so that the key needs none.
            let outcome = KeyOutcome::Answered(StoredAnswer { text: String::new(), ..answer });
            let key = key.map(|key| SettledKey { key, request_id, outcome });
            storage.answer_question(&question, &text, at, key.as_ref()).await?;
        }
        Ok(None)
    }

    async fn open_keys(&mut self, recorder: &Recorder) -> Result<&mut HashMap<String, ScopedKey>, StorageFailure> {
        let keys = match self.open_keys.take() {
            Some(keys) => keys,
            None => recorder.storage.open_keys().await?,
        };
        Ok(self.open_keys.insert(keys))
    }
}

/// Returns the answer of a turn that was answered. The line has everything that the client got, except of a turn that all
/// readers had left: whether its text is complete is not in the line.
fn take_answer(turn: &mut LoggedTurn) -> Option<StoredAnswer> {
    let text = turn.answer.take()?;
    let finish = Finish::parse(&turn.finish).filter(|_| turn.status == ANSWERED)?;
    let usage = TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens };
    Some(StoredAnswer { text, model: turn.model.clone(), usage, finish, at: turn.timestamp })
}
