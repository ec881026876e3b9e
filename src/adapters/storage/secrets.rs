//! Secrets that the database keeps, looked up by those who don't open all of it.

use std::str::FromStr;

use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    Storage, sqlite,
    sqlite_file::{self, Found},
};
use crate::foundation::config::{self, DatabaseAddress};

/// The name of the secret that keys the fingerprints of API keys.
pub const FINGERPRINT_SECRET: &str = "fingerprints";

/// The same text for both databases.
const POLL_INTERVAL: &str = "SELECT value FROM secrets WHERE name = $1";

impl Storage {
    /// The secret of this name in a database that a service may be using: nothing is made, changed or locked. `None` when
    /// it isn't there, or the database cannot be read. Not to be called by a process that has opened the file.
    pub async fn read_secret(settings: &config::Database, name: &str) -> Option<String> {
        let look = async {
            match &settings.address {
                DatabaseAddress::Sqlite(address) => {
                    let Ok(Found::Database(pending)) = sqlite_file::look(address) else { return Ok(None) };
                    let mut connection = sqlite::look_into(&address.path, pending).await?;
                    let secret = sqlx::query_scalar(POLL_INTERVAL).bind(name).fetch_optional(&mut connection).await;
                    connection.close().await?;
                    secret
                }
                DatabaseAddress::Postgres(url) => {
                    let options = PgConnectOptions::from_str(url.expose_secret())?;
                    let mut connection = PgConnection::connect_with(&options).await?;
                    sqlx::query_scalar(POLL_INTERVAL).bind(name).fetch_optional(&mut connection).await
                }
            }
        };
        timeout(settings.connect_timeout, look).await.ok()?.ok()?
    }
}
