//! The table `api_keys`: the API keys of servers, of which only hashes are stored.

use jiff::Timestamp;

use super::{
    column_values::to_timestamp,
    database::Pool,
    failure::StorageFailure,
    handle::Storage,
    reader::{self, DatabaseReadFailure},
    statement::sql,
    writer::{self, DatabaseWriteFailure},
};
use crate::{
    domain::{api_key::ApiKeyHash, tenant::TenantName},
    foundation::config,
};

/// An API key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    /// The name, which no other key has.
    pub name: String,
    /// The hash of the key, as [`ApiKeyHash`] writes it.
    pub hash: String,
    /// The limits of the key, as text; `None` for `LIMIT_KEY`.
    pub limits: Option<String>,
    /// The models that may answer, separated by commas; `None` for all that clients may choose.
    pub models: Option<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time of its last use, at most about a minute late; `None` if it was never used.
    pub last_used_at: Option<Timestamp>,
    /// The time at which it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The result of a request to revoke a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The key was valid until now.
    Revoked,
    /// The key was revoked before.
    Repeated,
    /// No key has the name.
    Unknown,
}

type KeyRow = (String, String, Option<String>, Option<String>, i64, Option<i64>, Option<i64>);

fn stored_key((name, hash, limits, models, created_at, last_used_at, revoked_at): KeyRow) -> StoredApiKey {
    let (last_used_at, revoked_at) = (last_used_at.map(to_timestamp), revoked_at.map(to_timestamp));
    StoredApiKey { name, hash, limits, models, created_at: to_timestamp(created_at), last_used_at, revoked_at }
}

async fn fetch(database: &Pool) -> Result<Vec<StoredApiKey>, StorageFailure> {
    let rows: Vec<KeyRow> = sql("SELECT name, hash, limits, models, created_at, last_used_at, revoked_at
         FROM api_keys ORDER BY created_at, name")
    .fetch_all(database)
    .await?;
    Ok(rows.into_iter().map(stored_key).collect())
}

impl Storage {
    /// Returns all API keys, the oldest first.
    pub async fn api_keys(&self) -> Result<Vec<StoredApiKey>, StorageFailure> {
        fetch(&self.read).await
    }

    /// Notes a use of an API key, unless a later one is noted.
    pub async fn note_api_key_use(&self, name: TenantName, at: Timestamp) -> Result<(), StorageFailure> {
        sql("UPDATE api_keys SET last_used_at = $2 WHERE name = $1 AND (last_used_at IS NULL OR last_used_at < $2)")
            .bind(name.as_str())
            .bind(at.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Reads all API keys of a database that a service may be using, the oldest first. A process that has opened the file must
    /// not call this.
    pub async fn read_api_keys(settings: &config::Database) -> Result<Vec<StoredApiKey>, DatabaseReadFailure> {
        reader::read(settings, async |database: &Pool| fetch(database).await).await
    }
}

/// A database, opened to add and revoke API keys while a service may be using it.
#[derive(Debug)]
pub struct ApiKeyEditor(Pool);

impl ApiKeyEditor {
    /// Opens the database. A process that has opened the file must not call this.
    pub async fn open(settings: &config::Database) -> Result<Self, DatabaseWriteFailure> {
        Ok(Self(writer::open(settings).await?))
    }

    /// Adds a key. Returns whether no other key has its name; otherwise nothing is added.
    pub async fn add(
        &self,
        name: TenantName,
        hash: ApiKeyHash,
        limits: Option<&str>,
        models: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, DatabaseWriteFailure> {
        let added = sql("INSERT INTO api_keys (name, hash, limits, models, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO NOTHING")
        .bind(name.as_str())
        .bind(hash.to_string())
        .bind(limits)
        .bind(models)
        .bind(now.as_microsecond())
        .execute(&self.0)
        .await?;
        Ok(added == 1)
    }

    /// Revokes the key of a name.
    pub async fn revoke(&self, name: TenantName, now: Timestamp) -> Result<Revocation, DatabaseWriteFailure> {
        let revoked = sql("UPDATE api_keys SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL")
            .bind(name.as_str())
            .bind(now.as_microsecond())
            .execute(&self.0)
            .await?;
        if revoked == 1 {
            return Ok(Revocation::Revoked);
        }
        let known: Option<(String,)> =
            sql("SELECT name FROM api_keys WHERE name = $1").bind(name.as_str()).fetch_optional(&self.0).await?;
        Ok(if known.is_some() { Revocation::Repeated } else { Revocation::Unknown })
    }

    /// Closes the database.
    pub async fn close(self) {
        self.0.close().await;
    }
}
