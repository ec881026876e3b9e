//! The end of a turn that has an idempotency key, as it is stored with the key.

use std::{fmt::Display, sync::Arc};

use jiff::Timestamp;

use super::{
    column_values::to_integer,
    content_key::StoredKey,
    failure::StorageFailure,
    source_column,
    statement::{Executor, sql},
};
use crate::{
    domain::{account::OwnerId, chat::Finish, cost::TokenUsage, prompt::Source},
    foundation::secret::ContentKey,
};

/// An idempotency key together with the caller that sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopedKey {
    /// The caller. The same key from another caller is another key.
    pub caller: String,
    /// The value of the header `Idempotency-Key`.
    pub key: String,
}

impl ScopedKey {
    /// Returns the caller of an account's requests that belong to no stored chat.
    #[must_use]
    pub fn account(id: OwnerId) -> String {
        format!("account {id}")
    }

    /// Returns the caller of requests in an owner's stored chats.
    #[must_use]
    pub fn owner(id: OwnerId) -> String {
        format!("owner {id}")
    }

    /// Returns the caller of a server's requests with the API key of this name.
    #[must_use]
    pub fn api_key(name: &str) -> String {
        format!("API key {name}")
    }

    /// Returns the caller of a session's requests without an account.
    #[must_use]
    pub fn session(id: impl Display) -> String {
        format!("session {id}")
    }
}

/// The answer of a turn, as it is returned again for the same key.
#[derive(Clone, Debug)]
pub struct StoredAnswer {
    /// The text of the answer; empty for a stored chat, which holds the text.
    pub text: String,
    /// The name of the model that answered.
    pub model: String,
    /// The tokens that the turn used.
    pub usage: TokenUsage,
    /// The reason for the end of the answer.
    pub finish: Finish,
    /// The time of the answer.
    pub at: Timestamp,
    /// The pages that the answer is based on; none for a stored chat.
    pub sources: Vec<Source>,
}

/// The outcome of the turn of a key.
#[derive(Clone, Debug)]
pub enum KeyOutcome {
    /// The turn was answered.
    Answered {
        /// The answer.
        answer: StoredAnswer,
        /// The key that seals the turn's texts in the session log. It seals the stored text, too, so that this is erased with
        /// them, also if it is stored afterwards. Without a key the text is stored as it is, unless the session was erased since
        /// the key was claimed.
        content_key: Option<Arc<StoredKey>>,
    },
    /// The turn has no answer, and may be billed: the key is not used again.
    Unanswered,
    /// The turn was refused, and is not billed: the key can be claimed again. Repetitions find the failed question of its
    /// stored chat by it.
    Refused,
    /// The turn is not billed: the key is deleted.
    Released,
    /// The claim failed, but it may still take effect: the key can be claimed again.
    Unclaimed {
        /// The retention time now, in microseconds.
        at: i64,
    },
}

/// A key whose turn has ended.
#[derive(Clone, Debug)]
pub struct SettledKey {
    /// The key.
    pub key: ScopedKey,
    /// The id of the request that has claimed the key. Without effect if another request has claimed it since.
    pub request_id: String,
    /// The outcome of the turn.
    pub outcome: KeyOutcome,
}

/// The value of the column `finish` for a turn that was refused.
pub(super) const REFUSED: &str = "refused";

