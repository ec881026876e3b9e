//! Detects changes of a file, which is polled.

use std::path::PathBuf;

use super::file_identity::FileState;

/// Detects changes of a file between polls.
#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    /// The state at the last poll; `None` without a file.
    last: Option<FileState>,
    /// The state that was there at first, or was reported last.
    reported: Option<FileState>,
}

impl FileWatch {
    /// Watches the file at a path, whose current text is read already.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        let state = FileState::at(&path);
        Self { path, last: state, reported: state }
    }

    /// Returns whether the file has changed and two polls in a row found the same: an editor may leave a file empty for a
    /// moment.
    pub fn poll(&mut self) -> bool {
        let found = FileState::at(&self.path);
        let is_repeated = found == self.last;
        self.last = found;
        let is_new = is_repeated && found != self.reported;
        if is_new {
            self.reported = found;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_reported_after_two_equal_polls() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("al-chat.toml");
        let mut watch = FileWatch::new(path.clone());
        assert!(!watch.poll());
        fs::write(&path, "a").unwrap();
        assert_eq!([watch.poll(), watch.poll(), watch.poll()], [false, true, false]);
        // An editor writes another file and renames it.
        fs::write(dir.path().join("new"), "b").unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!([watch.poll(), watch.poll(), watch.poll()], [false, true, false]);
        fs::remove_file(&path).unwrap();
        assert_eq!([watch.poll(), watch.poll(), watch.poll()], [false, true, false]);
    }
}
