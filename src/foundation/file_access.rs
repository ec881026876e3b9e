//! Permissions of the files that hold conversations and secrets: database, session log, lock files and backups.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The permissions of files that the service creates (`FILE_MODE`). Existing files are not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// The user that runs the service can read and write: 0600, folders 0700.
    #[default]
    Owner,
    /// The user's group can read as well, if the umask allows it: 0640, folders 0750.
    GroupReads,
}

impl FileAccess {
    /// Parses a file mode in octal digits. Returns `None` for any but `0600` and `0640`, with or without the zero.
    #[must_use]
    pub fn parse(mode: &str) -> Option<Self> {
        match mode {
            "0600" | "600" => Some(Self::Owner),
            "0640" | "640" => Some(Self::GroupReads),
            _ => None,
        }
    }

    /// Returns options that create a file with these permissions.
    #[must_use]
    pub fn open_options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.file_mode());
        options
    }

    /// Creates a folder and its missing parents with these permissions.
    pub fn create_folder(self, folder: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.folder_mode());
        builder.recursive(true).create(folder)
    }

    /// Returns the files and folders among `paths` whose permissions are wider than these. Missing files are skipped.
    pub fn wider_among(self, paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        paths.into_iter().filter(|path| self.is_wider(path)).collect()
    }

    /// Returns the argument for `chmod` that removes all wider permissions from a file or folder.
    #[must_use]
    pub fn chmod(self) -> &'static str {
        match self {
            Self::Owner => "go-rwx",
            Self::GroupReads => "g-w,o-rwx",
        }
    }

    #[cfg(unix)]
    fn is_wider(self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let allowed = |is_folder| if is_folder { self.folder_mode() } else { self.file_mode() };
        fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 & !allowed(data.is_dir()) != 0)
    }

    #[cfg(not(unix))]
    fn is_wider(self, _: &Path) -> bool {
        false
    }

    #[cfg(unix)]
    fn file_mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::GroupReads => 0o640,
        }
    }

    #[cfg(unix)]
    fn folder_mode(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::GroupReads => 0o750,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_and_folders_with_wider_modes_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = |mode| {
            let path = dir.path().join(format!("{mode:o}"));
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let folder = |mode| {
            let path = dir.path().join(format!("folder-{mode:o}"));
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let files = [0o400, 0o600, 0o640, 0o644, 0o660, 0o601].map(file);
        let folders = [0o700, 0o750, 0o755, 0o770].map(folder);
        let missing = dir.path().join("missing");
        let all = || files.iter().chain(&folders).chain([&missing]).cloned();
        let names = |wide: Vec<PathBuf>| {
            let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            wide.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(FileAccess::Owner.wider_among(all())),
            ["640", "644", "660", "601", "folder-750", "folder-755", "folder-770"]
        );
        assert_eq!(names(FileAccess::GroupReads.wider_among(all())), ["644", "660", "601", "folder-755", "folder-770"]);
    }
}
