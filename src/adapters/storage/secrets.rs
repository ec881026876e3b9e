//! Random secrets that all replicas share, made once and stored in the database.

use super::{database::Pool, failure::StorageFailure, handle::Storage, reader, statement::sql};
use crate::foundation::{config, secret::SigningSecret};

/// The name of the secret that keys the fingerprints of API keys.
pub const FINGERPRINT_SECRET: &str = "fingerprints";

/// Selects a secret by its name.
const SELECT_SECRET: &str = "SELECT value FROM secrets WHERE name = $1";

/// The name of the secret that marks the ids of sessions that were started here.
pub const SESSION_SECRET: &str = "sessions";

/// The name of the secret that keys the hashes of those whose usage is counted.
pub const LIMIT_SECRET: &str = "limits";

/// The name of the secret that signs embed tickets.
pub const TICKET_SECRET: &str = "tickets";

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

    /// Reads the secret of this name from a database that a service may be using, without changing anything. `None` if there
    /// is no such secret, or the database cannot be read. A process that has opened the file must not call this.
    pub async fn read_secret(settings: &config::Database, name: &str) -> Option<String> {
        let select = async |database: &Pool| sql(SELECT_SECRET).bind(name).fetch_optional::<(String,)>(database).await;
        reader::read(settings, select).await.ok()?.map(|(secret,)| secret)
    }
}
