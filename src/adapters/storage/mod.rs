//! The door to the database, SQLite or PostgreSQL: sessions, totals, kept answers, accounts, visitors, stored chats,
//! and the queue to Papita.
//!
//! One SQL text serves both. It keeps to what they share (`$n` parameters, `ON CONFLICT`, `RETURNING`, numbers and
//! texts); what differs is in `migrations/`, one folder a database.

mod accounts;
mod backup;
mod books;
mod chats;
mod checkpoints;
mod database;
mod exchanges;
mod idempotency;
mod ledger;
mod messages;
mod migrations;
mod outbox;
mod postgres;
mod probe;
mod recognition;
mod replicas;
mod search;
mod secrets;
mod sessions;
mod sqlite;
mod sqlite_file;
mod totals;
mod visitors;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

pub use self::{
    accounts::{LoginRecord, RegistrationConflict},
    backup::{BackupFailure, BackupSource},
    books::TurnRecord,
    chats::{ChatId, Cursor, StoredChat},
    exchanges::{Exchange, MessageRef, NewQuestion, OpenOutcome, PendingQuestion},
    idempotency::{ClaimedKey, ScopedKey, StoredAnswer},
    messages::{HistoryMessage, MessageId, MessageStatus, Sender, StoredMessage},
    outbox::OutboxRecord,
    probe::DatabaseInspection,
    search::SearchResult,
    secrets::FINGERPRINT_SECRET,
    sessions::{SessionStatistics, StoppedSession},
    sqlite_file::UnusableFile,
    totals::UsageTotals,
    visitors::Visitor,
};
use self::{
    books::Books,
    checkpoints::Checkpoints,
    database::{Pool, sql},
    ledger::Ledger,
    outbox::Outbox,
    replicas::Replica,
};
use crate::foundation::{
    clock::Clock,
    config::{self, DatabaseAddress},
    tasks::Tasks,
};

/// The database could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The address is not one.
    #[error("DATABASE_URL is not an address of a SQLite or PostgreSQL database")]
    Address(#[source] sqlx::Error),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] UnusableFile),
    /// The file could not be opened by SQLite.
    #[error("the file of DATABASE_URL could not be opened as a SQLite database; is it damaged, or in use elsewhere?")]
    Open(#[source] sqlx::Error),
    /// It is the database of another program.
    #[error(
        "{database} of DATABASE_URL belongs to another program (it has the tables {tables}) and was left as it is; \
         al-chat needs a database of its own, such as DATABASE_URL=sqlite:///al-chat.db"
    )]
    OfAnother {
        /// Which.
        database: String,
        /// Some of the tables.
        tables: String,
    },
    /// The server could not be used.
    #[error("the database's server could not be used; are host, name, user and password of DATABASE_URL right?")]
    Connect(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error(
        "the database's tables could not be brought up to date; was it made by a newer al-chat? Use that, or another DATABASE_URL"
    )]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The tables could not be made or changed.
    #[error("the database's tables could not be made or changed; may the user of DATABASE_URL make tables there?")]
    MakeTables(#[source] sqlx::migrate::MigrateError),
    /// Another process uses it.
    #[error("another process already uses the database {0}; give this one a DATABASE_URL of its own or stop the other")]
    Taken(PathBuf),
    /// A query failed.
    #[error("the database did not do as asked")]
    Query(#[from] sqlx::Error),
    /// Turns that have ended are not kept yet, and what was asked needs them.
    #[error("turns that have ended cannot be kept yet")]
    Behind,
    /// The server didn't answer.
    #[error("the database's server has fallen silent")]
    Silent,
}

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    write: Pool,
    read: Pool,
    replica: Replica,
    books: Books,
    ledger: Ledger,
    outbox: Arc<Outbox>,
    /// Of a file, held as long as anybody uses it.
    lock: Option<Arc<File>>,
}

impl From<sqlx::migrate::MigrateError> for StorageFailure {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match error {
            Execute(_) | ExecuteMigration(..) => Self::MakeTables(error),
            error => Self::Migrate(error),
        }
    }
}

