//! Opens a database on a PostgreSQL server, which any number of replicas may share.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    StorageFailure,
    database::{Pool, PostgresPool},
    migrations,
    recognition::{self, Tables},
};
use crate::foundation::config;

/// How much longer than the server's own limit an answer is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// A connection that was idle for longer than this is tried before it is used: its server may have been restarted.
const TRUSTED: Duration = Duration::from_millis(500);

/// A database on a server.
pub(super) struct Opened {
    pub(super) pool: Pool,
    /// A connection apart: however busy the others are, the other replicas are to know that this one is alive.
    pub(super) heartbeat: Pool,
}

/// Connects, and brings the tables up to date. Of replicas that start together, one does it and the others wait.
pub(super) async fn open(url: &SecretString, settings: &config::Database) -> Result<Opened, StorageFailure> {
    let options = options(url)?;
    let patience = settings.statement_timeout + SILENCE;
    // Migrations may take their time.
    let first = connect(&options, settings).await?;
    ensure_not_of_another(&first).await?;
    migrations::postgres().await?.run(&first).await?;
    let limit = settings.statement_timeout.as_millis();
    // A replica that is frozen in the middle of a transaction must not hold up the others for longer.
    let limits = format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
    let connections = PgPoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for > TRUSTED {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        // Not among the options of the connection, which some poolers in between refuse.
        .after_connect(move |connection, _| {
            let limits = sqlx::AssertSqlSafe(limits.clone());
            Box::pin(async move { sqlx::raw_sql(limits).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(options);
    let pool = |connections| Pool::Postgres(PostgresPool { connections, patience });
    Ok(Opened { pool: pool(connections), heartbeat: pool(first) })
}

/// Looks at a database without changing anything. Fails if it can't be used, or is another program's.
pub(super) async fn look(url: &SecretString, settings: &config::Database) -> Result<(), StorageFailure> {
    let server = connect(&options(url)?, settings).await?;
    let looked = ensure_not_of_another(&server).await;
    server.close().await;
    looked
}

/// The server and the database, for people; nothing of user and password.
pub(super) fn place(url: &SecretString) -> Result<String, StorageFailure> {
    let options = options(url)?;
    let database = options.get_database().unwrap_or(options.get_username());
    Ok(format!("{database} on {}:{}", options.get_host(), options.get_port()))
}

fn options(url: &SecretString) -> Result<PgConnectOptions, StorageFailure> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(StorageFailure::Address)?;
    Ok(options.application_name("al-chat"))
}

async fn connect(options: &PgConnectOptions, settings: &config::Database) -> Result<PgPool, StorageFailure> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(settings.connect_timeout);
    pool.connect_with(options.clone()).await.map_err(StorageFailure::Connect)
}

async fn ensure_not_of_another(server: &PgPool) -> Result<(), StorageFailure> {
    match recognition::of_postgres(server).await.map_err(StorageFailure::Connect)? {
        Tables::Others(tables) => {
            let database = "the schema".to_owned();
            Err(StorageFailure::OfAnother { database, tables })
        }
        Tables::None | Tables::Ours => Ok(()),
    }
}
