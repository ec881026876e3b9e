//! The session log lines of a stop, and its event: the client's metrics, and what the server measured.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    adapters::{
        hooks::{SessionEnded, SessionTotals},
        session_log::{Lines, Metric, ServerMetrics, SessionLog, SessionMetrics, SessionStop, milliseconds},
        storage::{SessionStatistics, StoppedSession},
    },
    domain::{cost::dollars, session::ClosedBy},
};

/// The maximum number of client metrics that get a `metric` line of their own. The `session_stop` line has all of them.
const MAX_METRIC_LINES: usize = 100;

/// Returns the lines of a session's stop. The line has the time `now`; the session may have ended earlier, when it was
/// idle or the process had crashed.
pub(super) fn of_session(
    log: &SessionLog,
    now: Timestamp,
    session: &StoppedSession,
    statistics: &SessionStatistics,
) -> Lines {
    let session_id = session.id.as_str();
    let metrics = parse_metrics(session.metrics.as_deref());
    let mut lines = log.lines(now);
    add_metrics(&mut lines, session_id, &metrics);
    lines.add(&SessionStop {
        session_id: Some(session_id),
        duration_seconds: seconds(session.duration),
        metrics: &metrics,
        closed_by: &session.closed_by,
        // Turns are counted for sessions only that were started here.
        server_metrics: session.started_at.map(|_| server_metrics(statistics)),
    });
    lines
}

/// Returns the event of a session's stop.
pub(super) fn ended<'a>(session: &'a StoppedSession, statistics: &'a SessionStatistics) -> SessionEnded<'a> {
    SessionEnded {
        session_id: session.id.as_str(),
        duration_seconds: seconds(session.duration),
        closed_by: &session.closed_by,
        server_metrics: session.started_at.map(|_| totals(statistics)),
    }
}

/// Returns the lines of a stop that names no session.
pub(super) fn without_session(log: &SessionLog, now: Timestamp, metrics: Option<Value>) -> Lines {
    let metrics = metrics.unwrap_or_else(empty);
    let closed_by = ClosedBy::Client.as_str();
    let mut lines = log.lines(now);
    lines.add(&SessionStop {
        session_id: None,
        duration_seconds: None,
        metrics: &metrics,
        closed_by,
        server_metrics: None,
    });
    lines
}

/// Returns the lines of metrics that a client reports for a session that the server has already closed as idle.
/// `duration` is the time from the session's start to the client's stop.
pub(super) fn of_late_metrics(
    log: &SessionLog,
    now: Timestamp,
    session_id: &str,
    metrics: &Value,
    duration: Option<SignedDuration>,
) -> Lines {
    let mut lines = log.lines(now);
    add_metrics(&mut lines, session_id, metrics);
    lines.add(&SessionMetrics { session_id, duration_seconds: seconds(duration), metrics });
    lines
}

/// Adds a line for each metric that is a simple value.
fn add_metrics(lines: &mut Lines, session_id: &str, metrics: &Value) {
    let entries = metrics.as_object().into_iter().flatten();
    let simple = entries.filter(|(_, value)| !value.is_object() && !value.is_array());
    for (metric_name, metric_value) in simple.take(MAX_METRIC_LINES) {
        lines.add(&Metric { session_id, metric_name, metric_value });
    }
}

/// Parses the client's metrics as stored: a JSON object, empty if there are none.
fn parse_metrics(stored: Option<&str>) -> Value {
    stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(empty)
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn seconds(duration: Option<SignedDuration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64())
}

fn server_metrics(statistics: &SessionStatistics) -> ServerMetrics<'_> {
    let latency = |percent| percentile(&statistics.latencies, percent).map(Duration::from_micros).map(milliseconds);
    ServerMetrics {
        turns: statistics.turns,
        errors: statistics.errors,
        prompt_tokens: statistics.usage.prompt,
        completion_tokens: statistics.usage.completion,
        total_tokens: statistics.usage.total(),
        cost_usd: dollars(statistics.cost),
        models: &statistics.models,
        latency_p50_ms: latency(50),
        latency_p95_ms: latency(95),
        latency_max_ms: latency(100),
    }
}

fn totals(statistics: &SessionStatistics) -> SessionTotals<'_> {
    SessionTotals {
        turns: statistics.turns,
        errors: statistics.errors,
        prompt_tokens: statistics.usage.prompt,
        completion_tokens: statistics.usage.completion,
        total_tokens: statistics.usage.total(),
        cost_usd: dollars(statistics.cost),
        models: &statistics.models,
    }
}

/// Returns the nearest-rank percentile of sorted values.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred = (1..=100).collect::<Vec<_>>();
        assert_eq!([50, 95, 100].map(|percent| percentile(&hundred, percent)), [Some(50), Some(95), Some(100)]);
        assert_eq!([50, 95, 100].map(|percent| percentile(&[7], percent)), [Some(7); 3]);
        assert_eq!(percentile(&[1, 2], 50), Some(1));
        assert_eq!(percentile(&[], 50), None);
    }
}
