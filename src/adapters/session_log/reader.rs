//! Reads the lines of the session log that the database does not hold, such as those that a crash has kept from it.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    event::{ChatLine, Event, FeedbackLine, SessionStop},
    uncounted_lines::{MissingLines, UncountedLines},
};
use crate::domain::{
    log_position::{CountedLines, InstanceCount, LogPosition},
    log_stamp::StampedLine,
};

/// The number of turns, stops and ratings in a batch.
const BATCH_EVENTS: usize = 4096;

/// The number of bytes after which a batch ends that has few of them.
const BATCH_BYTES: u64 = 16 << 20;

/// The number of batches that are read ahead.
const BATCHES_AHEAD: usize = 2;

/// The fields of a `chat` line that the database needs.
#[derive(Clone, Debug, Deserialize)]
pub struct LoggedTurn {
    /// The time at which the turn ended.
    pub timestamp: Timestamp,
    /// The date of the line; `None` for a turn that has no line yet.
    pub date: Option<Date>,
    /// The position of the line; `None` for a turn that has no line yet.
    #[serde(skip)]
    pub position: Option<LogPosition>,
    /// The id of the request.
    pub request_id: String,
    /// The id of the session, if the client named one.
    pub session_id: Option<String>,
    /// The id of the account, or of the stored chat's owner.
    pub user_id: Option<i64>,
    /// The number of the stored chat.
    pub chat_id: Option<i64>,
    /// The name of the user.
    pub username: String,
    /// Whether the user is a guest.
    pub is_guest: bool,
    /// The name of the API key with which a server has asked.
    pub api_key: Option<String>,
    /// The id of the site whose page the visitor has used.
    pub site: Option<String>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The name of the model that was called.
    pub model: String,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The source of the token counts; `none` if no model was called.
    pub usage_source: String,
    /// The cost in US dollars; `None` if the model's price is not known.
    pub cost_usd: Option<f64>,
    /// The time from the request's arrival to the end of the turn in milliseconds.
    pub latency_ms: f64,
    /// The HTTP status of the response.
    pub status: u16,
    /// The error code of the response.
    pub code: Option<String>,
    /// The reason for the end of the answer.
    #[serde(default)]
    pub finish: String,
    /// The id of the key that has sealed the texts; only with `SESSION_LOG_CONTENT=on`.
    pub content_key: Option<String>,
    /// The sealed texts; only with `SESSION_LOG_CONTENT=on`.
    pub sealed: Option<String>,
    /// The text of the answer; only with `SESSION_LOG_CONTENT=plain`.
    pub answer: Option<String>,
}

/// The fields of a `session_stop` line that the database needs.
#[derive(Clone, Debug, Deserialize)]
pub struct LoggedStop {
    /// The time of the line.
    pub timestamp: Timestamp,
    /// The id of the session; `None` if the client named none.
    pub session_id: Option<String>,
    /// The time from the start to the end in seconds.
    #[serde(default)]
    pub duration_seconds: Option<f64>,
    /// The reason for the end.
    #[serde(default)]
    pub closed_by: String,
    /// The numbers counted by the server.
    #[serde(default)]
    pub server_metrics: Option<LoggedTotals>,
}

/// The numbers of a `session_stop` line that the server has counted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoggedTotals {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The number of tokens in the prompts.
    pub prompt_tokens: u64,
    /// The number of tokens in the answers.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The names of the models that were called.
    pub models: Vec<String>,
}

/// The fields of a `feedback` line that the database needs.
#[derive(Clone, Debug, Deserialize)]
pub struct LoggedRating {
    /// The time of the line.
    pub timestamp: Timestamp,
    /// The id of the turn's request.
    pub request_id: String,
    /// The id of the turn's session.
    pub session_id: Option<String>,
    /// The name of the API key with which a server has asked.
    pub api_key: Option<String>,
    /// The id of the site.
    pub site: Option<String>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The name of the model that was called.
    pub model: String,
    /// The number of the feedback on the turn, from 1.
    pub revision: u32,
    /// The rating.
    pub rating: String,
    /// The rating that this one replaces.
    pub previous_rating: Option<String>,
    /// Whether there is a comment.
    pub has_comment: bool,
    /// The id of the key that has sealed the comment; only with `SESSION_LOG_CONTENT=on`.
    pub content_key: Option<String>,
    /// The sealed comment; only with `SESSION_LOG_CONTENT=on`.
    pub sealed: Option<String>,
    /// The comment; only with `SESSION_LOG_CONTENT=plain`.
    pub comment: Option<String>,
}

/// A line that changes the database.
#[derive(Clone, Debug)]
pub enum LoggedLine {
    /// A turn has ended.
    Turn(Box<LoggedTurn>),
    /// A session has ended.
    Stop(LoggedStop),
    /// The caller of a turn has rated its answer.
    Feedback(LoggedRating),
}

