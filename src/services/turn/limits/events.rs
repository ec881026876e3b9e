//! Events that a limit is reached: at most one for each count, limit and window, and few for visitors and addresses together.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use moka::sync::Cache;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{
        hooks::{self, BudgetSpent, LimitReachedData},
        storage::{NewEvent, Storage},
    },
    domain::{
        limits::{Asker, LimitKey, LimitReached, LimitScope, window_end},
        tenant::TenantName,
    },
    foundation::{clock::Clock, error_chain::ErrorChain, tasks::Tasks},
};

/// The number of events that wait for the database. Beyond that, the next refusal makes the event.
const QUEUE: usize = 256;

/// The number of limits whose events are remembered. The database recognizes those that are forgotten here.
const REMEMBERED: u64 = 10_000;

/// The most events about visitors and addresses in an hour at one replica: whoever makes up visitors must not flood the
/// receiver.
const MAX_PER_HOUR: u32 = 100;

const HOUR_SECONDS: i64 = 3600;

/// The pause after a failure of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes the events that limits are reached. No turn waits for them.
#[derive(Debug)]
pub(super) struct LimitEvents {
    clock: Clock,
    queue: mpsc::Sender<NewEvent>,
    /// The limits in windows that have their event.
    reported: Cache<String, ()>,
    of_this_hour: Mutex<HourCount>,
}

/// The number of events about visitors and addresses in the hour that goes on.
#[derive(Debug, Default)]
struct HourCount {
    hour: i64,
    events: u32,
}

impl LimitEvents {
    /// Starts the task that stores the events.
    pub(super) fn start(storage: Storage, clock: Clock, tasks: &Tasks) -> Self {
        let (queue, events) = mpsc::channel(QUEUE);
        tasks.spawn("limit events", store_events(storage, events, tasks.stopping()));
        let reported = Cache::builder().max_capacity(REMEMBERED).time_to_live(Duration::from_hours(24)).build();
        Self { clock, queue, reported, of_this_hour: Mutex::default() }
    }

    /// Notes that a limit has refused a turn, as its amount is used up. `key` is the count of the limit, `now` the time by which
    /// limits count.
    pub(super) fn note(&self, reached: LimitReached, asker: &Asker, key: LimitKey, now: Timestamp) {
        let ends_at = window_end(reached.limit.window, now);
        let mark = format!("limit {key} {} {}", reached.limit, ends_at.as_second());
        if self.reported.contains_key(&mark) || !self.may_report(reached.scope, now) {
            return;
        }
        let Some(body) = self.encode(reached, asker, key) else { return };
        let lasts = Duration::from_secs(u64::from(reached.limit.window.seconds())) * 2;
        let event = NewEvent { key: hooks::limit_key(&mark), body, mark: mark.clone(), lasts };
        if self.queue.try_send(event).is_ok() {
            self.reported.insert(mark, ());
        }
    }

    /// Counts an event, and returns whether it is sent.
    fn may_report(&self, scope: LimitScope, now: Timestamp) -> bool {
        if !matches!(scope, LimitScope::Visitor | LimitScope::Address) {
            return true;
        }
        let hour = now.as_second().div_euclid(HOUR_SECONDS);
        let mut count = self.of_this_hour.lock().unwrap_or_else(PoisonError::into_inner);
        if count.hour != hour {
            *count = HourCount { hour, events: 0 };
        }
        count.events = count.events.saturating_add(1);
        if count.events == MAX_PER_HOUR + 1 {
            tracing::warn!(
                "more than {MAX_PER_HOUR} limits of visitors and addresses are reached in this hour; further ones have no event"
            );
        }
        count.events <= MAX_PER_HOUR
    }

    fn encode(&self, reached: LimitReached, asker: &Asker, key: LimitKey) -> Option<String> {
        let now = self.clock.now();
        let resets_at = self.clock.rfc3339(now.checked_add(reached.wait).unwrap_or(now));
        let data = LimitReachedData {
            scope: reached.scope.as_str(),
            count_id: &key.to_string(),
            limit: &reached.limit.to_string(),
            unit: reached.limit.unit.as_str(),
            window: reached.limit.window.as_str(),
            site: asker.site().map(|site| site.settings.id.as_str()),
            api_key: asker.api_key().map(TenantName::as_str),
            resets_at: &resets_at,
        };
        let timestamp = self.clock.rfc3339(now);
        if reached.is_spent_budget() {
            hooks::encode(&timestamp, &BudgetSpent(data))
        } else {
            hooks::encode(&timestamp, &data)
        }
    }
}

/// Stores events until the token is cancelled, and then those that wait.
async fn store_events(storage: Storage, mut events: mpsc::Receiver<NewEvent>, stopping: CancellationToken) {
    loop {
        let next = stopping.run_until_cancelled(events.recv()).await;
        // After the stop, those that wait.
        let Some(event) = next.unwrap_or_else(|| events.try_recv().ok()) else { return };
        while let Err(failure) = storage.queue_event_once(&event).await {
            tracing::warn!(failure = %ErrorChain(&failure), "an event about a limit cannot be stored yet");
            if stopping.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }
}
