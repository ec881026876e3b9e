//! Random secrets that all replicas share, made once and stored in the database.

use std::str::FromStr;

use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    failure::StorageFailure,
    handle::Storage,
    sqlite,
    sqlite_file::{self, FileState},
    statement::sql,
};
use crate::foundation::{
    config::{self, DatabaseAddress},
    secret::SigningSecret,
};

/// The name of the secret that keys the fingerprints of API keys.
pub const FINGERPRINT_SECRET: &str = "fingerprints";

/// Selects a secret by its name, in either database.
const SELECT_SECRET: &str = "SELECT value FROM secrets WHERE name = $1";

/// The name of the secret that marks the ids of sessions that were started here.
pub const SESSION_SECRET: &str = "sessions";

/// The name of the secret that keys the hashes of those whose usage is counted.
pub const LIMIT_SECRET: &str = "limits";

impl Storage {
    /// Returns the secret of this name, which is generated and stored if there is none.
    pub async fn secret(&self, name: &str) -> Result<SigningSecret, StorageFailure> {
        let candidate = SigningSecret::generate();
        sql("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(candidate.expose())
            .execute(&self.write)
            .await?;
        let (value,): (String,) = sql(SELECT_SECRET).bind(name).fetch_one(&self.write).await?;
        Ok(SigningSecret::stored(value))
    }

    /// Reads the secret of this name from a database that a service may be using, without making, changing or locking
    /// anything. `None` if there is no such secret, or the database cannot be read. A process that has opened the file
    /// must not call this.
    pub async fn read_secret(settings: &config::Database, name: &str) -> Option<String> {
        let reading = async {
            match &settings.address {
                DatabaseAddress::Sqlite(address) => {
                    let Ok(FileState::Database(journal)) = sqlite_file::inspect(address) else { return Ok(None) };
                    let mut connection = sqlite::connect_to_inspect(&address.path, journal).await?;
                    let secret = sqlx::query_scalar(SELECT_SECRET).bind(name).fetch_optional(&mut connection).await;
                    connection.close().await?;
                    secret
                }
                DatabaseAddress::Postgres(url) => {
                    let options = PgConnectOptions::from_str(url.expose_secret())?;
                    let mut connection = PgConnection::connect_with(&options).await?;
                    sqlx::query_scalar(SELECT_SECRET).bind(name).fetch_optional(&mut connection).await
                }
            }
        };
        timeout(settings.connect_timeout, reading).await.ok()?.ok()?
    }
}
