//! The session log: one line of JSON for each turn, session and start of the service, in one file a day,
//! `session_YYYY-MM-DD.log`.
//!
//! One thread owns the files. A caller sends it lines and waits until they are written, so that a line that was
//! acknowledged survives `kill -9`. Lines that arrive together are written together.

mod day_files;
mod event;
mod failure;
mod files;
mod folder;
mod handle;
mod lines;
mod open_file;
mod open_streams;
mod previous;
mod queue;
mod reader;
mod refusals;
mod retention;
mod stamp;
mod texts;
mod uncounted_file;
mod uncounted_lines;
mod writer;

pub use self::{
    event::{
        CallLine, ChatLine, DeletedRun, Event, FeedbackLine, Handover, LogDeleted, LogGap, Metric, PreviousInstance,
        RefusalLine, ServerMetrics, ServiceStart, ServiceStop, SessionMetrics, SessionStart, SessionStop, milliseconds,
    },
    failure::{LogOpenFailure, LogUnavailable, outage_of},
    files::{day_path, files, id_of, is_in_use},
    handle::SessionLog,
    lines::Lines,
    open_streams::{InterruptedStream, InterruptedStreams},
    reader::{LoggedLine, LoggedRating, LoggedStop, LoggedTurn, UncountedBatch, uncounted_positions},
    refusals::{Refusal, RefusalKind},
    retention::{KnownFile, Pace, RetentionFailure},
    stamp::Stamper,
    texts::{CommentText, Texts},
    uncounted_lines::MissingLines,
};