impl Storage {
    /// Opens the database, a file made when it isn't there, and brings its tables up to date. `log` names the session
    /// log in which the turns stand that are kept here; `tasks` owns the tasks that keep them.
    pub async fn open(
        settings: &config::Database,
        log: String,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Result<Self, StorageFailure> {
        let Connected { write, read, heartbeat, checkpoints, lock } = connect(settings).await?;
        let replica = Replica::new(&log);
        if let Some(heartbeat) = heartbeat {
            replica.succeed(&heartbeat).await?;
            replica.sign_on(&heartbeat, clock.now()).await?;
            tasks.spawn("replica", replica.clone().stay(heartbeat, clock.clone(), tasks.stopping()));
        }
        if let Some(checkpoints) = checkpoints {
            tasks.spawn("checkpoints", checkpoints.run(tasks.stopping()));
        }
        let outbox = Arc::new(Outbox::open(&read).await?);
        let books = Books { write: write.clone(), log };
        let (ledger, keeping) = Ledger::new(books.clone(), Arc::clone(&outbox), tasks.stopping());
        tasks.spawn("turn ledger", keeping);
        Ok(Self { write, read, replica, books, ledger, outbox, lock: lock.map(Arc::new) })
    }

    /// Brings the tables of a database up to date, and does nothing else.
    pub async fn migrate(settings: &config::Database) -> Result<(), StorageFailure> {
        let Connected { write, read, lock: _lock, .. } = connect(settings).await?;
        read.close().await;
        write.close().await;
        Ok(())
    }

    /// Whether turns could be kept of late. While they could not, turns should not be begun.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.ledger.is_writable()
    }

    /// Whether the task that keeps turns is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.ledger.is_alive()
    }

    /// Whether the database can be written, tried with a change that changes nothing.
    pub async fn check(&self) -> Result<(), StorageFailure> {
        sql("UPDATE usage_totals SET requests = requests WHERE model IS NULL").execute(&self.write).await?;
        Ok(())
    }

    /// Closes the database; the write-ahead log of a file is folded into it.
    pub async fn close(&self) {
        if self.is_shared()
            && let Err(failure) = self.replica.sign_off(&self.write).await
        {
            tracing::warn!(%failure, "other replicas will take over from this one only in a while");
        }
        self.read.close().await;
        self.write.close().await;
        // Closing the file would do, were it not that a child process just being started may still hold it.
        let _ = self.lock.as_ref().map(|lock| lock.unlock());
    }
}

/// The connections to a database.
struct Connected {
    write: Pool,
    read: Pool,
    /// Of one that other processes may use, too.
    heartbeat: Option<Pool>,
    /// Of a file.
    checkpoints: Option<Checkpoints>,
    /// Of one that is this process's own.
    lock: Option<File>,
}

async fn connect(settings: &config::Database) -> Result<Connected, StorageFailure> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => {
            let sqlite::Opened { write, read, checkpoints, lock } = sqlite::open(address, settings.file_access).await?;
            Ok(Connected { write, read, heartbeat: None, checkpoints: Some(checkpoints), lock: Some(lock) })
        }
        DatabaseAddress::Postgres(url) => {
            let postgres::Opened { pool, heartbeat } = postgres::open(url, settings).await?;
            let (write, read) = (pool.clone(), pool);
            Ok(Connected { write, read, heartbeat: Some(heartbeat), checkpoints: None, lock: None })
        }
    }
}

/// The files of a database on this machine: itself, and those that SQLite and the process have beside it.
#[must_use]
pub fn files(settings: &config::Database) -> Vec<PathBuf> {
    match &settings.address {
        DatabaseAddress::Sqlite(address) => {
            let file = sqlite_file::real(&address.path);
            ["", "-wal", "-shm", ".lock"].map(|suffix| beside(&file, suffix)).into()
        }
        DatabaseAddress::Postgres(_) => Vec::new(),
    }
}

/// The file beside this one whose name goes on like this.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whole numbers as SQL has them. What is counted here stays far below the limit; should it not, it stops there.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count from the database, which holds no negative ones.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
