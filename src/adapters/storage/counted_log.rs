//! The last line of a session log that a database has counted, read while a service may be using it.

use std::str::FromStr;

use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    handle::Storage,
    log_instances::{self, InstanceRow, SELECT_INSTANCES},
    sqlite,
    sqlite_file::{self, FileState},
};
use crate::{
    domain::log_position::InstanceCount,
    foundation::config::{self, DatabaseAddress},
};

/// The database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CountedLogFailure {
    /// There is no database file.
    #[error("there is no database yet")]
    NoDatabase,
    /// The server did not answer in time.
    #[error("the database's server does not answer")]
    NoAnswer,
    /// The query failed. The tables may be of an earlier version.
    #[error("it could not be queried; `al-chat migrate` updates its tables")]
    Query(#[from] sqlx::Error),
}

impl Storage {
    /// Reads what a database holds of a session log, without making, changing or locking anything. A process that has opened
    /// the file must not call this.
    pub async fn read_counted_lines(
        settings: &config::Database,
        log: &str,
    ) -> Result<Vec<InstanceCount>, CountedLogFailure> {
        let reading = async {
            let rows: Vec<InstanceRow> = match &settings.address {
                DatabaseAddress::Sqlite(address) => {
                    let Ok(FileState::Database(journal)) = sqlite_file::inspect(address) else {
                        return Err(CountedLogFailure::NoDatabase);
                    };
                    let mut connection = sqlite::connect_to_inspect(&address.path, journal).await?;
                    let rows = sqlx::query_as(SELECT_INSTANCES).bind(log).fetch_all(&mut connection).await;
                    connection.close().await?;
                    rows?
                }
                DatabaseAddress::Postgres(url) => {
                    let options = PgConnectOptions::from_str(url.expose_secret())?;
                    let mut connection = PgConnection::connect_with(&options).await?;
                    sqlx::query_as(SELECT_INSTANCES).bind(log).fetch_all(&mut connection).await?
                }
            };
            Ok(rows.into_iter().filter_map(log_instances::count).collect())
        };
        timeout(settings.connect_timeout, reading).await.unwrap_or(Err(CountedLogFailure::NoAnswer))
    }
}
