//! The shapes of the lines. Analysts and tools read these names: they may be added to, never changed.

use std::io::Write;

use jiff::civil;
use serde::Serialize;
use serde_json::Value;

/// What a line tells.
pub trait Event: Serialize {
    /// The value of its `event` field.
    const NAME: &'static str;
}

/// The process began to serve.
#[derive(Debug, Serialize)]
pub struct ServiceStart<'a> {
    /// Version of al-chat.
    pub version: &'a str,
    /// Process id.
    pub pid: u32,
    /// The default model.
    pub model: &'a str,
    /// Whether the built-in responder answers, as far as known at this moment.
    pub demo_mode: bool,
}

/// The process stopped in an orderly way.
#[derive(Debug, Serialize)]
pub struct ServiceStop {
    /// How long it had served.
    pub uptime_seconds: f64,
    /// Turns cut off because the time to finish them was over.
    pub turns_cut_off: usize,
}

/// A session began.
#[derive(Debug, Serialize)]
pub struct SessionStart<'a> {
    /// Its id.
    pub session_id: &'a str,
}

/// A turn ended.
#[derive(Debug, Serialize)]
pub struct Chat<'a> {
    /// The answer's `X-Request-Id`.
    pub request_id: &'a str,
    /// The session, if the client named one.
    pub session_id: Option<&'a str>,
    /// The account that asked, or the owner of the stored chat; missing where there is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The stored chat; missing elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<i64>,
    /// Who asked.
    pub username: &'a str,
    /// Whether that is a guest.
    pub is_guest: bool,
    /// The model that was asked; `basic` is the built-in responder.
    pub model: &'a str,
    /// The model that should have been asked; another one when that one stood in for it.
    pub requested_model: &'a str,
    /// The model that its server says it used, which may name a version; null when it names none.
    pub response_model: Option<&'a str>,
    /// The persona that spoke; only where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<&'a str>,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Tokens in all.
    pub total_tokens: u64,
    /// `provider`: the model's own figures; `estimated`: it was asked and gave none, for example because the turn was cut
    /// off; `none`: no model has said anything.
    pub usage_source: &'a str,
    /// US dollars; null when the model's price is not known.
    pub cost_usd: Option<f64>,
    /// From the request's arrival until its answer was ready to be logged.
    pub latency_ms: f64,
    /// Of that, waiting for the model.
    pub model_ms: f64,
    /// From the request's arrival until the first word of the answer; null when there was none.
    pub first_word_ms: Option<f64>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// How often a model was asked.
    pub attempts: u32,
    /// The answer's HTTP status; 499 when the client had left.
    pub status: u16,
    /// The answer's error code; null for an answered turn.
    pub code: Option<&'a str>,
    /// How the answer ended.
    pub finish: &'a str,
    /// `papita_api`, `local_env` or `none`.
    pub credential_source: &'a str,
    /// Characters of the visitor's message, attached files included.
    pub message_chars: usize,
    /// Characters of the answer.
    pub answer_chars: usize,
    /// The visitor's message; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    /// The answer; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'a str>,
}

/// One of the numbers a client reported with its stop.
#[derive(Debug, Serialize)]
pub struct Metric<'a> {
    /// The session.
    pub session_id: &'a str,
    /// The metric's name.
    pub metric_name: &'a str,
    /// Its value.
    pub metric_value: &'a Value,
}

/// A session ended.
#[derive(Debug, Serialize)]
pub struct SessionStop<'a> {
    /// Its id; null when the client named none.
    pub session_id: Option<&'a str>,
    /// From its start to its end; null when it was never started here.
    pub duration_seconds: Option<f64>,
    /// What the client reported.
    pub metrics: &'a Value,
    /// `client` or `idle_timeout`.
    pub closed_by: &'a str,
    /// What the server counted; null for a session that was never started here.
    pub server_metrics: Option<ServerMetrics<'a>>,
}

/// What a client reported when it stopped a session that had been closed for being idle; its `session_stop` is in the log
/// already.
#[derive(Debug, Serialize)]
pub struct SessionMetrics<'a> {
    /// The session.
    pub session_id: &'a str,
    /// From the session's start until its client stopped it; that of its `session_stop` ends with its last turn.
    pub duration_seconds: Option<f64>,
    /// What the client reported.
    pub metrics: &'a Value,
}

/// What the server counted of a session.
#[derive(Debug, Default, Serialize)]
pub struct ServerMetrics<'a> {
    /// Turns.
    pub turns: u64,
    /// Turns that ended without an answer.
    pub errors: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Tokens in all.
    pub total_tokens: u64,
    /// US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The models asked.
    pub models: &'a [String],
    /// Half of the turns were at least this fast; null without turns.
    pub latency_p50_ms: Option<f64>,
    /// Nineteen of twenty turns were at least this fast.
    pub latency_p95_ms: Option<f64>,
    /// The slowest turn.
    pub latency_max_ms: Option<f64>,
}

/// Lines could not be written for a while; this is the first that could.
#[derive(Debug, Serialize)]
pub(super) struct LogGap {
    /// When writing began to fail.
    pub since: String,
    /// How many lines were refused; each was refused to its caller, too.
    pub lines_refused: u64,
}

macro_rules! names {
    ($($event:ty = $name:literal;)*) => {
        $(impl Event for $event { const NAME: &'static str = $name; })*
    };
}

names! {
    ServiceStart<'_> = "service_start";
    ServiceStop = "service_stop";
    SessionStart<'_> = "session_start";
    Chat<'_> = "chat";
    Metric<'_> = "metric";
    SessionStop<'_> = "session_stop";
    SessionMetrics<'_> = "session_metrics";
    LogGap = "log_gap";
}

/// Appends an event as one line: `event`, `timestamp` and `date`, then its own fields.
pub(super) fn encode<E: Event>(text: &mut Vec<u8>, timestamp: &str, date: civil::Date, event: &E) {
    // Names, times and dates hold nothing that JSON would escape, and writing to memory does not fail.
    let _ = write!(text, r#"{{"event":"{}","timestamp":"{timestamp}","date":"{date}""#, E::NAME);
    let fields = text.len();
    match serde_json::to_writer(&mut *text, event) {
        // The event is an object of its own; its brace becomes the comma that joins both.
        Ok(()) => text[fields] = b',',
        Err(error) => {
            text.truncate(fields);
            text.push(b'}');
            tracing::error!(event = E::NAME, %error, "an event of the session log could not be encoded");
        }
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object() {
        let mut text = Vec::new();
        let event = SessionStart { session_id: "a\"\n" };
        encode(&mut text, "2026-03-29T03:00:00+02:00", civil::date(2026, 3, 29), &event);
        assert_eq!(text.iter().position(|byte| *byte == b'\n'), Some(text.len() - 1));
        let line: Value = serde_json::from_slice(&text).unwrap();
        let expected = serde_json::json!({
            "event": "session_start", "timestamp": "2026-03-29T03:00:00+02:00", "date": "2026-03-29",
            "session_id": "a\"\n"
        });
        assert_eq!(line, expected);
    }
}
