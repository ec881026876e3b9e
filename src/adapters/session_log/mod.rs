//! The session log: product data that can be trusted.
//!
//! One JSON-lines file a day, `session_YYYY-MM-DD.log`. One thread owns the files; callers hand it lines and wait
//! until they are written, so what was acknowledged survives `kill -9`. Lines that arrive together are written
//! together.

mod day_file;
mod event;
mod reader;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::{Timestamp, civil};
use tokio::sync::{mpsc, oneshot};

pub use self::event::{
    Chat, Event, Metric, ServerMetrics, ServiceStart, ServiceStop, SessionMetrics, SessionStart, SessionStop,
};
pub use self::reader::LoggedTurn;
use self::{event::encode, writer::Writer};
use crate::{
    domain::log_position::LogPosition,
    foundation::{clock::Clock, file_access::FileAccess},
};

/// Entries that may wait for the writer; more wait in front of it.
const QUEUE: usize = 4096;

/// The log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// Another process writes here.
    #[error(
        "another process already writes its session log in {0}; give this one a SESSION_LOG_DIR of its own or stop \
         the other"
    )]
    Taken(PathBuf),
    /// The folder cannot be used.
    #[error("the session log's folder {0} cannot be written; check SESSION_LOG_DIR and its permissions")]
    Folder(PathBuf, #[source] std::io::Error),
}

/// The line could not be written. Why is in the diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session log cannot be written")]
pub struct LogUnavailable;

/// The way to the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionLog {
    dir: PathBuf,
    id: String,
    clock: Clock,
    writer: mpsc::Sender<Message>,
    writable: Arc<AtomicBool>,
}

enum Message {
    Append(Entry),
    Close(oneshot::Sender<()>),
}

/// What is to be done when it is known where lines ended up, if anywhere; on the writer's thread, in the order of the
/// lines.
type Then = Box<dyn FnOnce(Option<LogPosition>) + Send>;

struct Entry {
    date: civil::Date,
    lines: Vec<u8>,
    count: u64,
    /// What became of the lines; refused until they are written.
    outcome: Result<LogPosition, LogUnavailable>,
    then: Option<Then>,
    done: oneshot::Sender<Result<LogPosition, LogUnavailable>>,
}

impl SessionLog {
    /// Takes the folder for this process, mends what a crash left behind, and starts the writer. With `sync`, each
    /// write reaches the disk before it counts as done. Files are made with this access.
    pub fn open(dir: PathBuf, access: FileAccess, sync: bool, clock: Clock) -> Result<Self, OpenFailure> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writable = Arc::new(AtomicBool::new(true));
        let mut writer = Writer::open(&dir, access, sync, clock.clone(), Arc::clone(&writable))?;
        let id = writer.id()?;
        writer.start(receiver)?;
        Ok(Self { dir, id, clock, writer: sender, writable })
    }

    /// Writes one event that happened at `now`, and returns when it is in the file.
    pub async fn append<E: Event>(&self, now: Timestamp, event: &E) -> Result<(), LogUnavailable> {
        let mut lines = self.lines(now);
        lines.add(event);
        self.write(lines).await
    }

    /// Lines that will be written together, all of them or none.
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Lines {
        let (timestamp, date) = self.clock.local(now);
        Lines { date, timestamp, text: Vec::with_capacity(640), count: 0 }
    }

    /// Writes lines, and returns when they are in the file.
    pub async fn write(&self, lines: Lines) -> Result<(), LogUnavailable> {
        self.send(lines, None).await
    }

    /// Writes lines, and returns when they are in the file. Before that, `then` is told where they end, or that they
    /// could not be written; it is called in the order of the lines, and should only pass that on.
    pub async fn write_then(
        &self,
        lines: Lines,
        then: impl FnOnce(Option<LogPosition>) + Send + 'static,
    ) -> Result<(), LogUnavailable> {
        self.send(lines, Some(Box::new(then))).await
    }

    async fn send(&self, lines: Lines, then: Option<Then>) -> Result<(), LogUnavailable> {
        let Lines { date, text, count, .. } = lines;
        let (done, written) = oneshot::channel();
        let entry = Entry { date, lines: text, count, outcome: Err(LogUnavailable), then, done };
        self.writer.send(Message::Append(entry)).await.map_err(|_| LogUnavailable)?;
        written.await.unwrap_or(Err(LogUnavailable)).map(|_| ())
    }

    /// The log's name among those of all replicas: made with its folder, and kept in it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the log ends now.
    #[must_use]
    pub fn end(&self) -> LogPosition {
        let (_, date) = self.clock.local(self.clock.now());
        let path = self.dir.join(format!("session_{date}.log"));
        LogPosition { date, end: std::fs::metadata(path).map_or(0, |data| data.len()) }
    }

    /// The turns that stand behind these places, one place a day; for the start, before anything is written.
    pub fn turns_after(&self, known: &[LogPosition]) -> io::Result<Vec<(LoggedTurn, LogPosition)>> {
        reader::turns_after(&self.dir, known)
    }

    /// Fails when the last write failed and none has succeeded since: then a turn should not be begun, for it could
    /// not be logged. The writer tries again by itself.
    pub fn ensure_writable(&self) -> Result<(), LogUnavailable> {
        if self.writable.load(Ordering::Acquire) && self.is_alive() { Ok(()) } else { Err(LogUnavailable) }
    }

    /// Whether the thread that writes is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.writer.is_closed()
    }

    /// Writes what is queued and ends the writer.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writer.send(Message::Close(done)).await.is_ok() {
            // An error means that the writer is gone, which is what was asked for.
            let _ = closed.await;
        }
    }
}

/// The id of the log in this folder, which another process may use; none where there is no log.
#[must_use]
pub fn id_of(dir: &Path) -> Option<String> {
    Writer::id_of(dir)
}

/// The turns in this folder that stand behind these places, one place a day; other processes may use the folder.
pub fn turns_after(dir: &Path, known: &[LogPosition]) -> io::Result<Vec<(LoggedTurn, LogPosition)>> {
    reader::turns_after(dir, known)
}

/// The folder of a log with all that is in it.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    std::iter::once(dir.to_owned()).chain(entries.map(|entry| entry.path())).collect()
}

/// Lines of one moment, encoded.
#[derive(Debug)]
pub struct Lines {
    date: civil::Date,
    timestamp: String,
    text: Vec<u8>,
    count: u64,
}

impl Lines {
    /// Adds an event.
    pub fn add<E: Event>(&mut self, event: &E) {
        encode(&mut self.text, &self.timestamp, self.date, event);
        self.count += 1;
    }
}
