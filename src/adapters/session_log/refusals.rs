//! Refused requests for turns, as samples and counts that are written to the log.
//!
//! Of many refused requests at once, the first ones of each error code in a second are lines of their own. The others are
//! counted, and each second has one line for each kind of them. So the number of lines a second is bounded, and the sum of
//! their `count` is exact. While the log cannot be written, the counts grow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, civil};
use tokio::time::Instant;

use super::{
    event::{RefusalLine, milliseconds},
    lines::Lines,
};
use crate::{
    domain::{account::OwnerId, chat::Caller, session::SessionId, tenant::TenantName},
    foundation::clock::Clock,
};

/// The number of lines of their own that the requests refused with one code get in an interval.
const LINES_PER_CODE: u32 = 5;

/// The time for which refused requests are counted before the count is written.
const INTERVAL: Duration = Duration::from_secs(1);

/// The endpoint and the site of a refused request, and its response. Requests of a kind are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusalKind {
    /// The method and the path of the endpoint, as in the contract.
    pub endpoint: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    /// The error code of the response.
    pub code: &'static str,
    /// The site whose page the visitor has used; `None` without a valid ticket.
    pub site: Option<TenantName>,
}

/// A refused request, as far as it is known.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The id of the request.
    pub request_id: String,
    /// The session that the client names.
    pub session_id: Option<SessionId>,
    /// The person who asks.
    pub caller: Option<Caller>,
    /// The name of the API key with which a server asks.
    pub api_key: Option<TenantName>,
    /// The time from the request to its refusal.
    pub latency: Duration,
}

/// Refused requests that are not in the log yet. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingRefusals(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    refusals: Refusals,
    /// The begin of the interval; `None` if no request was refused since the last one.
    since: Option<Instant>,
    /// The number of lines of each code in the interval.
    sampled: BTreeMap<&'static str, u32>,
    is_closed: bool,
}

/// Refused requests to be written.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    lines: Vec<Sample>,
    counts: Counts,
}

/// A refused request with a line of its own.
#[derive(Debug)]
struct Sample {
    kind: RefusalKind,
    at: Timestamp,
    refusal: Refusal,
}

/// The numbers of refused requests of each kind, and the time of the first one.
type Counts = BTreeMap<RefusalKind, (u64, Timestamp)>;

/// Lines of one day.
pub(super) struct RefusalBatch {
    pub(super) lines: Lines,
    /// The number of the requests for which they stand.
    pub(super) counts: Counts,
}

impl PendingRefusals {
    /// Adds a request that was refused at `at`. `refusal` returns it for a line of its own. Returns whether the writer has to be
    /// woken.
    pub(super) fn note(&self, kind: RefusalKind, at: Timestamp, refusal: impl FnOnce() -> Refusal) -> bool {
        let mut pending = self.pending();
        if pending.is_closed {
            return false;
        }
        let was_awake = !pending.refusals.lines.is_empty();
        if pending.takes_sample(kind.code) {
            pending.refusals.lines.push(Sample { kind, at, refusal: refusal() });
            return !was_awake;
        }
        let was_empty = !was_awake && pending.refusals.counts.is_empty();
        add(&mut pending.refusals.counts, kind, 1, at);
        was_empty
    }

