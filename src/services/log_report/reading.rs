//! Reads the files of a report.
//!
//! Each chunk of a file is folded on its own thread, and the folds are joined in the order of the log, so that a report does
//! not depend on the number of threads.

use std::{
    ops::ControlFlow,
    sync::{Mutex, PoisonError},
};

use super::{
    query::Query,
    repeated::{Repeated, Runs},
    report::Report,
};
use crate::adapters::log_files::{LineEnd, LogFile, Reader};

/// Reads the files and returns their report. `on_read` is called with each number of bytes that were read. Lines that are in the log
/// more than once are counted once.
pub fn report(files: &[LogFile], query: &Query, on_read: impl Fn(u64) + Send + Sync) -> Report {
    if files.iter().any(|file| file.length.is_none()) {
        return report_in_one_pass(files, query, on_read, || true);
    }
    let (report, repeated) = read_all(files, query, on_read);
    if repeated.lines().is_empty() { report } else { read_without(files, query, &repeated) }
}

/// Reports all lines, and finds those that are repeated.
fn read_all(files: &[LogFile], query: &Query, on_read: impl Fn(u64) + Send + Sync) -> (Report, Repeated) {
    let (mut report, mut repeated) = (Report::new(query), Repeated::default());
    Reader::new(files).on_read(on_read).for_each(
        |chunk| {
            let mut runs = Runs::default();
            let report = Report::of_chunk(chunk, query, |position, line| {
                runs.add(position, line);
                false
            });
            (report, chunk.file_index, runs)
        },
        |(next, file_index, runs)| {
            report.append(next);
            repeated.add(file_index, &runs);
            ControlFlow::Continue(())
        },
    );
    (report, repeated)
}

/// Reads files again and reports their lines without those that are known to be repeated.
fn read_without(files: &[LogFile], query: &Query, repeated: &Repeated) -> Report {
    let mut report = Report::new(query);
    Reader::new(files).for_each(
        |chunk| Report::of_chunk(chunk, query, |_, line| repeated.contains(chunk.file_index, line)),
        |next| {
            report.append(next);
            ControlFlow::Continue(())
        },
    );
    report.add_repeated(repeated);
    report
}

/// Reports files as [`report`](fn@report) does, but on this thread only and in one pass: chunk by chunk, so that all lines before
/// are known. So it suits pipes, which cannot be read again, and a process that needs its processors for something else. Ends early when
/// the report is not wanted any more; it is incomplete then.
pub(super) fn report_in_one_pass(
    files: &[LogFile],
    query: &Query,
    on_read: impl Fn(u64) + Send + Sync,
    is_wanted: impl Fn() -> bool + Sync,
) -> Report {
    let (mut report, repeated) = (Report::new(query), Mutex::new(Repeated::default()));
    Reader::new(files).on_read(on_read).on_this_thread().for_each(
        |chunk| {
            let mut repeated = repeated.lock().unwrap_or_else(PoisonError::into_inner);
            Report::of_chunk(chunk, query, |position, line| repeated.add_line(chunk.file_index, position, line))
        },
        |next| {
            report.append(next);
            if is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    report.add_repeated(&repeated.into_inner().unwrap_or_else(PoisonError::into_inner));
    report
}

/// Reads the lines of files on this thread, in their order, and calls a function for each, or with `None` where a file cannot be read
/// further. Ends early when they are not wanted any more.
pub(super) fn each_line(
    files: &[LogFile],
    is_wanted: impl Fn() -> bool + Sync,
    on_line: impl FnMut(Option<(&[u8], LineEnd)>) + Send,
) {
    let on_line = Mutex::new(on_line);
    Reader::new(files).on_this_thread().for_each(
        |chunk| {
            let mut on_line = on_line.lock().unwrap_or_else(PoisonError::into_inner);
            chunk.lines().for_each(|line| on_line(Some((line.bytes, line.end))));
            if chunk.failure.is_some() {
                on_line(None);
            }
        },
        |()| if is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) },
    );
}
