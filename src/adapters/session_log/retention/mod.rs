//! Retention: files of past days are compressed and deleted.
//!
//! Files are read and written on a blocking thread. Only the last step, which renames or removes a file, is taken by the
//! writer's thread, which owns the files.

mod compressed_copy;
mod failure;
mod file_change;
mod known_file;
mod pace;
mod rename;
mod requests;

pub use self::{failure::RetentionFailure, known_file::KnownFile, pace::Pace};
pub(super) use self::{
    file_change::FileChange,
    rename::{add_ending, complete_all},
};

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::Path};

    use jiff::civil::{Date, date};
    use tokio_util::sync::CancellationToken;

    use super::{
        super::{day_files::DayFiles, files::day_path, folder::LogFolder},
        compressed_copy::CompressedCopy,
        *,
    };
    use crate::foundation::file_access::FileAccess;

    const DAY: Date = date(2026, 1, 1);

    fn opened(dir: &Path) -> DayFiles {
        DayFiles::new(LogFolder::lock(dir, FileAccess::Owner).unwrap(), false)
    }

    fn copied(files: &DayFiles) -> Result<CompressedCopy, RetentionFailure> {
        let source = KnownFile::open(&day_path(&files.folder.dir, DAY), DAY)?;
        CompressedCopy::make(&files.folder.dir, source, FileAccess::Owner, &CancellationToken::new())
    }

    /// Returns the names in a folder, and the text of the day's plain file.
    fn content(dir: &Path) -> (Vec<String>, String) {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names = names.filter(|name| name != ".lock").collect::<Vec<_>>();
        names.sort();
        (names, fs::read_to_string(day_path(dir, DAY)).unwrap_or_default())
    }

    #[test]
    fn a_file_that_is_changed_meanwhile_stays() {
        let append = |path: &Path| fs::File::options().append(true).open(path).unwrap().write_all(b"{}\n").unwrap();
        let replace = |path: &Path| {
            fs::rename(path, path.with_extension("log.1")).unwrap();
            fs::write(path, "{\"new\":0}\n").unwrap();
        };
        let changes: [&dyn Fn(&Path); 3] = [&append, &replace, &|path| fs::remove_file(path).unwrap()];
        for change in changes {
            let dir = tempfile::tempdir().unwrap();
            let mut files = opened(dir.path());
            let path = day_path(dir.path(), DAY);
            fs::write(&path, "{\"old\":0}\n").unwrap();
            let copy = copied(&files).unwrap();
            change(&path);
            let before = content(dir.path());
            let (change, made) = FileChange::Compress(copy).make(&mut files);
            assert!(matches!(made, Err(RetentionFailure::Changed)), "{made:?}");
            drop(change);
            let (mut names, text) = before;
            names.retain(|name| !name.contains(".part"));
            assert_eq!(content(dir.path()), (names, text));
        }
    }

    #[test]
    fn only_a_past_day_in_the_locked_folder_is_changed() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("log");
        let mut files = opened(&dir);
        files.append(DAY, b"{}\n").unwrap();
        let (change, made) = FileChange::Compress(copied(&files).unwrap()).make(&mut files);
        assert!(matches!(made, Err(RetentionFailure::InUse)), "{made:?}");
        drop(change);
        files.append(DAY.tomorrow().unwrap(), b"{}\n").unwrap();
        let copy = copied(&files).unwrap();
        fs::rename(&dir, parent.path().join("moved")).unwrap();
        let (_change, made) = FileChange::Compress(copy).make(&mut files);
        assert!(matches!(made, Err(RetentionFailure::Moved)), "{made:?}");
        assert_eq!(content(&parent.path().join("moved")).1, "{}\n");
    }

    #[test]
    fn a_day_has_the_last_line_until_a_later_one_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = opened(dir.path());
        files.append(DAY, b"{}\n").unwrap();
        // The next day's file cannot be opened.
        let next = DAY.tomorrow().unwrap();
        fs::create_dir(day_path(dir.path(), next)).unwrap();
        files.append(next, b"{}\n").unwrap_err();
        let (_change, made) = FileChange::Compress(copied(&files).unwrap()).make(&mut files);
        assert!(matches!(made, Err(RetentionFailure::InUse)), "{made:?}");
    }

    #[test]
    fn a_late_line_never_follows_compressed_bytes() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"{\"old\":0}\n").unwrap();
        // The second rename has failed, or another program has compressed the file under its name.
        for (ending, bytes) in
            [(".zst", zstd::encode_all(&b"{\"old\":0}\n"[..], 3).unwrap()), (".gz", gzip.finish().unwrap())]
        {
            let dir = tempfile::tempdir().unwrap();
            let mut files = opened(dir.path());
            fs::write(day_path(dir.path(), DAY), &bytes).unwrap();
            files.append(DAY, b"{}\n").unwrap();
            let compressed = format!("session_2026-01-01.log{ending}");
            assert_eq!(fs::read(dir.path().join(&compressed)).unwrap(), bytes);
            assert_eq!(content(dir.path()), (vec!["session_2026-01-01.log".to_owned(), compressed], "{}\n".to_owned()));
        }
    }

    #[test]
    fn a_stop_ends_the_compression_and_removes_the_copy() {
        let dir = tempfile::tempdir().unwrap();
        let files = opened(dir.path());
        fs::write(day_path(dir.path(), DAY), "{}\n").unwrap();
        let stopping = CancellationToken::new();
        stopping.cancel();
        let source = KnownFile::open(&day_path(dir.path(), DAY), DAY).unwrap();
        let copy = CompressedCopy::make(&files.folder.dir, source, FileAccess::Owner, &stopping);
        assert!(matches!(copy, Err(RetentionFailure::Stopped)), "{copy:?}");
        assert_eq!(content(dir.path()), (vec!["session_2026-01-01.log".to_owned()], "{}\n".to_owned()));
    }
}