    /// Returns the time at which something is to be written; `None` if there is nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let pending = self.pending();
        match (&pending.refusals, pending.since) {
            (Refusals { lines, .. }, _) if !lines.is_empty() => Some(Instant::now()),
            (Refusals { counts, .. }, Some(since)) if !counts.is_empty() => Some(since + INTERVAL),
            _ => None,
        }
    }

    /// Removes and returns what is due: the samples, and after each interval the counts; `all` returns everything.
    pub(super) fn take(&self, all: bool) -> Refusals {
        let mut pending = self.pending();
        if all || pending.is_over() {
            pending.begin_interval(None);
            return std::mem::take(&mut pending.refusals);
        }
        Refusals { lines: std::mem::take(&mut pending.refusals.lines), counts: Counts::new() }
    }

    /// Counts requests that could not be written.
    pub(super) fn count_again(&self, counts: Counts) {
        let mut pending = self.pending();
        pending.since.get_or_insert_with(Instant::now);
        for (kind, (count, since)) in counts {
            add(&mut pending.refusals.counts, kind, count, since);
        }
    }

    /// Drops all requests from now on.
    pub(super) fn close(&self) {
        let mut pending = self.pending();
        pending.is_closed = true;
        pending.refusals = Refusals::default();
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Returns whether a request with this code gets a line of its own, and counts that line.
    fn takes_sample(&mut self, code: &'static str) -> bool {
        // What an interval that is over has left is written first, so that it is bounded while nothing can be written.
        let is_empty = self.refusals.lines.is_empty() && self.refusals.counts.is_empty();
        if self.since.is_none() || (self.is_over() && is_empty) {
            self.begin_interval(Some(Instant::now()));
        }
        let sampled = self.sampled.entry(code).or_default();
        let is_sample = *sampled < LINES_PER_CODE;
        *sampled += u32::from(is_sample);
        is_sample
    }

    fn is_over(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= INTERVAL)
    }

    fn begin_interval(&mut self, since: Option<Instant>) {
        self.since = since;
        self.sampled.clear();
    }
}

impl Refusals {
    /// Returns the lines, those of one day together.
    pub(super) fn batches(self, clock: &Clock) -> Vec<RefusalBatch> {
        let dated = |sample: Sample| (clock.local(sample.at), sample);
        let samples = self.lines.into_iter().map(dated).collect::<Vec<_>>();
        let samples = samples.chunk_by(|((_, date), _), ((_, next), _)| date == next);
        let mut batches = samples.map(batch_of_samples).collect::<Vec<_>>();
        if !self.counts.is_empty() {
            batches.push(batch_of_counts(self.counts, clock));
        }
        batches
    }
}

/// Returns the lines of samples of one day, which are not empty.
fn batch_of_samples(samples: &[((String, civil::Date), Sample)]) -> RefusalBatch {
    let ((_, date), _) = samples[0];
    let mut lines = Lines::new(String::new(), date);
    let mut counts = Counts::new();
    for ((timestamp, _), Sample { kind, at, refusal }) in samples {
        let caller = refusal.caller.as_ref();
        lines.set_timestamp(timestamp.clone());
        lines.add(&RefusalLine {
            request_id: Some(&refusal.request_id),
            session_id: refusal.session_id.as_ref().map(SessionId::as_str),
            user_id: caller.and_then(|caller| caller.account).map(|OwnerId(id)| id),
            username: caller.map(|caller| caller.username.as_str()),
            is_guest: caller.map(|caller| caller.is_guest),
            api_key: refusal.api_key.as_ref().map(TenantName::as_str),
            latency_ms: Some(milliseconds(refusal.latency)),
            ..line_of_kind(kind, 1)
        });
        add(&mut counts, *kind, 1, *at);
    }
    RefusalBatch { lines, counts }
}

fn batch_of_counts(counts: Counts, clock: &Clock) -> RefusalBatch {
    let (timestamp, date) = clock.local(clock.now());
    let mut lines = Lines::new(timestamp, date);
    for (kind, (count, since)) in &counts {
        let since = clock.rfc3339(*since);
        lines.add(&RefusalLine { since: Some(&since), ..line_of_kind(kind, *count) });
    }
    RefusalBatch { lines, counts }
}

/// Returns the line that stands for a number of requests of a kind.
fn line_of_kind(kind: &RefusalKind, count: u64) -> RefusalLine<'_> {
    RefusalLine {
        request_id: None,
        session_id: None,
        user_id: None,
        username: None,
        is_guest: None,
        api_key: None,
        site: kind.site.as_ref().map(TenantName::as_str),
        endpoint: kind.endpoint,
        status: kind.status,
        code: kind.code,
        latency_ms: None,
        count,
        since: None,
    }
}

fn add(counts: &mut Counts, kind: RefusalKind, count: u64, since: Timestamp) {
    let (known, first) = counts.entry(kind).or_insert((0, since));
    *known += count;
    *first = since.min(*first);
}