impl LoggedLine {
    /// Parses a line; `None` for events that do not change the database. Fails for a line that was damaged.
    fn parse(stamped: &StampedLine<'_>, line: &[u8]) -> serde_json::Result<Option<Self>> {
        match stamped.event {
            ChatLine::NAME => {
                let mut turn = serde_json::from_slice::<Box<LoggedTurn>>(line)?;
                turn.position = Some(stamped.position);
                Ok(Some(Self::Turn(turn)))
            }
            SessionStop::NAME => serde_json::from_slice(line).map(Self::Stop).map(Some),
            FeedbackLine::NAME => serde_json::from_slice(line).map(Self::Feedback).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the turn that has ended, if any.
    #[must_use]
    pub fn turn(&self) -> Option<&LoggedTurn> {
        if let Self::Turn(turn) = self { Some(turn) } else { None }
    }
}

/// Uncounted lines that follow each other in the log.
#[derive(Debug, Default)]
pub struct UncountedBatch {
    /// The lines that change the database.
    pub lines: Vec<LoggedLine>,
    /// The last counted line of each process in the batch, to be stored together with the lines.
    pub counts: Vec<InstanceCount>,
    /// The lines that are missing among these.
    pub missing: Vec<MissingLines>,
    /// The positions of lines among these that cannot be read.
    pub unreadable: Vec<LogPosition>,
    /// The files in the folder that could not be read. Only the last batch has them.
    pub unread: Vec<PathBuf>,
    /// The number of bytes read so far.
    pub read_bytes: u64,
    /// The number of bytes to read in all.
    pub total_bytes: u64,
}

impl UncountedBatch {
    /// Reads the next lines. Returns the batch, and whether it is the last one.
    fn read(lines: &mut UncountedLines) -> io::Result<(Self, bool)> {
        let mut batch = Self { total_bytes: lines.total_bytes, ..Self::default() };
        let end = lines.read_bytes + BATCH_BYTES;
        let mut is_last = false;
        while !is_last && batch.lines.len() < BATCH_EVENTS && lines.read_bytes < end {
            let add = |stamped: &StampedLine<'_>, line: &[u8], missing| {
                batch.add(stamped, missing);
                match LoggedLine::parse(stamped, line) {
                    Ok(parsed) => batch.lines.extend(parsed),
                    Err(_) => batch.add_unreadable(stamped.position),
                }
            };
            is_last = lines.next(add)?.is_none();
        }
        batch.read_bytes = lines.read_bytes;
        if is_last {
            batch.missing.extend(lines.missing_ends());
            batch.unread = std::mem::take(&mut lines.unread);
        }
        Ok((batch, is_last))
    }

    /// Counts the line that was added last as missing.
    fn add_unreadable(&mut self, position: LogPosition) {
        self.unreadable.push(position);
        if let Some(count) = self.counts.last_mut() {
            count.missing += 1;
        }
    }

    fn add(&mut self, line: &StampedLine<'_>, missing: Option<MissingLines>) {
        let LogPosition { instance, seq } = line.position;
        let chain = line.chain.as_ref().map(|stamped| stamped.chain);
        let missing_lines = missing.and_then(|lines| lines.count).unwrap_or_default();
        self.missing.extend(missing);
        match self.counts.last_mut() {
            Some(count) if count.instance == instance => {
                count.counted = seq;
                count.chain = chain;
                count.missing += missing_lines;
            }
            _ => {
                let missing = missing_lines;
                self.counts.push(InstanceCount { instance, counted: seq, chain, missing, is_complete: false });
            }
        }
    }
}

/// Reads the uncounted lines of a folder in batches, on a thread of its own.
pub(super) fn read_uncounted(
    dir: PathBuf,
    known: CountedLines,
) -> io::Result<mpsc::Receiver<io::Result<UncountedBatch>>> {
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    std::thread::Builder::new().name("log-recovery".to_owned()).spawn(move || {
        let mut lines = match UncountedLines::open(&dir, known) {
            Ok(lines) => lines,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        loop {
            let (batch, is_last) = UncountedBatch::read(&mut lines)
                .map_or_else(|error| (Err(error), true), |(batch, is_last)| (Ok(batch), is_last));
            // The receiver stops reading after a failure of the database.
            if sender.blocking_send(batch).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(batches)
}

/// Returns the positions of the turns in a folder that the database does not hold. Another process may use the folder.
pub fn uncounted_positions(dir: &Path, known: CountedLines) -> io::Result<Vec<LogPosition>> {
    let mut lines = UncountedLines::open(dir, known)?;
    let mut turns = Vec::new();
    while let Some(turn) = lines.next(|line, _, _| (line.event == ChatLine::NAME).then_some(line.position))? {
        turns.extend(turn);
    }
    Ok(turns)
}
