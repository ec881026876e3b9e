//! Turns asked for with an `Idempotency-Key`: who asked what, and the answer once there is one.

use std::time::Duration;

use jiff::Timestamp;

use super::{Storage, StorageFailure, count, database::sql, moment, number};
use crate::domain::{chat::Finish, cost::TokenUsage};

/// How long a key and its answer are kept.
const KEPT: Duration = Duration::from_hours(24);

/// How a turn ended, in the place of a finish, that was refused.
const REFUSED: &str = "refused";

/// A key, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopedKey {
    /// Who asks. Another caller's key of the same name is another key.
    pub caller: String,
    /// The key.
    pub key: String,
}

/// A turn that was asked for before.
#[derive(Clone, Debug)]
pub struct ClaimedKey {
    /// What was asked.
    pub fingerprint: String,
    /// The request that asked first.
    pub request_id: String,
    /// The answer. None while the turn goes on, and ever after if it was interrupted.
    pub answer: Option<StoredAnswer>,
    /// Whether the turn may be going on at another replica.
    pub is_running_elsewhere: bool,
    /// Whether it was refused, so that nothing was spent, and may be taken anew.
    pub is_refused: bool,
}

/// An answer as it was given.
#[derive(Clone, Debug)]
pub struct StoredAnswer {
    /// The text.
    pub text: String,
    /// The model that spoke.
    pub model: String,
    /// The tokens it took.
    pub usage: TokenUsage,
    /// How it ended.
    pub finish: Finish,
    /// When.
    pub at: Timestamp,
}

type Row = (String, String, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>, Option<String>, i64);

impl Storage {
    /// Takes a key for the turn of this request, unless it has been taken: then tells what is known of that turn.
    pub async fn claim_key(
        &self,
        key: &ScopedKey,
        fingerprint: &str,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Option<ClaimedKey>, StorageFailure> {
        self.purge_expired_keys(now).await?;
        loop {
            let taken = sql("INSERT INTO idempotency_keys (caller, key, fingerprint, request_id, asked_at, replica)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (caller, key) DO NOTHING")
            .bind(&key.caller)
            .bind(&key.key)
            .bind(fingerprint)
            .bind(request_id)
            .bind(now.as_microsecond())
            .bind(self.replica.id())
            .execute(&self.write)
            .await?;
            if taken == 1 {
                return Ok(None);
            }
            let row: Option<Row> = sql(
                "SELECT fingerprint, request_id, answered_at, answer, model, prompt_tokens, completion_tokens, finish,
                        (SELECT COUNT(*) FROM replicas WHERE id = replica AND id <> $3 AND alive_until > $4)
                 FROM idempotency_keys WHERE caller = $1 AND key = $2",
            )
            .bind(&key.caller)
            .bind(&key.key)
            .bind(self.replica.id())
            .bind(now.as_microsecond())
            .fetch_optional(&self.write)
            .await?;
            // Without a row it has been given back between the two looks at it.
            if let Some(row) = row {
                return Ok(Some(asked_before(row)));
            }
        }
    }

    /// Forgets the keys that have been kept for long enough.
    pub async fn purge_expired_keys(&self, now: Timestamp) -> Result<(), StorageFailure> {
        let oldest = (now - KEPT).as_microsecond();
        sql("DELETE FROM idempotency_keys WHERE asked_at < $1").bind(oldest).execute(&self.write).await?;
        Ok(())
    }

    /// Leaves a key of a turn that was refused to this request. Returns whether it is that one's now.
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

    /// Notes that the turn which took this key has ended without an answer: refused, or so that it may have cost
    /// something.
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

    /// Keeps the answer of the turn that took this key.
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
        .bind(number(answer.usage.prompt))
        .bind(number(answer.usage.completion))
        .bind(answer.finish.as_str())
        .bind(&key.caller)
        .bind(&key.key)
        .bind(request_id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Gives a key back that led to nothing, so that it can be used again.
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

fn asked_before(row: Row) -> ClaimedKey {
    let (fingerprint, request_id, answered_at, text, model, prompt, completion, finish, elsewhere) = row;
    let is_refused = finish.as_deref() == Some(REFUSED);
    let tokens = |number: Option<i64>| count(number.unwrap_or_default());
    let answer = answered_at.zip(text).zip(model).map(|((answered_at, text), model)| StoredAnswer {
        text,
        model,
        usage: TokenUsage { prompt: tokens(prompt), completion: tokens(completion) },
        finish: finish.as_deref().and_then(Finish::parse).unwrap_or(Finish::Complete),
        at: moment(answered_at),
    });
    ClaimedKey { fingerprint, request_id, answer, is_running_elsewhere: elsewhere > 0, is_refused }
}
