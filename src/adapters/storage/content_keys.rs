//! The keys that seal the texts of the session log. A line's texts can be opened as long as the key is stored here: it is
//! stored before the first line is sealed with it, and deleting it erases the texts in every copy of the log.
//!
//! One key seals the texts of one session, owner and stored chat on one day (of retention time). A turn that has none of
//! them has a key of its own, so that it can be erased alone. Keys of an owner or a chat are deleted together with it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{
    bulk_delete,
    content_key::{ContentScope, KeyRow, StoredKey, stored_key},
    database::Transaction,
    failure::StorageFailure,
    handle::Storage,
    settled_key::ScopedKey,
    statement::sql,
    unsealed_answers,
};
use crate::{
    domain::{account::OwnerId, session::SessionId},
    foundation::secret::ContentKey,
};

impl Storage {
    /// Returns the key for the texts of a turn, and makes it if there is none. It is stored when this returns. `None` if the
    /// owner or the chat does not exist any more.
    pub async fn content_key(&self, scope: ContentScope<'_>) -> Result<Option<Arc<StoredKey>>, StorageFailure> {
        let now = self.time.retention_time();
        let Some(name) = scope.on_day_of(now) else {
            return Ok(self.make_content_key(scope, None, now).await?.map(Arc::new));
        };
        let generation = self.content_keys.generation();
        if let Some(key) = self.content_keys.get(&name) {
            return Ok(Some(key));
        }
        let mut key = self.content_key_of(&name).await?;
        if key.is_none() {
            key = self.make_content_key(scope, Some(&name), now).await?;
        }
        if key.is_none() {
            // Another turn or another replica has made it meanwhile, unless its owner or its chat is gone.
            key = self.content_key_of(&name).await?;
        }
        let Some(key) = key.map(Arc::new) else { return Ok(None) };
        self.content_keys.insert(name, Arc::clone(&key), generation);
        Ok(Some(key))
    }

    /// Returns the key with an id; `None` if it was erased.
    pub async fn content_key_with_id(&self, id: &str) -> Result<Option<StoredKey>, StorageFailure> {
        let row: Option<KeyRow> = sql("SELECT id, key FROM content_keys
             JOIN content_key_slots ON content_key_slots.slot = content_keys.slot WHERE id = $1")
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.and_then(stored_key))
    }

    async fn content_key_of(&self, scope: &str) -> Result<Option<StoredKey>, StorageFailure> {
        let row: Option<KeyRow> = sql("SELECT id, key FROM content_keys
             JOIN content_key_slots ON content_key_slots.slot = content_keys.slot WHERE scope = $1")
        .bind(scope)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.and_then(stored_key))
    }

    /// Makes and stores a key, unless its scope has one already, or its owner or chat does not exist.
    async fn make_content_key(
        &self,
        scope: ContentScope<'_>,
        name: Option<&str>,
        now: i64,
    ) -> Result<Option<StoredKey>, StorageFailure> {
        let made = StoredKey { id: Uuid::now_v7().to_string(), key: ContentKey::generate() };
        let mut transaction = self.write.begin().await?;
        let slot = fill_slot(&mut transaction, &made.key).await?;
        let inserted = sql("INSERT INTO content_keys (id, slot, scope, session_id, owner_id, chat_id, created_at)
             SELECT $1, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT),
                    CAST($7 AS BIGINT)
             WHERE (CAST($5 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM owners WHERE id = CAST($5 AS BIGINT)))
               AND (CAST($6 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM chats WHERE id = CAST($6 AS BIGINT)))
             ON CONFLICT (scope) DO NOTHING")
        .bind(&made.id)
        .bind(slot)
        .bind(name)
        .bind(scope.session.map(SessionId::as_str))
        .bind(scope.owner.map(|owner| owner.0))
        .bind(scope.chat.map(|chat| chat.0))
        .bind(now)
        .execute(&mut transaction)
        .await?;
        if inserted == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(made))
    }

    /// Erases the texts of a session that were logged so far, or those of the key with this id. With an `owner`, only that
    /// owner's texts. The same keys seal the answers that are stored for repeated requests. Answers of the session that are
    /// stored as they are, since a key could not be stored in time, are erased, too, and those of an account's requests without a
    /// session. Returns whether there was anything to erase.
    pub async fn erase_content(&self, id: &SessionId, owner: Option<OwnerId>) -> Result<bool, StorageFailure> {
        let clear = self.content_keys.clear_at_end();
        let mut transaction = self.write.begin().await?;
        let erased: Vec<(Option<i64>,)> = match owner {
            None => {
                sql("DELETE FROM content_keys WHERE session_id = $1 OR id = $1 RETURNING owner_id").bind(id.as_str())
            }
            Some(owner) => sql("DELETE FROM content_keys WHERE (session_id = $1 OR id = $1) AND owner_id = $2
                     RETURNING owner_id")
            .bind(id.as_str())
            .bind(owner.0),
        }
        .fetch_all(&mut transaction)
        .await?;
        let account = owner.map(ScopedKey::account);
        let mut answers = unsealed_answers::erase_of_session(&mut transaction, id, account.as_deref()).await?;
        let accounts = erased.iter().filter_map(|(owner,)| owner.map(|owner| ScopedKey::account(OwnerId(owner))));
        for account in accounts.chain(account.clone()).collect::<BTreeSet<_>>() {
            answers += unsealed_answers::erase_without_session(&mut transaction, &account).await?;
        }
        transaction.commit().await?;
        if erased.is_empty() {
            clear.cancel();
        }
        Ok(!erased.is_empty() || answers > 0)
    }

    /// Erases texts that do not belong to an account or a stored chat and were sealed with keys made before a retention time.
    pub async fn purge_content_keys(&self, made_before: Timestamp) -> Result<(), StorageFailure> {
        let clear = self.content_keys.clear_at_end();
        let erased = bulk_delete::in_batches(&self.write, |limit| {
            sql("DELETE FROM content_keys WHERE id IN (
                     SELECT id FROM content_keys WHERE owner_id IS NULL AND created_at < $1 LIMIT $2)")
            .bind(made_before.as_microsecond())
            .bind(limit)
        })
        .await?;
        if erased == 0 {
            clear.cancel();
        }
        Ok(())
    }
}

/// Stores a key in a slot, and returns the slot.
async fn fill_slot(transaction: &mut Transaction, key: &ContentKey) -> Result<i64, StorageFailure> {
    let key = key.encoded();
    let reused: Option<(i64,)> = sql("UPDATE content_key_slots SET key = $1, is_free = 0
         WHERE slot = (SELECT slot FROM content_key_slots WHERE is_free = 1 LIMIT 1) RETURNING slot")
    .bind(key.expose_secret())
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some((slot,)) = reused {
        return Ok(slot);
    }
    let (slot,): (i64,) = sql("INSERT INTO content_key_slots (key, is_free) VALUES ($1, 0) RETURNING slot")
        .bind(key.expose_secret())
        .fetch_one(transaction)
        .await?;
    Ok(slot)
}
