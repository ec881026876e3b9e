//! Reads the Markdown files of the personas' folder, and detects when they have changed.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::domain::persona::InvalidPersona;

/// The maximum size of a persona's file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The reason why the personas of a folder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePersonas {
    /// The folder or one of its files cannot be read.
    #[error("{} cannot be read; PERSONAS_DIR must be a folder of .md files that this process may read", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A file is too large.
    #[error("{} is larger than 1 MiB; is it a persona?", .0.display())]
    TooLarge(PathBuf),
    /// No persona has the id that `DEFAULT_PERSONA` names.
    #[error("DEFAULT_PERSONA names the persona {id}, which does not exist; there are {ids}")]
    NoDefault {
        /// The id.
        id: String,
        /// The ids of all personas.
        ids: String,
    },
    /// A persona names a model that the configuration file does not list.
    #[error("the persona {id} names a model that is not among those of [[models]] in the configuration file: {models}")]
    UnknownModel {
        /// The id of the persona.
        id: String,
        /// The names of the models.
        models: String,
    },
    /// A file does not define a persona.
    #[error("{} is not a persona", .0.display())]
    Invalid(PathBuf, #[source] InvalidPersona),
}

/// The texts of a folder's Markdown files, by path. They are few and short, so that whole texts can be compared to detect
/// changes.
pub(super) type Texts = BTreeMap<PathBuf, String>;

/// Detects changes of a folder between polls.
pub(super) struct FolderWatch {
    dir: PathBuf,
    /// The result of the last poll: the files' texts, or the message of the failure.
    last: Result<Texts, String>,
    /// The texts that were loaded or returned by [`FolderWatch::poll`] last.
    reported: Texts,
}

impl FolderWatch {
    /// Watches the folder `dir`, whose current `texts` are loaded already.
    pub(super) fn new(dir: PathBuf, texts: Texts) -> Self {
        Self { dir, last: Ok(texts.clone()), reported: texts }
    }

    /// Reads the folder. Returns its texts when they have changed and two polls in a row found the same: an editor may
    /// leave a file empty for a moment, and files that belong together are saved one after the other. A failure is
    /// returned by the first of the polls that have it.
    pub(super) fn poll(&mut self) -> Result<Option<Texts>, UnreadablePersonas> {
        let (found, failure) = match read_folder(&self.dir) {
            Ok(texts) => (Ok(texts), None),
            Err(failure) => (Err(failure.to_string()), Some(failure)),
        };
        let is_repeated = found == self.last;
        self.last = found;
        match failure {
            Some(failure) if !is_repeated => Err(failure),
            _ => Ok(self.report_change(is_repeated)),
        }
    }

    fn report_change(&mut self, is_repeated: bool) -> Option<Texts> {
        let texts = self.last.as_ref().ok().filter(|texts| is_repeated && **texts != self.reported)?;
        self.reported.clone_from(texts);
        Some(texts.clone())
    }
}

/// Reads a folder's Markdown files. Hidden files are left out, since editors keep unfinished texts in them.
pub(super) fn read_folder(dir: &Path) -> Result<Texts, UnreadablePersonas> {
    let unreadable = |error| UnreadablePersonas::Io(dir.to_owned(), error);
    let mut texts = Texts::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension() == Some(OsStr::new("md")) {
            let text = read_file(&path)?;
            texts.insert(path, text);
        }
    }
    Ok(texts)
}

fn read_file(path: &Path) -> Result<String, UnreadablePersonas> {
    let unreadable = |error| UnreadablePersonas::Io(path.to_owned(), error);
    // Reading a pipe would wait for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES { Err(UnreadablePersonas::TooLarge(path.to_owned())) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_reported_after_two_equal_polls() {
        let dir = tempfile::tempdir().unwrap();
        let save = |text: &str| fs::write(dir.path().join("eva.md"), text).unwrap();
        let mut watch = FolderWatch::new(dir.path().to_owned(), Texts::new());
        let mut change = || watch.poll().ok().flatten();
        save("");
        assert_eq!(change(), None);
        save("Eva");
        assert_eq!(change(), None);
        let texts = change().expect("a change");
        assert_eq!(texts.values().collect::<Vec<_>>(), ["Eva"]);
        assert_eq!(change(), None);
        // An unreadable folder changes nothing.
        fs::rename(dir.path(), dir.path().with_extension("away")).unwrap();
        assert_eq!((change(), change()), (None, None));
        fs::rename(dir.path().with_extension("away"), dir.path()).unwrap();
        assert_eq!((change(), change()), (None, None));
        save("Eve");
        assert_eq!((change(), change().map(|texts| texts.len())), (None, Some(1)));
    }
}