impl SettledKey {
    /// Stores the outcome, in one statement. To be called any number of times.
    pub(super) async fn store(&self, executor: impl Into<Executor<'_>>) -> Result<(), StorageFailure> {
        let statement = match &self.outcome {
            KeyOutcome::Answered { answer, content_key } => {
                let sealed = content_key.as_ref().and_then(|stored| seal(&stored.key, &answer.text, &self.request_id));
                let sources = stored_sources(&answer.sources, content_key.as_deref(), &self.request_id);
                // If the session was erased meanwhile, the turn has no answer, unless that is sealed.
                sql("UPDATE idempotency_keys SET
                         answered_at = CASE WHEN is_erased = 0 OR CAST($7 AS TEXT) IS NOT NULL THEN CAST($4 AS BIGINT) END,
                         finish = CASE WHEN is_erased = 0 OR CAST($7 AS TEXT) IS NOT NULL THEN CAST($11 AS TEXT) END,
                         replica = CASE WHEN is_erased = 0 OR CAST($7 AS TEXT) IS NOT NULL THEN replica END,
                         answer = CASE WHEN is_erased = 0 THEN CAST($5 AS TEXT) END,
                         sealed_answer = $6, content_key = $7, model = $8, prompt_tokens = $9, completion_tokens = $10,
                         sources = CASE WHEN is_erased = 0 OR CAST($7 AS TEXT) IS NOT NULL THEN CAST($12 AS TEXT) END
                     WHERE caller = $1 AND key = $2 AND request_id = $3")
                .bind(&self.key.caller)
                .bind(&self.key.key)
                .bind(&self.request_id)
                .bind(answer.at.as_microsecond())
                .bind(content_key.is_none().then_some(answer.text.as_str()))
                .bind(sealed)
                .bind(content_key.as_ref().map(|stored| stored.id.as_str()))
                .bind(&answer.model)
                .bind(to_integer(answer.usage.prompt))
                .bind(to_integer(answer.usage.completion))
                .bind(answer.finish.as_str())
                .bind(sources)
            }
            KeyOutcome::Unanswered | KeyOutcome::Refused => {
                let is_refused = matches!(self.outcome, KeyOutcome::Refused);
                sql("UPDATE idempotency_keys SET replica = NULL, finish = $4
                     WHERE caller = $1 AND key = $2 AND request_id = $3 AND answered_at IS NULL")
                .bind(&self.key.caller)
                .bind(&self.key.key)
                .bind(&self.request_id)
                .bind(is_refused.then_some(REFUSED))
            }
            KeyOutcome::Released => sql("DELETE FROM idempotency_keys
                     WHERE caller = $1 AND key = $2 AND request_id = $3 AND answered_at IS NULL")
            .bind(&self.key.caller)
            .bind(&self.key.key)
            .bind(&self.request_id),
            // An INSERT of the key may hang in its commit. This one waits for it, or leaves a row that it then finds.
            KeyOutcome::Unclaimed { at } => {
                sql("INSERT INTO idempotency_keys (caller, key, fingerprint, request_id, asked_at, is_asked, finish)
                     VALUES ($1, $2, '', $3, $4, 0, $5)
                     ON CONFLICT (caller, key) DO UPDATE SET replica = NULL, is_asked = 0, finish = excluded.finish
                     WHERE idempotency_keys.request_id = excluded.request_id
                           AND idempotency_keys.answered_at IS NULL")
                .bind(&self.key.caller)
                .bind(&self.key.key)
                .bind(&self.request_id)
                .bind(*at)
                .bind(REFUSED)
            }
        };
        statement.execute(executor).await?;
        Ok(())
    }
}

/// Seals the text of an answer, so that it opens as the answer of its own request only.
fn seal(key: &ContentKey, text: &str, request_id: &str) -> Option<String> {
    key.seal(text.as_bytes().to_vec(), &context(request_id))
}

/// Opens the sealed text of an answer. `None` if another key or another request sealed it.
pub(super) fn open(key: &ContentKey, sealed: &str, request_id: &str) -> Option<String> {
    String::from_utf8(key.open(sealed, &context(request_id))?).ok()
}

/// Returns the pages of an answer as they are stored, sealed as the answer is; `None` without pages.
fn stored_sources(sources: &[Source], stored: Option<&StoredKey>, request_id: &str) -> Option<String> {
    let json = source_column::to_json(sources)?;
    match stored {
        Some(stored) => stored.key.seal(json.into_bytes(), &sources_context(request_id)),
        None => Some(json),
    }
}

/// Reads the pages of a stored answer, which a key has sealed if there is one; none if they were erased.
pub(super) fn read_sources(stored: &str, key: Option<&ContentKey>, request_id: &str) -> Vec<Source> {
    match key {
        Some(key) => key
            .open(stored, &sources_context(request_id))
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default(),
        None => source_column::to_sources(Some(stored)),
    }
}

fn sources_context(request_id: &str) -> String {
    format!("sources {request_id}")
}

/// Returns the context of a sealed answer. It differs from that of the texts in the turn's line.
fn context(request_id: &str) -> String {
    format!("answer {request_id}")
}
