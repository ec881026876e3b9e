//! The lines `log_deleted` of a log, each of which declares that the service deletes a file.

use std::{borrow::Cow, fs::File, io, path::Path};

use jiff::civil::Date;
use serde::Deserialize;

use super::{appended::AppendedLines, find::list_in, log_file::LogFile};
use crate::{domain::log_stamp, foundation::compression::Compression};

/// The name of the event.
const EVENT: &str = "log_deleted";

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
}

/// Returns whether a log declares a file of a day deleted, in the files that may have been written since the log was listed: those
/// that are new or have another length, and the last one.
pub(super) fn is_declared(day: Date, folder: &Path, listed: &[LogFile]) -> bool {
    let mut files = list_in(folder).unwrap_or_default();
    files.retain(|file| file.compression == Compression::None && file.length.is_some());
    let last = files.pop();
    let is_unchanged = |file: &LogFile| listed.iter().any(|it| it.path == file.path && it.length == file.length);
    files.retain(|file| !is_unchanged(file));
    // A file that cannot be read declares nothing.
    files.iter().chain(&last).any(|file| has_declaration(&file.path, day).unwrap_or_default())
}

fn has_declaration(path: &Path, day: Date) -> io::Result<bool> {
    let mut is_found = false;
    AppendedLines::new(File::open(path)?, 0)?.read(|line, _, _| {
        is_found = is_found || declared_day(line) == Some(day);
    })?;
    Ok(is_found)
}

/// Returns the day of the file that a line declares deleted.
fn declared_day(line: &[u8]) -> Option<Date> {
    log_stamp::parse(line).filter(|stamped| stamped.event == EVENT)?;
    let line = serde_json::from_slice::<Line<'_>>(line).ok()?;
    LogFile::new(line.file.as_ref().into(), None).date
}
