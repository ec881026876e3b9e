//! Limits of usage: each turn is admitted by its visitor's, its address's and the total limits, is reserved in all of them,
//! and settled at what it used.
//!
//! Counts are in memory, so that admission needs no database. `sharing` adds them to the database in the background, and takes
//! from there what other replicas and earlier processes have counted.

mod estimate;
mod events;
mod key_lookups;
mod operation;
mod reservation;
mod sharing;
mod turn_counts;

use std::sync::Arc;

use tokio::sync::mpsc;

pub(super) use self::reservation::Reservation;
use self::{
    estimate::Estimator, events::LimitEvents, key_lookups::KeyLookups, sharing::Reset, turn_counts::TurnCounts,
};
use super::{
    dependencies::Dependencies, failure::TurnFailure, metrics::Metrics, model_calls::ModelAbilities,
    request::TurnRequest,
};
use crate::{
    adapters::storage::{Destination, LIMIT_SECRET, Storage, StorageFailure},
    domain::{
        chat::Message,
        limits::{Asker, LimitKey, LimitReached, MAX_COUNTERS, Standing, UsageLimits},
    },
    foundation::{
        config::{Config, InputLimit},
        outage::StartOutage,
    },
};

/// The bytes as which an image counts in the size of a question, however large it is. What it costs depends on the model, and is
/// counted by the other limits.
const IMAGE_BYTES: usize = 4 << 10;

/// Admits turns by the limits of those who ask.
#[derive(Debug)]
pub(super) struct TurnLimits {
    counts: Arc<TurnCounts>,
    anonymous_input: InputLimit,
    key_lookups: KeyLookups,
    resets: mpsc::Sender<Reset>,
    storage: Storage,
    /// The events that limits are reached; `None` if no events are sent.
    events: Option<LimitEvents>,
    metrics: Arc<Metrics>,
}

impl TurnLimits {
    /// Reads what is used so far, and starts the task that shares the counts. Waits for the end of an outage.
    pub(super) async fn start(
        config: &Config,
        dependencies: &Dependencies,
        abilities: &Arc<ModelAbilities>,
        metrics: &Arc<Metrics>,
        outage: &StartOutage,
    ) -> Result<Self, StorageFailure> {
        let Dependencies { storage, clock, tasks, .. } = dependencies;
        let sends_events = storage.outbox(Destination::Events).is_open();
        let events = sends_events.then(|| LimitEvents::start(storage.clone(), clock.clone(), tasks));
        let secret = outage.wait_out(async || storage.secret(LIMIT_SECRET).await).await?;
        let used = outage.wait_out(async || storage.limit_counts(MAX_COUNTERS).await).await?;
        let usage = UsageLimits::new(config.limits.clone(), &secret);
        sharing::begin(&usage, used, storage.session_time());
        let counts =
            Arc::new(TurnCounts { usage: Arc::new(usage), estimator: Estimator::new(config, Arc::clone(abilities)) });
        let (resets, requested) = mpsc::channel(1);
        tasks.spawn("limits", sharing::run(Arc::clone(&counts), storage.clone(), requested, tasks.stopping()));
        let (storage, metrics) = (storage.clone(), Arc::clone(metrics));
        let (anonymous_input, key_lookups) = (config.limits.anonymous_input, KeyLookups::default());
        Ok(Self { counts, anonymous_input, key_lookups, resets, storage, events, metrics })
    }

    /// Returns the counts, for whatever else is limited beside turns.
    pub(super) fn usage(&self) -> Arc<UsageLimits> {
        Arc::clone(&self.counts.usage)
    }

    /// Returns a key that no other asker has, with hashes instead of addresses. It is the same at all replicas.
    pub(super) fn asker_key(&self, asker: &Asker) -> LimitKey {
        self.counts.usage.asker_key(asker)
    }

    /// Fails if a turn would be refused now.
    pub(super) fn check(&self, asker: &Asker) -> Result<(), TurnFailure> {
        self.counts.usage.check(asker, self.storage.session_time()).map_err(TurnFailure::LimitReached)
    }

    /// Whether the database may be asked whether a request repeats another, although a limit would refuse it. If so, that is
    /// counted.
    pub(super) fn may_look_up(&self, asker: &Asker) -> bool {
        self.key_lookups.admit(asker.address, self.storage.session_time())
    }

    /// Reserves a turn in all scopes, or in none if one refuses it.
    pub(super) fn reserve(&self, request: &TurnRequest, model: &str) -> Result<Reservation, TurnFailure> {
        let most = || self.counts.estimator.most(request, model);
        let reserved = self.counts.usage.reserve(&request.asker, most, self.storage.session_time());
        let reserved = reserved.map_err(TurnFailure::LimitReached)?;
        self.metrics.count_admitted(reserved.scopes());
        Ok(Reservation::new(Arc::clone(&self.counts), reserved))
    }

    /// Reserves the conversation as it is sent, when the model is about to be asked: the history of a stored chat is known only
    /// now. Fails, and counts the refusal, if a limit leaves no room for it. From now on, a turn that ends without a note
    /// counts as reserved.
    pub(super) fn begin_asking(
        &self,
        reservation: &mut Reservation,
        request: &TurnRequest,
        model: &str,
    ) -> Result<(), TurnFailure> {
        let begun = reservation.begin_asking(request, model, self.storage.session_time());
        begun.map_err(|reached| self.count_refusal(TurnFailure::LimitReached(reached), &request.asker))
    }

    /// Fails if the question of an anonymous visitor is too large.
    pub(super) fn check_input(&self, request: &TurnRequest) -> Result<(), TurnFailure> {
        let InputLimit { bytes: limit, is_default } = self.anonymous_input;
        if !request.asker.is_anonymous() || (is_default && request.asker.is_local) {
            return Ok(());
        }
        let size = |message: &Message| message.content.len() + message.images.len() * IMAGE_BYTES;
        let bytes = request.messages.iter().map(size).fold(0, usize::saturating_add);
        if bytes > limit { Err(TurnFailure::InputTooLarge { limit }) } else { Ok(()) }
    }

    /// Returns what is left of the limit that is nearest to its end; `None` if nothing limits whoever asks.
    pub(super) fn nearest(&self, asker: &Asker) -> Option<Standing> {
        self.counts.usage.nearest(asker, self.storage.session_time())
    }

    /// Counts a refusal of whoever asks, and returns its failure.
    pub(super) fn count_refusal(&self, failure: TurnFailure, asker: &Asker) -> TurnFailure {
        if let TurnFailure::LimitReached(reached) = failure {
            let LimitReached { scope, limit, .. } = reached;
            self.metrics.count_limited(scope.as_str(), limit.unit.as_str(), limit.window.as_str());
            if let Some(events) = self.events.as_ref().filter(|_| reached.is_used)
                && let Some(key) = self.counts.usage.key(scope, asker)
            {
                events.note(reached, asker, key, self.storage.session_time());
            }
        }
        failure
    }
}
