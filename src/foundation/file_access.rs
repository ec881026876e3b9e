//! Who may use the files that hold conversations and secrets: the database, the session log, locks and backups.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The permissions of the files that are made. Files that exist keep theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// The user that runs al-chat reads and writes: 0600, folders 0700.
    #[default]
    Owner,
    /// Its group reads, too, as far as the umask allows: 0640, folders 0750.
    GroupReads,
}

impl FileAccess {
    /// The access of this mode, as `chmod` has it: `0600` or `0640`.
    #[must_use]
    pub fn parse(mode: &str) -> Option<Self> {
        match mode {
            "0600" | "600" => Some(Self::Owner),
            "0640" | "640" => Some(Self::GroupReads),
            _ => None,
        }
    }

    /// Options that make a file with these permissions.
    #[must_use]
    pub fn open_options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.file_mode());
        options
    }

    /// Makes a folder, and those it is in, unless they exist.
    pub fn create_folder(self, folder: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.folder_mode());
        builder.recursive(true).create(folder)
    }

    /// Those of these files and folders that more people may use than this allows. Missing ones are not among them.
    pub fn wider_among(self, paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        paths.into_iter().filter(|path| self.is_wider(path)).collect()
    }

    /// What `chmod` takes from a file or a folder, so that it allows no more than this.
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
    fn only_wider_files_and_folders_are_found() {
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
