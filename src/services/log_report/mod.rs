//! Reports over session logs: one pass over the lines, in memory that does not grow with their number.
//!
//! Each chunk of a file is folded on its own thread, and the folds are joined in the order of the log, so that a report does
//! not depend on the number of threads.

mod counts;
mod damage;
mod distinct;
mod fields;
mod figures;
mod groups;
mod histogram;
mod line_parser;
mod quantiles;
mod query;
mod report;
mod service;
mod sessions;
mod summary;
mod tallies;

use std::ops::ControlFlow;

pub use self::{
    damage::{Damage, DamageKind},
    figures::is_unpriced,
    histogram::Bucket,
    query::{GroupBy, Query},
    report::Report,
    service::ServiceSummary,
    sessions::{LongSession, OpenSession},
    summary::{Accuracy, Group, Named, Percentiles, RefusalSummary, SessionSummary, Summary, TurnSummary},
    tallies::Tally,
};
use crate::adapters::log_files::{LogFile, Reader};

/// Reads the files and returns their report. `on_read` is called with each number of bytes that were read.
pub fn report(files: &[LogFile], query: &Query, on_read: impl Fn(u64) + Send + Sync) -> Report {
    let mut report = Report::default();
    Reader::new(files).on_read(on_read).for_each(
        |chunk| Report::of_chunk(chunk, query),
        |next| {
            report.append(next);
            ControlFlow::Continue(())
        },
    );
    report
}
