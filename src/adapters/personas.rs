//! The door to the personas: those that are compiled in, and over them those of a folder, read again when it changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    ffi::OsStr,
    fs,
    io::{self, Read},
    panic,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{select, task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::persona::{InvalidPersona, Persona},
    foundation::tasks::Tasks,
};

/// Those that are always there, by name and file.
const BUILT_IN: [(&str, &str); 2] =
    [(PORTAL, include_str!("../../personas/amaya.md")), ("assistant", include_str!("../../personas/assistant.md"))];

/// Who speaks in the portal.
const PORTAL: &str = "amaya";

/// How often the folder is looked at. Asked for rather than told of: mounted folders tell of nothing.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Largest file of a persona, in bytes.
const LARGEST: u64 = 1 << 20;

/// The personas cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePersonas {
    /// The folder, or a file of it.
    #[error("{} cannot be read; PERSONAS_DIR must be a folder of .md files that this process may read", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A file is too large.
    #[error("{} is larger than 1 MiB; is it a persona?", .0.display())]
    TooLarge(PathBuf),
    /// A file is none of a persona.
    #[error("{} is not a persona", .0.display())]
    Invalid(PathBuf, #[source] InvalidPersona),
}

type ByName = BTreeMap<String, Arc<Persona>>;

/// The texts of a folder's files. They are few and short, so that they themselves tell whether anything has changed.
type Texts = BTreeMap<PathBuf, String>;

/// Who can speak. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Personas {
    by_name: Arc<RwLock<ByName>>,
    dir: Option<PathBuf>,
}

impl Personas {
    /// The built-in personas, with those of this folder over them: a file of the same name takes the place of a built-in
    /// one, an empty file takes it away. What cannot be read now is a failure; later, the personas stay as they were.
    pub fn open(dir: Option<PathBuf>, tasks: &Tasks) -> Result<Self, UnreadablePersonas> {
        let texts = dir.as_deref().map(texts_of).transpose()?.unwrap_or_default();
        let this = Self { by_name: Arc::new(RwLock::new(over_built_in(&texts)?)), dir: dir.clone() };
        if let Some(dir) = dir {
            tasks.spawn("personas", this.clone().reread(dir, texts, tasks.stopping()));
        }
        Ok(this)
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Persona>> {
        self.by_name(|personas| personas.values().cloned().collect())
    }

    /// The persona of this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Persona>> {
        self.by_name(|personas| personas.get(id).cloned())
    }

    /// The portal's persona. Where the folder takes her away, nobody else can ask for her, and she is the built-in one.
    #[must_use]
    pub fn portal(&self) -> Option<Arc<Persona>> {
        self.get(PORTAL).or_else(|| over_built_in(&Texts::new()).ok()?.remove(PORTAL))
    }

    /// The models that speak for personas now.
    #[must_use]
    pub fn models(&self) -> BTreeSet<String> {
        self.by_name(|personas| personas.values().filter_map(|persona| persona.model.clone()).collect())
    }

