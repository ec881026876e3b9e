//! Personas: the built-in ones, and those of a folder, which replace them and are read again when the folder changes.

mod folder;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    ffi::OsStr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rust_embed::Embed;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use self::folder::UnreadablePersonas;
use self::folder::{FolderWatch, Texts, read_folder};
use crate::{
    domain::persona::Persona,
    foundation::{blocking::run_blocking, config::Config, tasks::Tasks},
};

/// The built-in personas, one Markdown file each. A file's name without `.md` is the persona's id.
#[derive(Embed)]
#[folder = "personas"]
struct BuiltIn;

/// The id of the persona that answers in the portal.
const PORTAL_PERSONA: &str = "amaya";

/// The time between two reads of the folder. It is polled, since mounted folders send no notifications of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

type PersonasById = BTreeMap<String, Arc<Persona>>;

/// The current personas. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Personas {
    by_id: Arc<RwLock<PersonasById>>,
    dir: Option<PathBuf>,
    demands: Arc<Demands>,
}

/// What the settings demand of the personas.
#[derive(Debug)]
struct Demands {
    /// The id of the persona that answers when a client names none.
    default_id: Option<String>,
    /// The only models that personas may name; empty if they may name any.
    models: Vec<String>,
}

impl Personas {
    /// Loads the built-in personas and those of the folder `dir`, and starts the task that reads the folder again when it
    /// changes. A file with the id of a built-in persona replaces it; an empty file removes it.
    ///
    /// Fails for an unreadable folder, an invalid file, if none has the id of `DEFAULT_PERSONA`, or if one names a model that is
    /// not among those of the configuration file. Failures of later reads are logged and keep the personas.
    pub fn open(config: &Config, tasks: &Tasks) -> Result<Self, UnreadablePersonas> {
        let dir = config.personas_dir.clone();
        let models = config.model.listed.iter().map(|model| model.name.clone()).collect();
        let demands = Demands { default_id: config.default_persona.clone(), models };
        let texts = dir.as_deref().map(read_folder).transpose()?.unwrap_or_default();
        let by_id = Arc::new(RwLock::new(demands.meet(&texts)?));
        let this = Self { by_id, dir: dir.clone(), demands: Arc::new(demands) };
        if let Some(dir) = dir {
            tasks.spawn("personas", this.clone().poll_folder(FolderWatch::new(dir, texts), tasks.stopping()));
        }
        Ok(this)
    }

    /// Returns all personas, sorted by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Persona>> {
        self.read(|personas| personas.values().cloned().collect())
    }

    /// Returns the persona with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Persona>> {
        self.read(|personas| personas.get(id).cloned())
    }

    /// Returns the persona that answers when a client names none; `None` if none is configured.
    #[must_use]
    pub fn default_persona(&self) -> Option<Arc<Persona>> {
        self.demands.default_id.as_deref().and_then(|id| self.get(id))
    }

    /// Returns the portal's persona. If the folder removes it, clients cannot choose it, and the portal uses the built-in
    /// one.
    #[must_use]
    pub fn portal(&self) -> Option<Arc<Persona>> {
        self.get(PORTAL_PERSONA).or_else(|| merge_into_built_in(&Texts::new()).ok()?.remove(PORTAL_PERSONA))
    }

    /// Returns the models that personas are configured to use.
    #[must_use]
    pub fn models(&self) -> BTreeSet<String> {
        self.read(|personas| personas.values().filter_map(|persona| persona.model.clone()).collect())
    }

    fn read<T>(&self, query: impl FnOnce(&PersonasById) -> T) -> T {
        query(&self.by_id.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder at once, without waiting until its files stop changing. A failure is logged and keeps the
    /// personas.
    pub async fn reload(&self) {
        let Some(dir) = self.dir.clone() else { return };
        let this = self.clone();
        let reading = run_blocking(move || match read_folder(&dir) {
            Ok(texts) => this.replace(&texts),
            Err(failure) => warn(&failure),
        });
        reading.await;
    }

    /// Reads the folder again and again until the service stops, and replaces the personas after each change.
    async fn poll_folder(self, mut watch: FolderWatch, stopping: CancellationToken) {
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let this = self.clone();
            let polling = run_blocking(move || {
                this.poll_once(&mut watch);
                watch
            });
            // The folder may be on a disk that does not respond.
            let Some(Some(polled)) = stopping.run_until_cancelled(polling).await else { return };
            watch = polled;
        }
    }

    fn poll_once(&self, watch: &mut FolderWatch) {
        match watch.poll() {
            Ok(Some(texts)) => self.replace(&texts),
            Ok(None) => {}
            Err(failure) => warn(&failure),
        }
    }

    fn replace(&self, texts: &Texts) {
        match self.demands.meet(texts) {
            Ok(personas) => {
                tracing::info!(personas = ?personas.keys().collect::<Vec<_>>(), "the personas were read again");
                *self.by_id.write().unwrap_or_else(PoisonError::into_inner) = personas;
            }
            Err(failure) => warn(&failure),
        }
    }
}

fn warn(failure: &UnreadablePersonas) {
    let cause = failure.source().map(tracing::field::display);
    tracing::warn!(%failure, cause, "the personas stay as they were");
}

/// Returns the texts of the built-in personas.
fn built_in() -> Texts {
    let text = |name: &str| String::from_utf8(BuiltIn::get(name)?.data.into_owned()).ok();
    BuiltIn::iter().filter_map(|name| Some((PathBuf::from(&*name), text(&name)?))).collect()
}

impl Demands {
    /// Returns the personas as [`merge_into_built_in`] does. Fails if they do not meet the demands.
    fn meet(&self, texts: &Texts) -> Result<PersonasById, UnreadablePersonas> {
        let personas = merge_into_built_in(texts)?;
        if let Some(id) = self.default_id.as_ref().filter(|id| !personas.contains_key(*id)) {
            let ids = personas.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(UnreadablePersonas::NoDefault { id: id.clone(), ids });
        }
        let is_unknown = |model: &String| !self.models.is_empty() && !self.models.contains(model);
        match personas.values().find(|persona| persona.model.as_ref().is_some_and(is_unknown)) {
            None => Ok(personas),
            Some(persona) => {
                Err(UnreadablePersonas::UnknownModel { id: persona.id.clone(), models: self.models.join(", ") })
            }
        }
    }
}

/// Parses the built-in personas and those of a folder's files; files replace or remove built-in personas of their id.
fn merge_into_built_in(texts: &Texts) -> Result<PersonasById, UnreadablePersonas> {
    let mut personas = PersonasById::new();
    for (path, text) in built_in().iter().chain(texts) {
        let id = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if text.trim().is_empty() {
            personas.remove(id);
            continue;
        }
        let persona = Persona::parse(id, text).map_err(|error| UnreadablePersonas::Invalid(path.clone(), error))?;
        personas.insert(id.to_owned(), Arc::new(persona));
    }
    Ok(personas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_personas_are_valid_and_amaya_replies_to_all() {
        let personas = merge_into_built_in(&Texts::new()).unwrap();
        assert_eq!(personas.keys().collect::<Vec<_>>(), ["amaya", "assistant"]);
        let amaya = &personas[PORTAL_PERSONA];
        assert_eq!((amaya.max_tokens, amaya.temperature), (Some(200), Some(0.9)));
        assert!(amaya.demo.last().unwrap().words.is_empty());
    }
}
