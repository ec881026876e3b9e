//! Connections to a PostgreSQL database, which any number of replicas may share.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    connections::Connections,
    database::{Pool, PostgresPool},
    migrations,
    open_failure::DatabaseOpenFailure,
    schema_owner::{self, SchemaOwner},
};
use crate::foundation::config;

/// The time added to the server's own time limit for statements, after which al-chat stops waiting for an answer.
const RESPONSE_MARGIN: Duration = Duration::from_secs(2);

/// The idle time after which a connection is tested before use: its server may have been restarted.
const TEST_AFTER_IDLE: Duration = Duration::from_millis(500);

/// Connects to the database and runs its migrations. If several replicas start at once, one of them runs the
/// migrations while the others wait.
pub(super) async fn open(url: &SecretString, settings: &config::Database) -> Result<Connections, DatabaseOpenFailure> {
    let options = connect_options(url)?;
    let response_timeout = settings.statement_timeout + RESPONSE_MARGIN;
    // This connection has no time limit for statements, because migrations may take long.
    let first = connect(&options, settings).await?;
    ensure_not_of_other_program(&first).await?;
    migrations::postgres().await?.run(&first).await?;
    let limit = settings.statement_timeout.as_millis();
    // A replica that is suspended within a transaction must not block the others for longer than this.
    let limits = format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
    let connections = PgPoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > TEST_AFTER_IDLE {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        // Some connection poolers refuse these settings as options of the connection.
        .after_connect(move |connection, _| {
            let limits = sqlx::AssertSqlSafe(limits.clone());
            Box::pin(async move { sqlx::raw_sql(limits).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(options);
    let pool = |connections| Pool::Postgres(PostgresPool { connections, response_timeout });
    let (write, heartbeat) = (pool(connections), Some(pool(first)));
    Ok(Connections { read: write.clone(), write, heartbeat, checkpoints: None })
}

/// Checks without changing anything that the database can be used. Fails if its tables belong to another program. Returns
/// the database, host and port for people, without user and password.
pub(super) async fn inspect(url: &SecretString, settings: &config::Database) -> Result<String, DatabaseOpenFailure> {
    let options = connect_options(url)?;
    let server = connect(&options, settings).await?;
    let outcome = ensure_not_of_other_program(&server).await;
    server.close().await;
    outcome?;
    let database = options.get_database().unwrap_or(options.get_username());
    Ok(format!("{database} on {}:{}", options.get_host(), options.get_port()))
}

fn connect_options(url: &SecretString) -> Result<PgConnectOptions, DatabaseOpenFailure> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(DatabaseOpenFailure::InvalidAddress)?;
    Ok(options.application_name("al-chat"))
}

async fn connect(options: &PgConnectOptions, settings: &config::Database) -> Result<PgPool, DatabaseOpenFailure> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(settings.connect_timeout);
    pool.connect_with(options.clone()).await.map_err(DatabaseOpenFailure::Connect)
}

async fn ensure_not_of_other_program(server: &PgPool) -> Result<(), DatabaseOpenFailure> {
    match schema_owner::owner_of_postgres(server).await.map_err(DatabaseOpenFailure::Connect)? {
        SchemaOwner::OtherProgram(tables) => {
            let database = "the schema".to_owned();
            Err(DatabaseOpenFailure::OtherProgram { database, tables })
        }
        SchemaOwner::None | SchemaOwner::AlChat => Ok(()),
    }
}
