//! Idempotency keys: the caller and request that claimed each key, and the stored answer.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    column_values::{to_count, to_integer, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    statement::sql,
};
use crate::domain::{chat::Finish, cost::TokenUsage};

/// The time for which a key and its answer are stored.
const RETENTION: Duration = Duration::from_hours(24);

/// The value of the column `finish` for a turn that was refused.
const REFUSED: &str = "refused";

/// An idempotency key together with the caller that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopedKey {
    /// The caller. The same key from another caller is another key.
    pub caller: String,
    /// The value of the header `Idempotency-Key`.
    pub key: String,
}

/// The turn of a key that an earlier request has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedKey {
    /// The hash of the earlier request's content.
    pub fingerprint: String,
    /// The id of the earlier request.
    pub request_id: String,
    /// The answer; `None` while the turn runs, and for good if it was interrupted.
    pub answer: Option<StoredAnswer>,
    /// Whether the turn may be running in another replica.
    pub is_running_elsewhere: bool,
    /// Whether the turn was refused, so that it is not billed and the key can be claimed again.
    pub is_refused: bool,
}

/// The answer of a turn, as it is returned again for the same key.
#[derive(Clone, Debug)]
pub struct StoredAnswer {
    /// The text of the answer.
    pub text: String,
    /// The name of the model that answered.
    pub model: String,
    /// The tokens that the turn used.
    pub usage: TokenUsage,
    /// The reason for the end of the answer.
    pub finish: Finish,
    /// The time of the answer.
    pub at: Timestamp,
}

type KeyRow =
    (String, String, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>, Option<String>, i64);

impl Storage {
    /// Claims a key for the turn of a request. Returns `None` if this request has the key now, or the turn of the request that
    /// claimed it earlier.
    pub async fn claim_key(
        &self,
        key: &ScopedKey,
        fingerprint: &str,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Option<ClaimedKey>, StorageFailure> {
        self.purge_expired_keys(now).await?;
        loop {
            let inserted = sql("INSERT INTO idempotency_keys (caller, key, fingerprint, request_id, asked_at, replica)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (caller, key) DO NOTHING")
            .bind(&key.caller)
            .bind(&key.key)
            .bind(fingerprint)
            .bind(request_id)
            .bind(now.as_microsecond())
            .bind(self.replica.id())
            .execute(&self.write)
            .await?;
            if inserted == 1 {
                return Ok(None);
            }
            let row: Option<KeyRow> = sql(
                "SELECT fingerprint, request_id, answered_at, answer, model, prompt_tokens, completion_tokens, finish,
                        (SELECT COUNT(*) FROM replicas WHERE id = replica AND id <> $3)
                 FROM idempotency_keys WHERE caller = $1 AND key = $2",
            )
            .bind(&key.caller)
            .bind(&key.key)
            .bind(self.replica.id())
            .fetch_optional(&self.write)
            .await?;
            // Without a row the key was released between the two statements.
            if let Some(row) = row {
                return Ok(Some(claimed_key(row)));
            }
        }
    }

    /// Deletes the keys whose retention time is over.
    pub async fn purge_expired_keys(&self, now: Timestamp) -> Result<(), StorageFailure> {
        let oldest = (now - RETENTION).as_microsecond();
        sql("DELETE FROM idempotency_keys WHERE asked_at < $1").bind(oldest).execute(&self.write).await?;
        Ok(())
    }

    /// Transfers the key of a refused turn from the request `from` to a new request. Returns whether the new request has it
    /// now.
    pub async fn reclaim_key(
        &self,
        key: &ScopedKey,
        from: &str,
        fingerprint: &str,
        request_id: &str,
    ) -> Result<bool, StorageFailure> {
        let taken = sql("UPDATE idempotency_keys SET request_id = $4, replica = $5, fingerprint = $6, finish = NULL
             WHERE caller = $1 AND key = $2 AND request_id = $3 AND finish = 'refused'")
        .bind(&key.caller)
        .bind(&key.key)
        .bind(from)
        .bind(request_id)
        .bind(self.replica.id())
        .bind(fingerprint)
        .execute(&self.write)
        .await?;
        Ok(taken > 0)
    }

    /// Stores that the turn of a key has ended without an answer: refused, or in a way that may be billed.
    pub async fn mark_key_unanswered(
        &self,
        key: &ScopedKey,
        request_id: &str,
        is_refused: bool,
    ) -> Result<(), StorageFailure> {
        sql("UPDATE idempotency_keys SET replica = NULL, finish = $4
             WHERE caller = $1 AND key = $2 AND request_id = $3")
        .bind(&key.caller)
        .bind(&key.key)
        .bind(request_id)
        .bind(is_refused.then_some(REFUSED))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Stores the answer of the turn of a key.
    pub async fn store_answer(
        &self,
        key: &ScopedKey,
        request_id: &str,
        answer: &StoredAnswer,
    ) -> Result<(), StorageFailure> {
        sql("UPDATE idempotency_keys SET answered_at = $1, answer = $2, model = $3, prompt_tokens = $4,
                                         completion_tokens = $5, finish = $6
             WHERE caller = $7 AND key = $8 AND request_id = $9")
        .bind(answer.at.as_microsecond())
        .bind(&answer.text)
        .bind(&answer.model)
        .bind(to_integer(answer.usage.prompt))
        .bind(to_integer(answer.usage.completion))
        .bind(answer.finish.as_str())
        .bind(&key.caller)
        .bind(&key.key)
        .bind(request_id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Deletes a key without an answer, so that it can be used again.
    pub async fn release_key(&self, key: &ScopedKey, request_id: &str) -> Result<(), StorageFailure> {
        sql("DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND request_id = $3 AND answer IS NULL")
            .bind(&key.caller)
            .bind(&key.key)
            .bind(request_id)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn claimed_key(row: KeyRow) -> ClaimedKey {
    let (fingerprint, request_id, answered_at, text, model, prompt, completion, finish, live_replicas) = row;
    let is_refused = finish.as_deref() == Some(REFUSED);
    let tokens = |column: Option<i64>| to_count(column.unwrap_or_default());
    let answer = answered_at.zip(text).zip(model).map(|((answered_at, text), model)| StoredAnswer {
        text,
        model,
        usage: TokenUsage { prompt: tokens(prompt), completion: tokens(completion) },
        finish: finish.as_deref().and_then(Finish::parse).unwrap_or(Finish::Complete),
        at: to_timestamp(answered_at),
    });
    ClaimedKey { fingerprint, request_id, answer, is_running_elsewhere: live_replicas > 0, is_refused }
}
