//! Idempotency keys: the caller and request that claimed each key, and the stored answer.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    column_values::{to_count, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    logged_event::LoggedEvent,
    settled_key::{self, KeyOutcome, REFUSED, ScopedKey, SettledKey, StoredAnswer},
    statement::sql,
};
use crate::{
    domain::{chat::Finish, cost::TokenUsage, session::SessionId},
    foundation::secret::ContentKey,
};

/// The retention time for which a key and its answer are stored.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// A request that is to have a key.
#[derive(Clone, Copy, Debug)]
pub struct NewClaim<'a> {
    /// The key.
    pub key: &'a ScopedKey,
    /// The hash of the request's content.
    pub fingerprint: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
    /// The session that the request named, with which the answer is to be erased.
    pub session: Option<&'a SessionId>,
    /// Whether the model may be asked as soon as the request has the key.
    pub is_asked: bool,
}

/// The turn of a key that an earlier request has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedKey {
    /// The hash of the earlier request's content.
    pub fingerprint: String,
    /// The id of the earlier request.
    pub request_id: String,
    /// The answer; `None` while the turn runs, and for good if it was interrupted or the answer was erased.
    pub answer: Option<StoredAnswer>,
    /// The id of the key that seals the answer; `None` if it is not sealed.
    pub content_key: Option<String>,
    /// Whether the turn has not been answered and may be running in another replica.
    pub is_running_elsewhere: bool,
    /// Whether the turn was refused, so that it is not billed and the key can be claimed again.
    pub is_refused: bool,
    /// Whether the model may have been asked.
    pub is_asked: bool,
}

/// The columns of a key: fingerprint, request id, time, text and sealed text of the answer, the key that seals it with its id,
/// model, tokens, finish reason, whether the model may have been asked, and the number of other live replicas that run the turn.
type KeyRow = (
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    i64,
    Option<String>,
    i64,
);

