//! Connections to a PostgreSQL database, which any number of replicas may share.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{
    connections::Connections,
    database::{Pool, PostgresPool, within},
    migrations,
    open_failure::DatabaseOpenFailure,
    schema_owner::{self, SchemaOwner},
};
use crate::foundation::config;

/// The time added to the server's own time limit for statements, after which al-chat stops waiting for an answer.
const RESPONSE_MARGIN: Duration = Duration::from_secs(2);

/// The time for closing a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The idle time after which a connection is tested before use: its server may have been restarted.
const TEST_AFTER_IDLE: Duration = Duration::from_millis(500);

/// Returns a connection that reads the database, opened with its first statement. The server lets it change nothing.
pub(super) fn reader(url: &SecretString, settings: &config::Database) -> Result<Pool, DatabaseOpenFailure> {
    // Some connection poolers refuse settings as options of the connection.
    let options = single(settings).after_connect(|connection, _| {
        let read_only = sqlx::raw_sql("SET default_transaction_read_only = on");
        Box::pin(async move { read_only.execute(connection).await.map(|_| ()) })
    });
    Ok(lazy(options, connect_options(url)?, settings))
}

/// Returns a connection for a few statements that write, opened with the first of them.
pub(super) fn writer(url: &SecretString, settings: &config::Database) -> Result<Pool, DatabaseOpenFailure> {
    Ok(lazy(single(settings), connect_options(url)?, settings))
}

/// Returns the options of a pool with one connection.
fn single(settings: &config::Database) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(1).acquire_timeout(settings.connect_timeout)
}

/// Returns a pool whose connections are opened when they are needed.
fn lazy(pool: PgPoolOptions, connection: PgConnectOptions, settings: &config::Database) -> Pool {
    let connections = pool.connect_lazy_with(connection);
    Pool::Postgres(PostgresPool { connections, response_timeout: response_timeout(settings) })
}

/// Returns the time for which al-chat waits for an answer to a statement.
fn response_timeout(settings: &config::Database) -> Duration {
    settings.statement_timeout + RESPONSE_MARGIN
}

/// Connects to the database and runs its migrations. If several replicas start at once, one of them runs the
/// migrations while the others wait.
pub(super) async fn open(url: &SecretString, settings: &config::Database) -> Result<Connections, DatabaseOpenFailure> {
    let options = connect_options(url)?;
    // This connection has no time limit for statements, because migrations may take long.
    let mut first = connect(&options, settings).await?;
    ensure_not_of_other_program(&mut first, response_timeout(settings)).await?;
    migrations::postgres().await?.run_direct(None, &mut first, false).await?;
    close(first).await;
    let heartbeat = lazy(single(settings), options.clone(), settings);
    let limit = settings.statement_timeout.as_millis();
    // A replica that is suspended within a transaction must not block the others for longer than this.
    let limits = format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > TEST_AFTER_IDLE {
                    Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        // Some connection poolers refuse these settings as options of the connection.
        .after_connect(move |connection, _| {
            let limits = sqlx::AssertSqlSafe(limits.clone());
            Box::pin(async move { sqlx::raw_sql(limits).execute(connection).await.map(|_| ()) })
        });
    let write = lazy(pool, options, settings);
    Ok(Connections { read: write.clone(), write, heartbeat: Some(heartbeat), checkpoints: None })
}

/// Checks without changing anything that the database can be used. Fails if its tables belong to another program. Returns
/// the database, host and port for people, without user and password.
pub(super) async fn inspect(url: &SecretString, settings: &config::Database) -> Result<String, DatabaseOpenFailure> {
    let options = connect_options(url)?;
    let mut server = connect(&options, settings).await?;
    let outcome = ensure_not_of_other_program(&mut server, response_timeout(settings)).await;
    close(server).await;
    outcome?;
    let database = options.get_database().unwrap_or(options.get_username());
    Ok(format!("{database} on {}:{}", options.get_host(), options.get_port()))
}

fn connect_options(url: &SecretString) -> Result<PgConnectOptions, DatabaseOpenFailure> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(DatabaseOpenFailure::InvalidAddress)?;
    Ok(options.application_name("al-chat"))
}

/// Opens one connection. A pool would not say why it could not.
async fn connect(options: &PgConnectOptions, settings: &config::Database) -> Result<PgConnection, DatabaseOpenFailure> {
    let connected = within(settings.connect_timeout, PgConnection::connect_with(options)).await;
    connected.map_err(DatabaseOpenFailure::Connect)
}

/// Closes a connection that is not needed any more.
async fn close(connection: PgConnection) {
    // A server that doesn't answer notices the end of the connection by itself.
    let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
}

async fn ensure_not_of_other_program(server: &mut PgConnection, limit: Duration) -> Result<(), DatabaseOpenFailure> {
    let owner = within(limit, schema_owner::owner_of_postgres(server)).await;
    match owner.map_err(DatabaseOpenFailure::Connect)? {
        SchemaOwner::OtherProgram(tables) => {
            let database = "the schema".to_owned();
            Err(DatabaseOpenFailure::OtherProgram { database, tables })
        }
        SchemaOwner::None | SchemaOwner::AlChat => Ok(()),
    }
}
