//! The door to the personas: those that are compiled in, and over them those of a folder, read again when it changes.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tokio::{select, task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    persona::{InvalidPersona, Persona},
    tasks::Tasks,
};

/// Those that are always there, by name and file.
const BUILT_IN: [(&str, &str); 2] =
    [(PORTAL, include_str!("../personas/amaya.md")), ("assistant", include_str!("../personas/assistant.md"))];

/// Who speaks in the portal.
const PORTAL: &str = "amaya";

/// How often the folder is looked at. Asked for rather than told of: mounted folders tell of nothing.
const LOOK: Duration = Duration::from_secs(1);

/// The personas cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePersonas {
    /// The folder, or a file of it.
    #[error("the personas in {} cannot be read; PERSONAS_DIR must be a folder of .md files", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A file is none of a persona.
    #[error("{} is not a persona", .0.display())]
    Invalid(PathBuf, #[source] InvalidPersona),
}

type ByName = BTreeMap<String, Arc<Persona>>;

/// Who can speak. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Personas(Arc<RwLock<ByName>>);

/// The files of a folder, with what changes when they do.
type Files = BTreeMap<PathBuf, (SystemTime, u64)>;

impl Personas {
    /// The built-in personas, with those of this folder over them: a file of the same name takes the place of a built-in
    /// one, an empty file takes it away. What cannot be read at the start ends it; later, the personas stay as they were.
    pub fn open(dir: Option<PathBuf>, tasks: &Tasks) -> Result<Self, UnreadablePersonas> {
        let built_in = built_in()?;
        let Some(dir) = dir else { return Ok(Self(Arc::new(RwLock::new(built_in)))) };
        let files = files_of(&dir)?;
        let this = Self(Arc::new(RwLock::new(read(&files)?)));
        tasks.spawn("personas", this.clone().reread(dir, files, tasks.stopping()));
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

    /// The portal's persona. Where the folder takes her away, nobody can ask for her, and the portal has the built-in one.
    #[must_use]
    pub fn portal(&self) -> Option<Arc<Persona>> {
        self.get(PORTAL).or_else(|| built_in().ok()?.remove(PORTAL))
    }

    fn by_name<T>(&self, look: impl FnOnce(&ByName) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder again whenever it changes, as long as the service runs.
    async fn reread(self, dir: PathBuf, files: Files, stopping: CancellationToken) {
        let mut known = Some(files);
        loop {
            select! {
                () = sleep(LOOK) => {}
                () = stopping.cancelled() => return,
            }
            let (this, dir) = (self.clone(), dir.clone());
            // A folder may be on a disk that doesn't answer.
            let looked = spawn_blocking(move || this.look(&dir, known)).await;
            let Ok(found) = looked else { return };
            known = found;
        }
    }

    /// Looks whether the folder is as it is known; nothing is known of one that cannot be looked at. Returns how it is
    /// found.
    fn look(&self, dir: &Path, known: Option<Files>) -> Option<Files> {
        let files = files_of(dir);
        let found = files.as_ref().ok().cloned();
        if found.is_some() && found == known {
            return known;
        }
        match files.and_then(|files| read(&files)) {
            Ok(personas) => {
                tracing::info!(personas = ?personas.keys().collect::<Vec<_>>(), "the personas were read again");
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = personas;
            }
            // Told once: until something changes again, this is known.
            Err(failure) if found != known => {
                let cause = std::error::Error::source(&failure).map(tracing::field::display);
                tracing::warn!(%failure, cause, "the personas stay as they were");
            }
            Err(_) => {}
        }
        found
    }
}

fn built_in() -> Result<ByName, UnreadablePersonas> {
    BUILT_IN.into_iter().map(|(id, text)| parse(id, text, Path::new(id))).collect()
}

fn parse(id: &str, text: &str, path: &Path) -> Result<(String, Arc<Persona>), UnreadablePersonas> {
    let persona = Persona::parse(id, text).map_err(|error| UnreadablePersonas::Invalid(path.to_owned(), error))?;
    Ok((id.to_owned(), Arc::new(persona)))
}

/// The Markdown files of a folder; hidden ones are those that editors are at work on.
fn files_of(dir: &Path) -> Result<Files, UnreadablePersonas> {
    let unreadable = |error| UnreadablePersonas::Io(dir.to_owned(), error);
    let mut files = Files::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden || path.extension() != Some(OsStr::new("md")) {
            continue;
        }
        let metadata = fs::metadata(&path).map_err(unreadable)?;
        files.insert(path, (metadata.modified().map_err(unreadable)?, metadata.len()));
    }
    Ok(files)
}

/// The built-in personas, with those of these files over them.
fn read(files: &Files) -> Result<ByName, UnreadablePersonas> {
    let mut personas = built_in()?;
    for path in files.keys() {
        let text = fs::read_to_string(path).map_err(|error| UnreadablePersonas::Io(path.clone(), error))?;
        let id = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if text.trim().is_empty() {
            personas.remove(id);
        } else {
            personas.extend([parse(id, &text, path)?]);
        }
    }
    Ok(personas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_personas_can_be_read() {
        let personas = built_in().unwrap();
        assert_eq!(personas.keys().collect::<Vec<_>>(), ["amaya", "assistant"]);
        let amaya = &personas[PORTAL];
        assert_eq!((amaya.max_tokens, amaya.temperature), (Some(200), Some(0.9)));
    }
}
