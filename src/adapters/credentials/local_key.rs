//! The key that the settings of a provider have, beside Papita's.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{credential::Credential, no_credential::NoCredential};
use crate::foundation::{
    blocking::run_blocking,
    config::{self, KeySource, read_key},
    file_watch::FileWatch,
    secret::ApiKey,
    tasks::Tasks,
};

/// The time between two looks at a file with a key. It is polled, since mounted files send no notifications of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The key that the settings of a provider have: in `OPENAI_API_KEY`, another variable or a file. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct LocalKey(Arc<State>);

#[derive(Debug)]
struct State {
    current: RwLock<Arc<Value>>,
    /// The file that has the key, and is read again when it changes.
    file: Option<PathBuf>,
}

/// The key at one moment.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) credential: Option<Credential>,
    /// The reason why there is no key, if there is none.
    pub(super) absence: NoCredential,
}

impl Value {
    fn of(settings: &config::Credentials, source: &KeySource) -> Self {
        let (key, absence) = match source {
            KeySource::Settings if settings.has_placeholder => (settings.local_key.clone(), NoCredential::Placeholder),
            KeySource::Settings => (settings.local_key.clone(), NoCredential::NotConfigured),
            KeySource::Variable { key, .. } => (key.clone(), NoCredential::VariableWithoutKey),
            KeySource::File { key, .. } => (Some(key.clone()), NoCredential::NotConfigured),
            KeySource::Papita(_) | KeySource::None => (None, NoCredential::NotConfigured),
        };
        Self { credential: key.map(Credential::local), absence }
    }
}

impl LocalKey {
    /// Takes the key that was read with the settings, and starts the task that reads its file again when that changes.
    pub(super) fn start(settings: &config::Credentials, source: &KeySource, tasks: &Tasks) -> Self {
        let file = if let KeySource::File { path, .. } = source { Some(path.clone()) } else { None };
        let this =
            Self(Arc::new(State { current: RwLock::new(Arc::new(Value::of(settings, source))), file: file.clone() }));
        if let Some(file) = file {
            tasks.spawn("key file", this.clone().poll_file(FileWatch::new(file), tasks.stopping()));
        }
        this
    }

    /// Returns the current key.
    pub(super) fn current(&self) -> Arc<Value> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses the key of these settings from now on. Returns the keys before and after.
    pub(super) fn replace(
        &self,
        settings: &config::Credentials,
        source: &KeySource,
    ) -> (Option<ApiKey>, Option<ApiKey>) {
        self.set(Value::of(settings, source))
    }

    fn set(&self, value: Value) -> (Option<ApiKey>, Option<ApiKey>) {
        let key = |value: &Value| value.credential.as_ref().map(|credential| credential.key.clone());
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let change = (key(&current), key(&value));
        *current = Arc::new(value);
        change
    }

    /// Returns another key than a refused one: that of another turn that has read the file since, or what is in the file now.
    pub(super) async fn other_than(&self, refused: &ApiKey) -> Option<Credential> {
        let other = || self.current().credential.clone().filter(|credential| credential.key != *refused);
        if self.0.file.is_none() || other().is_some() {
            return other();
        }
        let this = self.clone();
        run_blocking(move || this.read_file()).await;
        other()
    }

    /// Reads the file again and again until the service stops, and replaces the key after each change.
    async fn poll_file(self, mut watch: FileWatch, stopping: CancellationToken) {
        // It may have changed between the reading of the settings and the start of the watch.
        let this = self.clone();
        if stopping.run_until_cancelled(run_blocking(move || this.read_file())).await.is_none() {
            return;
        }
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let this = self.clone();
            let polling = run_blocking(move || {
                if watch.poll() {
                    this.read_file();
                }
                watch
            });
            // The file may be on a disk that does not respond.
            let Some(Some(polled)) = stopping.run_until_cancelled(polling).await else { return };
            watch = polled;
        }
    }

    fn read_file(&self) {
        let Some(path) = &self.0.file else { return };
        match read_key(path) {
            Ok(key) => {
                let value = Value { credential: Some(Credential::local(key)), absence: NoCredential::NotConfigured };
                let (before, after) = self.set(value);
                if before != after {
                    tracing::info!("the key in {} was read again", path.display());
                }
            }
            Err(error) => {
                tracing::warn!(expected = %error, "the key stays as it was, since that in {} cannot be read", path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::*;
    use crate::foundation::config::{Config, Source};

    #[tokio::test]
    async fn a_key_that_changed_before_the_watch_began_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "sk-new").unwrap();
        let settings = Config::read(&Source::default()).unwrap().credentials;
        let source = KeySource::File { path, key: ApiKey::parse("sk-old").unwrap() };
        let tasks = Tasks::default();
        let local = LocalKey::start(&settings, &source, &tasks);
        let new = ApiKey::parse("sk-new");
        let is_new = || local.current().credential.as_ref().map(|credential| credential.key.clone()) == new;
        let reading = async {
            while !is_new() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), reading).await.unwrap();
    }
}
