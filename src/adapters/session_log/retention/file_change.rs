//! The last step of a compression or deletion, which the writer's thread takes.

use std::fs;

use jiff::civil::Date;

use super::{
    super::day_files::DayFiles,
    compressed_copy::CompressedCopy,
    failure::RetentionFailure,
    known_file::KnownFile,
    rename::{complete_rename, put_in_place},
};

/// A change of a file that the writer's thread makes.
#[derive(Debug)]
pub(in super::super) enum FileChange {
    /// A day's file is replaced by its compressed copy.
    Compress(CompressedCopy),
    /// A compressed file gets its name, which a failure has kept from it.
    CompleteRename(Date),
    /// A file is deleted.
    Delete(KnownFile),
}

impl FileChange {
    /// Makes the change. Returns this, so that the thread that waits for it closes the files: the system frees the space of
    /// a large file only then, which takes time.
    pub(in super::super) fn make(self, files: &mut DayFiles) -> (Self, Result<(), RetentionFailure>) {
        let made = match &self {
            Self::Compress(copy) => files
                .ensure_changeable(copy.source())
                .and_then(|()| Ok(put_in_place(&files.folder.dir, copy.date(), copy.path())?)),
            Self::CompleteRename(date) => complete_rename(&files.folder.dir, *date).map_err(RetentionFailure::from),
            Self::Delete(file) => files.ensure_changeable(file).and_then(|()| Ok(fs::remove_file(file.path())?)),
        };
        (self, made)
    }
}
