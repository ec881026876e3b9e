//! Comparison of a session log with the database, and with what the running service says.
//!
//! The chunks of the files are parsed in parallel (`scan.rs`), and folded one after the other (`fold.rs`) into the same figures
//! as those in the database: sums by process, day, model and error code. Rows of single turns and sessions are compared with
//! their lines on the way (`turn_rows.rs`, `sessions.rs`). Memory grows neither with the lines of the log nor with
//! the stored chats, whose rows are read along with the lines (`chat_rows.rs`).

mod chat_rows;
mod deleted;
mod elsewhere;
mod extent;
mod fold;
mod gaps;
mod outcome;
mod period;
mod processes;
mod scan;
mod served;
mod sessions;
mod sums;
mod task;
mod totals;
mod turn_rows;
mod uncompared;

use std::ops::ControlFlow;

use self::{fold::Fold, scan::scan};
pub use self::{
    outcome::{Day, Difference, Kind, Reconciliation, ServedRange, Source, UnknownProcesses},
    period::Period,
    sums::Sums,
    task::Task,
};
use crate::adapters::{
    log_files::{FindFailure, Reader},
    served_figures::ServedFigures,
};

/// A log that was read, and is to be compared.
#[expect(missing_debug_implementations, reason = "it has all figures of the log")]
pub struct ReadLog<'a>(Fold<'a>);

/// Reads the files of the log. `on_read` is called with each number of bytes that were read. Fails if the system cannot read a
/// file; damage in one is a difference.
pub fn read<'a>(task: &'a Task<'a>, on_read: impl Fn(u64) + Send + Sync) -> Result<ReadLog<'a>, FindFailure> {
    let (mut fold, mut read) = (Fold::new(task), Ok(()));
    let take = |scan| {
        read = fold.add(scan);
        if read.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    Reader::new(task.files).on_read(on_read).for_each(scan, take);
    read.map(|()| ReadLog(fold))
}

impl ReadLog<'_> {
    /// Compares the log. `served` are the figures of the running service after the log was read, if they are compared. Fails if
    /// the database knows none of the processes whose lines are in the files.
    pub fn compare(self, served: Option<&ServedFigures>) -> Result<Reconciliation, UnknownProcesses> {
        self.0.finish(served)
    }
}
