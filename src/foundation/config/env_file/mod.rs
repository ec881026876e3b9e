//! Reading of the `.env` file into assignments.
//!
//! `dotenvy` is not used here: it replaces `$NAME`, which damages keys that contain a `$`, refuses unquoted blanks, and stops
//! at the first line that it cannot parse, even if that line belongs to another program.

mod lines;

use std::path::Path;

pub(super) use self::lines::{Assignment, MalformedLine};
use super::text_file::{self, UnreadableFile};

/// Reads the assignments of the file at `path`; none if the file is missing. `is_setting` says which names are settings: other
/// variables may have values of several lines, and may be malformed.
pub(super) fn read(path: &Path, is_setting: impl Fn(&str) -> bool) -> Result<Vec<Assignment>, UnreadableFile> {
    match text_file::read(path) {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        text => Ok(lines::assignments(&text?, is_setting)),
    }
}
