//! The sites that embed the chat window, and the limits of the configuration file. Both are read again when the file changes.
//!
//! Visitors of a site prove by a ticket that they have come by one of its pages. The operator can pause a site.

mod checked;
mod named_parts;
mod pauses;
mod pausing;
mod site_visit;
mod ticket_rate;
mod tickets;
mod visits;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

pub use self::{
    checked::CheckedSites,
    pauses::OperatorPauses,
    site_visit::{NewTicket, RequestingPage, SiteVisit, TicketRefusal},
    tickets::{BadTicket, TICKET_PREFIX, TicketPage},
};
use self::{named_parts::NamedParts, pauses::Pausable, ticket_rate::TicketRate, tickets::Tickets};
use crate::{
    domain::tenant::{PausedBy, Site, SitePause, Tenant, TenantName},
    foundation::{
        blocking::run_blocking,
        clock::Clock,
        config::{AllowedOrigin, Config, ConfigFile, FileSettings, Limits, SiteSettings},
        file_watch::FileWatch,
        secret::SigningSecret,
        tasks::Tasks,
    },
};

/// The time between two looks at the file, and at the pauses that other replicas have stored. The file is polled, since mounted
/// files send no notifications of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

type SitesById = BTreeMap<TenantName, Arc<Site>>;

/// The sites, and the limits of the configuration file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sites(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: ConfigFile,
    named: NamedParts,
    current: watch::Sender<Current>,
    pauses: OperatorPauses,
    tickets: Tickets,
    ticket_rate: TicketRate,
}

/// What the file said when it was read last.
#[derive(Clone, Debug)]
struct Current {
    limits: Limits,
    sites: Arc<SitesById>,
    origins: Arc<[AllowedOrigin]>,
}

impl Current {
    /// Sites that were there before keep their pauses, by which running turns are stopped.
    fn new(limits: Limits, sites: Vec<SiteSettings>, before: &SitesById, pauses: &OperatorPauses) -> Self {
        let origins = sites.iter().flat_map(|site| site.origins.iter().cloned()).collect();
        let site = |settings: SiteSettings| {
            let id = settings.id;
            let pause = match before.get(&id) {
                Some(site) => Arc::clone(&site.pause),
                None => {
                    Arc::new(SitePause::new(PausedBy { file: false, operator: pauses.contain(Pausable::Site(id)) }))
                }
            };
            pause.set_by_file(settings.paused);
            (id, Arc::new(Site { settings, pause }))
        };
        Self { limits, sites: Arc::new(sites.into_iter().map(site).collect()), origins }
    }
}

impl Sites {
    /// Takes the sites that were read with the settings, and starts the task that reads the file again when it changes. `secret`
    /// signs tickets; `pauses` are those of the operator.
    #[must_use]
    pub fn open(
        config: &Config,
        checked: CheckedSites,
        secret: &SigningSecret,
        pauses: OperatorPauses,
        clock: Clock,
        tasks: &Tasks,
    ) -> Self {
        let current = Current::new(config.limits.clone(), config.sites.clone(), &SitesById::new(), &pauses);
        let this = Self(Arc::new(Inner {
            file: config.config_file.clone(),
            named: checked.named,
            current: watch::Sender::new(current),
            pauses,
            tickets: Tickets::new(secret, clock),
            ticket_rate: TicketRate::new(),
        }));
        tasks.spawn("sites", this.clone().poll(checked.watch, tasks.stopping()));
        this
    }

    /// Whether there is a site, so that visitors need tickets.
    #[must_use]
    pub fn exist(&self) -> bool {
        !self.0.current.borrow().sites.is_empty()
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
        run_blocking(move || this.read_again()).await;
    }

    /// Reads the file again after each change, and takes over the pauses of other replicas, until the service stops.
    async fn poll(self, mut watch: FileWatch, stopping: CancellationToken) {
        let mut is_failing = false;
        while stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_some() {
            let this = self.clone();
            let polling = run_blocking(move || {
                if watch.poll() {
                    this.read_again();
                }
                watch
            });
            // The file may be on a disk that does not respond.
            let Some(Some(polled)) = stopping.run_until_cancelled(polling).await else { return };
            watch = polled;
            if stopping.run_until_cancelled(self.take_over_pauses(&mut is_failing)).await.is_none() {
                return;
            }
        }
    }

    fn read_again(&self) {
        let Inner { file, named, current, pauses, .. } = &*self.0;
        let read = file.read_again().and_then(|read| named.check(&file.path, &read.sites).map(|()| read));
        match read {
            Ok(FileSettings { limits, sites, has_other_servers }) => {
                let ids = sites.iter().map(|site| site.id.to_string()).collect::<Vec<_>>();
                let before = Arc::clone(&current.borrow().sites);
                current.send_replace(Current::new(limits, sites, &before, pauses));
                tracing::info!(sites = ?ids, "{} was read again", file.path.display());
                if has_other_servers {
                    tracing::warn!(
                        "other providers or models in {} are used after the next start; until then, those of this start are",
                        file.path.display()
                    );
                }
            }
            Err(failure) => {
                tracing::warn!(%failure, "limits and sites stay as they were, since the configuration file has mistakes");
            }
        }
    }
}
