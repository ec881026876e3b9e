//! The sites that embed the chat window, and the limits of the configuration file. Both are read again when the file changes.

mod file_watch;
mod named_parts;

use std::{
    collections::BTreeMap,
    panic,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use self::file_watch::FileWatch;
pub use self::named_parts::NamedParts;
use crate::{
    adapters::personas::Personas,
    domain::tenant::{Site, Tenant, TenantName},
    foundation::{
        config::{AllowedOrigin, Config, ConfigFile, FileSettings, InvalidConfigFile, Limits, SiteSettings},
        tasks::Tasks,
    },
};

/// The time between two looks at the file. It is polled, since mounted files send no notifications of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The sites, and the limits of the configuration file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sites(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: ConfigFile,
    named: NamedParts,
    watch: Mutex<FileWatch>,
    current: watch::Sender<Current>,
}

/// What the file said when it was read last.
#[derive(Clone, Debug)]
struct Current {
    limits: Limits,
    sites: Arc<BTreeMap<TenantName, Arc<Site>>>,
    origins: Arc<[AllowedOrigin]>,
}

impl Current {
    fn new(limits: Limits, sites: Vec<SiteSettings>) -> Self {
        let origins = sites.iter().flat_map(|site| site.origins.iter().cloned()).collect();
        let sites = sites.into_iter().map(|settings| (settings.id, Arc::new(Site { settings })));
        Self { limits, sites: Arc::new(sites.collect()), origins }
    }
}

impl Sites {
    /// Takes the sites that were read with the settings, and starts the task that reads the file again when it changes. Fails
    /// if a site names a persona or a model that there is not.
    pub fn open(config: &Config, personas: &Personas, tasks: &Tasks) -> Result<Self, InvalidConfigFile> {
        // Before the check, so that a change since the file was read is noticed at the next poll at the latest.
        let watch = Mutex::new(FileWatch::new(config.config_file.path.clone()));
        let named = NamedParts::new(&config.model, personas.clone());
        named.check(&config.config_file.path, &config.sites)?;
        let (current, _) = watch::channel(Current::new(config.limits.clone(), config.sites.clone()));
        let this = Self(Arc::new(Inner { file: config.config_file.clone(), named, watch, current }));
        tasks.spawn("sites", this.clone().poll(tasks.stopping()));
        Ok(this)
    }

    /// Returns the site with an id.
    #[must_use]
    pub fn get(&self, id: TenantName) -> Option<Arc<Site>> {
        self.0.current.borrow().sites.get(&id).cloned()
    }

    /// Returns all sites, sorted by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Site>> {
        self.0.current.borrow().sites.values().cloned().collect()
    }

    /// Returns all sites as tenants.
    #[must_use]
    pub fn tenants(&self) -> Vec<Tenant> {
        self.all().into_iter().map(Tenant::Site).collect()
    }

    /// Returns the origins of all sites.
    #[must_use]
    pub fn origins(&self) -> Arc<[AllowedOrigin]> {
        Arc::clone(&self.0.current.borrow().origins)
    }

    /// Calls `replace` with the limits whenever the file was read again, until the service stops.
    pub async fn follow_limits(self, replace: impl Fn(Limits), stopping: CancellationToken) {
        let mut current = self.0.current.subscribe();
        while let Some(Ok(())) = stopping.run_until_cancelled(current.changed()).await {
            let limits = current.borrow_and_update().limits.clone();
            replace(limits);
        }
    }

    /// Reads the file at once, without waiting until it stops changing. A mistake is logged, and keeps what was read before.
    pub async fn reload(&self) {
        let this = self.clone();
        if let Err(died) = spawn_blocking(move || this.read_again()).await {
            panic::resume_unwind(died.into_panic());
        }
    }

    /// Reads the file again after each change, until the service stops.
    async fn poll(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let this = self.clone();
            let polling = spawn_blocking(move || {
                let has_changed = this.0.watch.lock().unwrap_or_else(PoisonError::into_inner).poll();
                if has_changed {
                    this.read_again();
                }
            });
            // The file may be on a disk that does not respond.
            match stopping.run_until_cancelled(polling).await {
                Some(Ok(())) => {}
                Some(Err(died)) => panic::resume_unwind(died.into_panic()),
                None => return,
            }
        }
    }

    fn read_again(&self) {
        let Inner { file, named, current, .. } = &*self.0;
        let read = file.read_again().and_then(|read| named.check(&file.path, &read.sites).map(|()| read));
        match read {
            Ok(FileSettings { limits, sites }) => {
                let ids = sites.iter().map(|site| site.id.to_string()).collect::<Vec<_>>();
                current.send_replace(Current::new(limits, sites));
                tracing::info!(sites = ?ids, "{} was read again", file.path.display());
            }
            Err(failure) => {
                tracing::warn!(%failure, "limits and sites stay as they were, since the configuration file has mistakes");
            }
        }
    }
}
