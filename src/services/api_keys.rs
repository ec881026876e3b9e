//! The API keys of servers, in memory: no request asks the database whether its key is valid.
//!
//! A task reads all keys once a second. So a revoked key is refused, and a new one accepted, about a second later, and a made-up
//! key costs no look-up. While the database cannot be read, the keys stay as they are known.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::storage::{Storage, StorageFailure, StoredApiKey},
    domain::{
        api_key::ApiKeyHash,
        tenant::{ApiKeyTerms, Tenant, TenantName},
    },
    foundation::{
        clock::Clock,
        config::{self, LimitList},
        error_chain::ErrorChain,
        tasks::Tasks,
    },
};

/// The time between two reads of the keys.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two writes of a key's last use, in microseconds.
const USE_INTERVAL: i64 = 60_000_000;

/// The reason why a key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedApiKey {
    /// This server has no such key.
    #[error("there is no such API key")]
    Unknown,
    /// The key was revoked.
    #[error("the API key was revoked")]
    Revoked,
}

/// The API keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    clock: Clock,
    known: RwLock<Arc<KnownKeys>>,
}

/// All keys, as they were read.
#[derive(Debug, Default)]
struct KnownKeys {
    /// The rows, without the last uses.
    rows: Vec<StoredApiKey>,
    by_hash: HashMap<ApiKeyHash, KnownKey>,
}

#[derive(Debug)]
struct KnownKey {
    terms: Arc<ApiKeyTerms>,
    is_revoked: bool,
    uses: Arc<Uses>,
}

/// The last use of a key here, in microseconds since 1970; 0 before the first one.
#[derive(Debug, Default)]
struct Uses {
    last: AtomicI64,
    written: AtomicI64,
}

impl ApiKeys {
    /// Reads the keys, and starts the task that reads them again.
    pub async fn start(storage: Storage, clock: Clock, tasks: &Tasks) -> Result<Self, StorageFailure> {
        let known = RwLock::new(Arc::new(KnownKeys::new(rows(&storage).await?, &KnownKeys::default())));
        let this = Self(Arc::new(Inner { storage, clock, known }));
        tasks.spawn("API keys", this.clone().run(tasks.stopping()));
        Ok(this)
    }

    /// Returns what a key may do, and notes its use.
    pub fn authenticate(&self, key: &str) -> Result<Arc<ApiKeyTerms>, RefusedApiKey> {
        let known = self.known();
        let key = known.by_hash.get(&ApiKeyHash::of(key)).ok_or(RefusedApiKey::Unknown)?;
        if key.is_revoked {
            return Err(RefusedApiKey::Revoked);
        }
        key.uses.last.fetch_max(self.0.clock.now().as_microsecond(), Ordering::Relaxed);
        Ok(Arc::clone(&key.terms))
    }

    /// Returns the keys that are valid, for their limits.
    #[must_use]
    pub fn tenants(&self) -> Vec<Tenant> {
        let known = self.known();
        let valid = known.by_hash.values().filter(|key| !key.is_revoked);
        valid.map(|key| Tenant::Key(Arc::clone(&key.terms))).collect()
    }

    fn known(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn run(self, stopping: CancellationToken) {
        let mut was_read = true;
        while stopping.run_until_cancelled(sleep(READ_INTERVAL)).await.is_some() {
            let outcome = self.read().await;
            if outcome.is_ok() {
                // What is not written now is written later.
                let _ = self.write_uses(USE_INTERVAL).await;
            }
            match outcome {
                Err(failure) if was_read => {
                    tracing::warn!(
                        failure = %ErrorChain(&failure),
                        "the API keys cannot be read again; a key that is revoked now stays valid until they can"
                    );
                    was_read = false;
                }
                outcome => was_read = outcome.is_ok(),
            }
        }
        // What is not written is lost: it is for people only.
        let _ = self.write_uses(0).await;
    }

    async fn read(&self) -> Result<(), StorageFailure> {
        let rows = rows(&self.0.storage).await?;
        let known = self.known();
        if rows != known.rows {
            let known = Arc::new(KnownKeys::new(rows, &known));
            *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        }
        Ok(())
    }

    /// Writes last uses to the database, of each key that was used at least so many microseconds after what was written last.
    async fn write_uses(&self, interval: i64) -> Result<(), StorageFailure> {
        for KnownKey { terms, uses, .. } in self.known().by_hash.values() {
            let (last, written) = (uses.last.load(Ordering::Relaxed), uses.written.load(Ordering::Relaxed));
            if last > written && last - written >= interval {
                let at = Timestamp::from_microsecond(last).unwrap_or(Timestamp::UNIX_EPOCH);
                self.0.storage.note_api_key_use(terms.name, at).await?;
                uses.written.store(last, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl KnownKeys {
    /// Reads rows. Uses that are not written yet are taken from the keys as they were known.
    fn new(rows: Vec<StoredApiKey>, before: &Self) -> Self {
        let by_hash = rows.iter().filter_map(|row| {
            let Some((hash, terms)) = ApiKeyHash::parse(&row.hash).zip(terms(row)) else {
                tracing::error!(
                    name = row.name,
                    "an API key has limits, a name or a hash in the database that cannot be read, and is refused; revoke it, and make another"
                );
                return None;
            };
            let uses = before.by_hash.get(&hash).map(|key| Arc::clone(&key.uses)).unwrap_or_default();
            Some((hash, KnownKey { terms: Arc::new(terms), is_revoked: row.revoked_at.is_some(), uses }))
        });
        Self { by_hash: by_hash.collect(), rows }
    }
}

/// Returns the rows of the database without what changes with each use.
async fn rows(storage: &Storage) -> Result<Vec<StoredApiKey>, StorageFailure> {
    let rows = storage.api_keys().await?;
    Ok(rows.into_iter().map(|row| StoredApiKey { last_used_at: None, ..row }).collect())
}

/// Returns what a key may do; `None` if its row cannot be read.
fn terms(row: &StoredApiKey) -> Option<ApiKeyTerms> {
    let limits = row.limits.as_deref().map(LimitList::parse).transpose().ok()?;
    let models = row.models.as_deref().map(|models| config::list(models).map(str::to_owned).collect());
    Some(ApiKeyTerms { name: TenantName::parse(&row.name)?, limits, models })
}
