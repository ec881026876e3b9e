//! Verification of session logs: whether each line is there, once, unchanged and at its place, by `instance`, `seq` and
//! `chain`.
//!
//! The chunks of the files are scanned in parallel (`scan.rs`). Lines that fit each other become one run, so that an undamaged
//! log of any length is one run of each process, and memory grows with the damage only. The runs are then compared with each
//! other and with what each start says about the process before.

mod check;
mod claim;
mod comparison;
mod damage;
mod declaration;
mod declared;
mod finding;
mod keys;
mod known_end;
mod log;
mod logs;
mod notes;
mod open_lines;
mod place;
mod process;
mod report;
mod run;
mod scan;
mod task;
mod unstamped;
mod verification;
mod walk;

use std::ops::ControlFlow;

pub use self::{
    damage::{Damage, DamageKind},
    process::ProcessSummary,
    task::{Expected, Task},
    verification::{LastLine, Verification},
};
use self::{keys::Keys, logs::Logs, scan::scan, task::ExpectedLines};
use crate::adapters::log_files::Reader;

/// Verifies files. `on_read` is called with the number of bytes that were read.
#[must_use]
pub fn verify(task: &Task<'_>, on_read: impl Fn(u64) + Send + Sync) -> Verification {
    let keys = Keys::new(task.secrets);
    let expected = ExpectedLines::new(task.expected);
    let mut logs = Logs::new(task, keys.clone());
    let take = |scan| {
        logs.add(scan);
        ControlFlow::Continue(())
    };
    Reader::new(task.files).on_read(on_read).for_each(|chunk| scan(chunk, keys.clone(), &expected), take);
    logs.finish()
}
