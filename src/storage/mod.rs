//! The door to the database: sessions, totals, kept answers, and the queue to Papita.
//!
//! The SQL keeps to what SQLite and PostgreSQL share (`$n` parameters, `ON CONFLICT`, `RETURNING`); what differs is
//! in `migrations/`, one folder a database.

mod idempotency;
mod ledger;
mod migrations;
mod outbox;
mod sessions;
mod totals;
mod turns;

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{
    Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use self::{
    idempotency::{AskedBefore, CallersKey, KeptAnswer},
    outbox::Posting,
    sessions::{SessionNumbers, StoppedSession},
    totals::UsageTotals,
    turns::TurnRecord,
};
use self::{ledger::Ledger, outbox::Outbox, turns::Database};

use crate::tasks::Tasks;

/// The database could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The address is not one.
    #[error("DATABASE_URL is not an address of a SQLite database")]
    Address(#[source] sqlx::Error),
    /// The database could not be opened or brought up to date.
    #[error("the database could not be opened; is the path of DATABASE_URL writable?")]
    Open(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error(
        "the database's tables could not be brought up to date; was it made by a newer al-chat? Use that, or another DATABASE_URL"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Another process uses it.
    #[error("another process already uses the database {0}; give this one a DATABASE_URL of its own or stop the other")]
    Taken(PathBuf),
    /// A query failed.
    #[error("the database did not do as asked")]
    Query(#[from] sqlx::Error),
}

/// An open database. Cheap to clone.
///
/// SQLite lets one connection write at a time, so one is kept for it, and readers have their own: a pool of several
/// writers would make them wait for each other's locks.
#[derive(Clone, Debug)]
pub struct Storage {
    write: SqlitePool,
    read: SqlitePool,
    database: Database,
    ledger: Ledger,
    outbox: Arc<Outbox>,
    /// Held as long as anybody uses the database: two services would deliver one queue twice.
    lock: Arc<File>,
}

impl Storage {
    /// Opens the database, made when it isn't there, and brings its tables up to date. `log` names the session log in
    /// which the turns stand that are kept here; `tasks` owns the task that keeps them.
    pub async fn open(url: &str, log: String, tasks: &Tasks) -> Result<Self, StorageFailure> {
        let options = SqliteConnectOptions::from_str(url).map_err(StorageFailure::Address)?;
        let lock = lock(options.get_filename())?;
        let options = options
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode a commit survives the death of the process; only power loss may take the last ones.
            .synchronous(SqliteSynchronous::Normal)
            // For a backup or a curious operator; nobody else writes here.
            .busy_timeout(Duration::from_secs(1))
            // A checkpoint holds up the turns of that moment: better one long one than ten short ones.
            .pragma("wal_autocheckpoint", "10000");
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(5))
                .test_before_acquire(false)
        };
        let write = pool(1).connect_with(options.clone()).await.map_err(StorageFailure::Open)?;
        migrations::run(&write).await?;
        let read = pool(4).connect_lazy_with(options.read_only(true));
        let outbox = Arc::new(Outbox::open(&read).await?);
        let database = Database { write: write.clone(), log };
        let (ledger, keeping) = Ledger::new(database.clone(), Arc::clone(&outbox), tasks.stopping());
        tasks.spawn("turn ledger", keeping);
        Ok(Self { write, read, database, ledger, outbox, lock: Arc::new(lock) })
    }

    /// Whether turns could be kept of late. While they could not, turns should not be begun.
    #[must_use]
    pub fn keeps_turns(&self) -> bool {
        self.ledger.is_writable()
    }

    /// Whether the task that keeps turns is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.ledger.is_alive()
    }

    /// Whether the database can be written, tried with a change that changes nothing.
    pub async fn check(&self) -> Result<(), StorageFailure> {
        let nothing = "UPDATE usage_totals SET requests = requests WHERE model IS NULL";
        sqlx::query(nothing).execute(&self.write).await?;
        Ok(())
    }

    /// Closes the database; the write-ahead log is folded into it.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
        // Closing the file would do, were it not that a child process just being started may still hold it.
        let _ = self.lock.unlock();
    }
}

/// Ends the use of a connection for a transaction. When a commit fails for want of space, SQLite has ended the
/// transaction but the driver believes it goes on, and would refuse to begin another: such a connection is not used
/// again.
fn give_back<T>(mut connection: PoolConnection<Sqlite>, outcome: Result<T, sqlx::Error>) -> Result<T, StorageFailure> {
    if outcome.is_err() {
        connection.close_on_drop();
    }
    Ok(outcome?)
}

/// Takes the database for this process, by a lock on a file beside it.
fn lock(database: &Path) -> Result<File, StorageFailure> {
    let unusable = |error| StorageFailure::Open(sqlx::Error::Io(error));
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageFailure::Taken(database.to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Whole numbers as SQL has them. What is counted here stays far below the limit; should it not, it stops there.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count from the database, which holds no negative ones.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
