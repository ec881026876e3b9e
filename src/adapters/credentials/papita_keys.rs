//! The cache of Papita's keys: one call to Papita at a time, fresh and stale keys, and known failures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{future::Cache, ops::compute::Op};

use super::{
    cached_key::{CachedCall, CachedKey, CallLifetime, FetchRequest, FetchResult},
    credential::{Credential, KeyLookup},
    papita::{FetchFailure, Papita},
    presence::PapitaPresence,
    retry_pauses::RetryPauses,
};
use crate::foundation::{config, http_client::Client, secret::ApiKey, tasks::Tasks};

/// The cache of Papita's keys. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct PapitaKeys(Arc<State>);

#[derive(Debug)]
struct State {
    papita: Papita,
    /// The name of the key in Papita.
    name: String,
    presence: PapitaPresence,
    /// The time for which a key is used without a call to Papita.
    fresh: Duration,
    /// The times for which failures are remembered.
    pauses: RetryPauses,
    /// At most one key. It is removed when it is too old to be used even as a stale one.
    keys: Cache<(), CachedKey>,
    /// The running calls, and the recent failures.
    calls: Cache<FetchRequest, CachedCall>,
    /// The number of calls so far.
    generation: AtomicU64,
    /// The number of keys that were removed because the provider refused them.
    refusals: AtomicU64,
    /// Whether a background refresh is running.
    is_refreshing: AtomicBool,
    tasks: Tasks,
}