impl Storage {
    /// Claims a key for the turn of a request. Returns `None` if this request has the key now, or the turn of the request that
    /// claimed it earlier.
    pub async fn claim_key(&self, new: NewClaim<'_>) -> Result<Option<ClaimedKey>, StorageFailure> {
        self.purge_expired_keys().await?;
        loop {
            let inserted = sql("INSERT INTO idempotency_keys (caller, key, fingerprint, request_id, asked_at, replica,
                                                              is_asked, session_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (caller, key) DO NOTHING")
            .bind(&new.key.caller)
            .bind(&new.key.key)
            .bind(new.fingerprint)
            .bind(new.request_id)
            .bind(self.time.retention_time())
            .bind(self.replica.id())
            .bind(i64::from(new.is_asked))
            .bind(new.session.map(SessionId::as_str))
            .execute(&self.write)
            .await?;
            if inserted == 1 {
                return Ok(None);
            }
            let row: Option<KeyRow> =
                sql("SELECT fingerprint, request_id, answered_at, answer, sealed_answer, content_key,
                        (SELECT content_key_slots.key FROM content_keys
                         JOIN content_key_slots ON content_key_slots.slot = content_keys.slot
                         WHERE content_keys.id = content_key),
                        model, prompt_tokens, completion_tokens, finish, is_asked, sources,
                        (SELECT COUNT(*) FROM replicas WHERE id = replica AND id <> $3)
                 FROM idempotency_keys WHERE caller = $1 AND key = $2")
                .bind(&new.key.caller)
                .bind(&new.key.key)
                .bind(self.replica.id())
                .fetch_optional(&self.write)
                .await?;
            // Without a row the key was released between the two statements.
            if let Some(row) = row {
                return Ok(Some(claimed_key(row)));
            }
        }
    }

    /// Returns whether a request has claimed a key that is still valid.
    pub async fn is_key_claimed(&self, key: &ScopedKey) -> Result<bool, StorageFailure> {
        let row: Option<(i64,)> =
            sql("SELECT is_asked FROM idempotency_keys WHERE caller = $1 AND key = $2 AND asked_at >= $3")
                .bind(&key.caller)
                .bind(&key.key)
                .bind(self.oldest_key())
                .fetch_optional(&self.read)
                .await?;
        Ok(row.is_some())
    }

    /// Returns the earliest retention time at which a key was claimed that is still valid.
    fn oldest_key(&self) -> i64 {
        self.retention_time().checked_sub(RETENTION).unwrap_or(Timestamp::MIN).as_microsecond()
    }

    /// Deletes the keys whose retention time is over.
    pub async fn purge_expired_keys(&self) -> Result<(), StorageFailure> {
        sql("DELETE FROM idempotency_keys WHERE asked_at < $1").bind(self.oldest_key()).execute(&self.write).await?;
        Ok(())
    }

    /// Transfers a key from the request `from` to a new request: the key of a refused turn, or of one that never asked the
    /// model. Returns whether the new request has it now.
    pub async fn reclaim_key(&self, new: NewClaim<'_>, from: &str) -> Result<bool, StorageFailure> {
        let taken = sql("UPDATE idempotency_keys SET request_id = $4, replica = $5, fingerprint = $6, is_asked = $7,
                                                     session_id = $8, is_erased = 0, finish = NULL
             WHERE caller = $1 AND key = $2 AND request_id = $3 AND answered_at IS NULL
                   AND (finish = 'refused' OR is_asked = 0)")
        .bind(&new.key.caller)
        .bind(&new.key.key)
        .bind(from)
        .bind(new.request_id)
        .bind(self.replica.id())
        .bind(new.fingerprint)
        .bind(i64::from(new.is_asked))
        .bind(new.session.map(SessionId::as_str))
        .execute(&self.write)
        .await?;
        Ok(taken > 0)
    }

    /// Stores whether the model may have been asked in the turn of a key. Returns whether the request still has the key.
    pub async fn mark_key(&self, key: &ScopedKey, request_id: &str, is_asked: bool) -> Result<bool, StorageFailure> {
        let marked = sql("UPDATE idempotency_keys SET is_asked = $4
             WHERE caller = $1 AND key = $2 AND request_id = $3")
        .bind(&key.caller)
        .bind(&key.key)
        .bind(request_id)
        .bind(i64::from(is_asked))
        .execute(&self.write)
        .await?;
        Ok(marked > 0)
    }

    /// Stores the outcome of the turn of a key.
    pub async fn settle_key(&self, settled: &SettledKey) -> Result<(), StorageFailure> {
        settled.store(&self.write).await
    }

    /// Queues the outcome of the turn of a key for the next transaction that stores turns: at the latest together with the
    /// turn itself, so that a recovery after a crash does not pass over a turn whose key is still open.
    pub fn settle_key_later(&self, settled: SettledKey) {
        self.turn_writer.enqueue(LoggedEvent::KeySettled(Box::new(settled)), None);
    }

    /// Queues that a request has not claimed a key, though its claim may have taken effect, or may still do so.
    pub fn withdraw_claim(&self, new: NewClaim<'_>) {
        let outcome = KeyOutcome::Unclaimed { at: self.time.retention_time() };
        self.settle_key_later(SettledKey { key: new.key.clone(), request_id: new.request_id.to_owned(), outcome });
    }

    /// Returns the keys whose turns have not ended as far as the database knows, by the ids of their requests.
    pub async fn open_keys(&self) -> Result<HashMap<String, ScopedKey>, StorageFailure> {
        let rows: Vec<(String, String, String)> = sql("SELECT request_id, caller, key FROM idempotency_keys
             WHERE asked_at >= $1 AND answered_at IS NULL AND replica IS NOT NULL")
        .bind(self.oldest_key())
        .fetch_all(&self.write)
        .await?;
        Ok(rows.into_iter().map(|(request_id, caller, key)| (request_id, ScopedKey { caller, key })).collect())
    }
}

fn claimed_key(row: KeyRow) -> ClaimedKey {
    let (
        fingerprint,
        request_id,
        answered_at,
        text,
        sealed,
        content_key,
        key,
        model,
        prompt,
        completion,
        finish,
        asked,
        sources,
        live,
    ) = row;
    let is_refused = finish.as_deref() == Some(REFUSED);
    let tokens = |column: Option<i64>| to_count(column.unwrap_or_default());
    let key = key.as_deref().and_then(ContentKey::decode);
    // Sealed ones cannot be read without the key, and are no JSON.
    let sources =
        sources.map(|stored| settled_key::read_sources(&stored, key.as_ref(), &request_id)).unwrap_or_default();
    let opened = || settled_key::open(key.as_ref()?, &sealed?, &request_id);
    let text = text.or_else(opened);
    let answer = answered_at.zip(text).zip(model).map(|((answered_at, text), model)| StoredAnswer {
        text,
        model,
        usage: TokenUsage { prompt: tokens(prompt), completion: tokens(completion) },
        finish: finish.as_deref().and_then(Finish::parse).unwrap_or(Finish::Complete),
        at: to_timestamp(answered_at),
        sources,
    });
    let (is_running_elsewhere, is_asked) = (answered_at.is_none() && live > 0, asked != 0);
    ClaimedKey { fingerprint, request_id, answer, content_key, is_running_elsewhere, is_refused, is_asked }
}
