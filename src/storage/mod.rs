//! The door to the database, SQLite or PostgreSQL: sessions, totals, kept answers, accounts, visitors, stored chats,
//! and the queue to Papita.
//!
//! One SQL text serves both. It keeps to what they share (`$n` parameters, `ON CONFLICT`, `RETURNING`, numbers and
//! texts); what differs is in `migrations/`, one folder a database.

mod accounts;
mod books;
mod chats;
mod database;
mod exchanges;
mod idempotency;
mod ledger;
mod messages;
mod migrations;
mod outbox;
mod postgres;
mod probe;
mod replicas;
mod search;
mod secrets;
mod sessions;
mod sqlite;
mod totals;
mod visitors;

use std::{fs::File, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use secrecy::ExposeSecret;

pub use self::{
    accounts::{Lock, Taken},
    books::TurnRecord,
    chats::{ChatId, Cursor, StoredChat},
    exchanges::{Exchange, Kept, NewQuestion, Opening, Question},
    idempotency::{AskedBefore, CallersKey, KeptAnswer},
    messages::{MessageId, MessageStatus, SaidBefore, Sender, StoredMessage},
    outbox::Posting,
    probe::Probe,
    search::Found,
    secrets::FINGERPRINTS,
    sessions::{SessionNumbers, StoppedSession},
    totals::UsageTotals,
    visitors::Visitor,
};
use self::{
    books::Books,
    database::{Pool, sql},
    ledger::Ledger,
    outbox::Outbox,
    replicas::Replica,
};
use crate::{clock::Clock, config, tasks::Tasks};

/// The database could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The address is not one.
    #[error("DATABASE_URL is not an address of a SQLite or PostgreSQL database")]
    Address(#[source] sqlx::Error),
    /// The file could not be opened.
    #[error("the database could not be opened; is the path of DATABASE_URL writable?")]
    Open(#[source] sqlx::Error),
    /// The server could not be used.
    #[error("the database's server could not be used; are host, name, user and password of DATABASE_URL right?")]
    Connect(#[source] sqlx::Error),
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

impl Storage {
    /// Opens the database, a file made when it isn't there, and brings its tables up to date. `log` names the session
    /// log in which the turns stand that are kept here; `tasks` owns the tasks that keep them.
    pub async fn open(
        settings: &config::Database,
        log: String,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Result<Self, StorageFailure> {
        let Connected { write, read, heartbeat, lock } = connect(settings).await?;
        let replica = Replica::new(&log);
        if let Some(heartbeat) = heartbeat {
            replica.succeed(&heartbeat).await?;
            replica.sign_on(&heartbeat, clock.now()).await?;
            tasks.spawn("replica", replica.clone().stay(heartbeat, clock.clone(), tasks.stopping()));
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
    /// Of one that is this process's own.
    lock: Option<File>,
}

async fn connect(settings: &config::Database) -> Result<Connected, StorageFailure> {
    let url = settings.url.expose_secret();
    if url.starts_with("sqlite:") {
        let sqlite::Opened { write, read, lock } = sqlite::open(url).await?;
        return Ok(Connected { write, read, heartbeat: None, lock: Some(lock) });
    }
    let postgres::Opened { pool, heartbeat } = postgres::open(settings).await?;
    Ok(Connected { write: pool.clone(), read: pool, heartbeat: Some(heartbeat), lock: None })
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