impl PapitaKeys {
    /// `name` is that of the key in Papita.
    pub(super) fn new(
        settings: &config::Credentials,
        name: &str,
        presence: PapitaPresence,
        client: Client,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(State {
            papita: Papita::new(client, &settings.papita_url, settings.papita_timeout, name),
            name: name.to_owned(),
            presence,
            fresh: settings.fresh,
            pauses: RetryPauses::new(settings.retry),
            keys: Cache::builder().max_capacity(1).time_to_live(settings.fresh + settings.stale).build(),
            calls: Cache::builder().max_capacity(1000).expire_after(CallLifetime).build(),
            generation: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            is_refreshing: AtomicBool::new(false),
            tasks,
        }))
    }

    /// Returns what is known about the existence of Papita.
    pub(super) fn presence(&self) -> &PapitaPresence {
        &self.0.presence
    }

    /// Returns the time since the key was fetched; `None` if there is none.
    pub(super) fn key_age(&self) -> Option<Duration> {
        self.0.keys.iter().next().map(|(_, cached)| cached.fetched_at.elapsed())
    }

    /// Whether there is a key, fresh or stale.
    pub(super) async fn has_key(&self) -> bool {
        self.0.keys.get(&()).await.is_some()
    }

    /// Returns the key to use now. Uses `local` where Papita's key is refused or Papita fails.
    pub(super) async fn current(&self, local: Option<&Credential>) -> Result<Credential, FetchFailure> {
        let is_failing = self.0.presence.is_failing();
        if let Some(cached) = self.0.keys.get(&()).await {
            if let (true, Some(local)) = (cached.was_just_refused(), local) {
                return Ok(local.clone());
            }
            if cached.is_stale(self.0.fresh) && !is_failing {
                return Ok(match self.fetch_shared(self.any_key()).await {
                    Ok(fetched) => fetched.found(KeyLookup::Fetched),
                    Err(_) => cached.found(KeyLookup::Failed),
                });
            }
            if cached.needs_refresh(self.0.fresh) {
                self.refresh();
            }
            return Ok(cached.found(KeyLookup::Hit));
        }
        if let (true, Some(local)) = (is_failing, local) {
            self.refresh();
            return Ok(local.clone());
        }
        match (self.fetch_shared(self.any_key()).await, local) {
            (Ok(fetched), _) => Ok(fetched.found(KeyLookup::Fetched)),
            (Err(_), Some(local)) if self.0.presence.is_expected() => Ok(local.clone().found(KeyLookup::Failed)),
            (Err(_), Some(local)) => Ok(local.clone()),
            (Err(failure), None) => Err(failure),
        }
    }

    /// Returns another key than the one that the provider has just refused; `None` if Papita has no other.
    pub(super) async fn replacement(&self, refused: &Credential) -> Option<Credential> {
        self.0.pauses.note_refusal(Instant::now());
        let cached = self.0.keys.get(&()).await;
        match cached {
            // Another turn has fetched the new key in the meantime.
            Some(cached) if cached.credential.key != refused.key => return Some(cached.found(KeyLookup::Hit)),
            // Another turn has found in the meantime that there is no other key.
            Some(cached) if cached.was_just_refused() => return None,
            // Papita had no other key when it was called last. Until it has one, turns go on with this one.
            Some(cached) if cached.refused_until.is_some() => {}
            _ => self.remove_generation(refused.generation).await,
        }
        let request = FetchRequest::KeyOtherThan(refused.key.debug_hash());
        Some(self.fetch_shared(request).await.ok()?.found(KeyLookup::Fetched))
    }

    /// Removes the key of this generation only: a newer key may have arrived in the meantime.
    async fn remove_generation(&self, generation: u64) {
        let remove = |entry: Option<moka::Entry<(), CachedKey>>| {
            let found = entry.is_some_and(|entry| entry.value().credential.generation == generation);
            if found {
                // Turns that find no key now must not share the failure of a call that began before the refusal.
                self.0.refusals.fetch_add(1, Ordering::Relaxed);
            }
            std::future::ready(if found { Op::Remove } else { Op::Nop })
        };
        self.0.keys.entry(()).and_compute_with(remove).await;
    }

    /// Returns the request for any key, after the refusals so far.
    fn any_key(&self) -> FetchRequest {
        FetchRequest::AnyKey(self.0.refusals.load(Ordering::Relaxed))
    }

    /// Calls Papita in the background, unless such a call is running or has just failed.
    fn refresh(&self) {
        if self.0.calls.contains_key(&self.any_key()) || self.0.is_refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        self.0.tasks.spawn("credential refresh", async move {
            // A failure is in the cache of calls.
            let _ = this.fetch_shared(this.any_key()).await;
            this.0.is_refreshing.store(false, Ordering::Release);
        });
    }

    /// Calls Papita, or waits for an equal call that is running. The call has its own task, so that it continues if the
    /// turn that began it ends.
    async fn fetch_shared(&self, request: FetchRequest) -> FetchResult {
        let this = self.clone();
        let fetch = async move {
            let entry = this.0.calls.entry(request.clone()).or_insert_with(this.fetch(&request)).await;
            let is_first = entry.is_fresh();
            let CachedCall { result, .. } = entry.into_value();
            // A key is in the cache of keys; the cache of calls holds only failures.
            if is_first && result.is_ok() {
                this.0.calls.invalidate(&request).await;
            }
            result
        };
        self.0.tasks.run_to_completion("credential fetch", fetch).await.unwrap_or(Err(FetchFailure::Unreachable))
    }

    async fn fetch(&self, request: &FetchRequest) -> CachedCall {
        // A call that has just ended may have fetched a suitable key.
        if let Some(cached) = self.0.keys.get(&()).await
            && self.satisfies(&cached, request)
        {
            return CachedCall { result: Ok(cached), lifetime: Duration::ZERO };
        }
        // Counted before the call: of two calls, the one that began later returns the newer key.
        let generation = self.0.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let fetched = self.0.papita.fetch().await;
        if matches!(fetched, Err(FetchFailure::NoDescriptors)) {
            // This shows nothing about Papita, and may be over in a moment.
            return CachedCall { result: Err(FetchFailure::NoDescriptors), lifetime: Duration::ZERO };
        }
        self.0.presence.record(&self.0.name, fetched.as_ref().err().copied());
        match fetched {
            Ok(key) if *request == FetchRequest::KeyOtherThan(key.debug_hash()) => {
                // The refused key is stored all the same. A provider may refuse by mistake, and without another key, an
                // attempt with this one is better than certain failure.
                let lifetime = self.0.pauses.next();
                self.store(key, generation, Some(Instant::now() + lifetime)).await;
                CachedCall { result: Err(FetchFailure::RefusedKey), lifetime }
            }
            Ok(key) => {
                if matches!(request, FetchRequest::KeyOtherThan(_)) {
                    self.0.pauses.note_other_key();
                }
                CachedCall { result: Ok(self.store(key, generation, None).await), lifetime: Duration::ZERO }
            }
            Err(failure) => CachedCall { result: Err(failure), lifetime: self.0.pauses.next() },
        }
    }

    fn satisfies(&self, cached: &CachedKey, request: &FetchRequest) -> bool {
        match request {
            FetchRequest::AnyKey(_) => !cached.needs_refresh(self.0.fresh),
            FetchRequest::KeyOtherThan(refused) => cached.credential.key.debug_hash() != *refused,
        }
    }

    /// Stores a key unless a newer one is stored. A known refusal of the same key is kept.
    async fn store(&self, key: ApiKey, generation: u64, refused_until: Option<Instant>) -> CachedKey {
        let credential = Credential::from_papita(key, generation);
        let fetched = CachedKey { credential, fetched_at: Instant::now(), refused_until };
        let newest = |entry: Option<moka::Entry<(), CachedKey>>| {
            let known = entry.map(moka::Entry::into_value);
            std::future::ready(known.map_or_else(|| Op::Put(fetched.clone()), |known| merge(known, &fetched)))
        };
        self.0.keys.entry(()).and_compute_with(newest).await;
        fetched
    }
}

/// Returns what becomes of a stored key when another call has returned one.
fn merge(known: CachedKey, fetched: &CachedKey) -> Op<CachedKey> {
    let is_outdated = known.credential.generation > fetched.credential.generation;
    if known.credential.key == fetched.credential.key {
        let refused_until = fetched.refused_until.or(known.refused_until);
        let newest = if is_outdated { known } else { fetched.clone() };
        return Op::Put(CachedKey { refused_until, ..newest });
    }
    if is_outdated { Op::Nop } else { Op::Put(fetched.clone()) }
}