    fn by_name<T>(&self, look: impl FnOnce(&ByName) -> T) -> T {
        look(&self.by_name.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder again now, without waiting for a change to settle. What cannot be read leaves the personas as they
    /// were, with a warning.
    pub async fn reload(&self) {
        let Some(dir) = self.dir.clone() else { return };
        let this = self.clone();
        let reading = spawn_blocking(move || match texts_of(&dir) {
            Ok(texts) => this.take_up(&texts),
            Err(failure) => warn(&failure),
        });
        if let Err(died) = reading.await {
            panic::resume_unwind(died.into_panic());
        }
    }

    /// Reads the folder again whenever it changes, as long as the service runs.
    async fn reread(self, dir: PathBuf, texts: Texts, stopping: CancellationToken) {
        let mut folder = Folder { dir, seen: Ok(texts.clone()), taken: texts };
        loop {
            select! {
                () = sleep(POLL_INTERVAL) => {}
                () = stopping.cancelled() => return,
            }
            let this = self.clone();
            let looking = spawn_blocking(move || {
                this.look(&mut folder);
                folder
            });
            folder = select! {
                looked = looking => looked.unwrap_or_else(|died| panic::resume_unwind(died.into_panic())),
                // A folder may be on a disk that doesn't answer.
                () = stopping.cancelled() => return,
            };
        }
    }

    fn look(&self, folder: &mut Folder) {
        if let Some(texts) = folder.change() {
            self.take_up(&texts);
        }
    }

    fn take_up(&self, texts: &Texts) {
        match over_built_in(texts) {
            Ok(personas) => {
                tracing::info!(personas = ?personas.keys().collect::<Vec<_>>(), "the personas were read again");
                *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = personas;
            }
            Err(failure) => warn(&failure),
        }
    }
}

/// A folder that is looked at again and again.
struct Folder {
    dir: PathBuf,
    /// What the last look found, or why it found nothing.
    seen: Result<Texts, String>,
    /// What was taken up last.
    taken: Texts,
}

impl Folder {
    /// The texts, if they have changed and then been the same in two looks: a file that is being saved is empty for a
    /// moment, and files that belong together come one after the other.
    fn change(&mut self) -> Option<Texts> {
        let found = texts_of(&self.dir).map_err(|failure| {
            let told = failure.to_string();
            if self.seen.as_ref() != Err(&told) {
                warn(&failure);
            }
            told
        });
        let is_settled = found == self.seen;
        self.seen = found;
        let texts = self.seen.as_ref().ok().filter(|texts| is_settled && **texts != self.taken)?;
        self.taken.clone_from(texts);
        Some(texts.clone())
    }
}

fn warn(failure: &UnreadablePersonas) {
    let cause = failure.source().map(tracing::field::display);
    tracing::warn!(%failure, cause, "the personas stay as they were");
}

/// The texts of the folder's Markdown files; hidden ones are those that editors are at work on.
fn texts_of(dir: &Path) -> Result<Texts, UnreadablePersonas> {
    let unreadable = |error| UnreadablePersonas::Io(dir.to_owned(), error);
    let mut texts = Texts::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension() == Some(OsStr::new("md")) {
            let text = text_of(&path)?;
            texts.insert(path, text);
        }
    }
    Ok(texts)
}

fn text_of(path: &Path) -> Result<String, UnreadablePersonas> {
    let unreadable = |error| UnreadablePersonas::Io(path.to_owned(), error);
    // Reading a pipe would wait for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST { Err(UnreadablePersonas::TooLarge(path.to_owned())) } else { Ok(text) }
}

/// The built-in personas, with those of these files over them.
fn over_built_in(texts: &Texts) -> Result<ByName, UnreadablePersonas> {
    let mut personas = ByName::new();
    let built_in = BUILT_IN.map(|(id, text)| (Path::new(id), text));
    for (path, text) in built_in.into_iter().chain(texts.iter().map(|(path, text)| (path.as_path(), text.as_str()))) {
        let id = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if text.trim().is_empty() {
            personas.remove(id);
            continue;
        }
        let persona = Persona::parse(id, text).map_err(|error| UnreadablePersonas::Invalid(path.to_owned(), error))?;
        personas.insert(id.to_owned(), Arc::new(persona));
    }
    Ok(personas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_personas_can_be_read_and_amaya_has_an_answer_to_everything() {
        let personas = over_built_in(&Texts::new()).unwrap();
        assert_eq!(personas.keys().collect::<Vec<_>>(), ["amaya", "assistant"]);
        let amaya = &personas[PORTAL];
        assert_eq!((amaya.max_tokens, amaya.temperature), (Some(200), Some(0.9)));
        assert!(amaya.demo.last().unwrap().words.is_empty());
    }

    #[test]
    fn what_is_being_saved_is_taken_up_when_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let save = |text: &str| fs::write(dir.path().join("eva.md"), text).unwrap();
        let mut folder = Folder { dir: dir.path().to_owned(), seen: Ok(Texts::new()), taken: Texts::new() };
        save("");
        assert_eq!(folder.change(), None);
        save("Eva");
        assert_eq!(folder.change(), None);
        let texts = folder.change().expect("a change");
        assert_eq!(texts.values().collect::<Vec<_>>(), ["Eva"]);
        assert_eq!(folder.change(), None);
        // A moment in which nothing can be read changes nothing.
        fs::rename(dir.path(), dir.path().with_extension("away")).unwrap();
        assert_eq!((folder.change(), folder.change()), (None, None));
        fs::rename(dir.path().with_extension("away"), dir.path()).unwrap();
        assert_eq!((folder.change(), folder.change()), (None, None));
        save("Eve");
        assert_eq!((folder.change(), folder.change().map(|texts| texts.len())), (None, Some(1)));
    }
}
