//! The events of the session log and their fields. Analysts and tools depend on the names: fields may be added, but never
//! renamed or removed.

use std::{io::Write, time::Duration};

use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of event, whose fields form one line.
pub trait Event: Serialize {
    /// The value of the field `event`.
    const NAME: &'static str;
}

/// The event `service_start`: the service has started.
#[derive(Debug, Serialize)]
pub struct ServiceStart<'a> {
    /// The version of al-chat.
    pub version: &'a str,
    /// The id of the process.
    pub pid: u32,
    /// The name of the default model.
    pub model: &'a str,
    /// Whether the built-in responder answers, as far as is known at the start.
    pub demo_mode: bool,
    /// The process that wrote to this folder before; null if none has.
    pub previous: Option<&'a PreviousInstance>,
}

/// The end of the log of the process before, as the next one has found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousInstance {
    /// The id of the process.
    pub instance: String,
    /// The number of its last line.
    pub seq: u64,
    /// The chain of its last line; null if that has none.
    pub chain: Option<String>,
    /// Whether its last line is its `service_stop`.
    pub stopped: bool,
}

/// The event `service_stop`: the service has stopped in an orderly way.
#[derive(Debug, Serialize)]
pub struct ServiceStop {
    /// The time since the start in seconds.
    pub uptime_seconds: f64,
    /// The number of turns that were cut off when the drain timeout was over.
    pub turns_cut_off: usize,
}

/// The event `session_start`: a session has started.
#[derive(Debug, Serialize)]
pub struct SessionStart<'a> {
    /// The id of the session.
    pub session_id: &'a str,
}

/// The event `chat`: a turn has ended.
#[derive(Debug, Serialize)]
pub struct ChatLine<'a> {
    /// The id of the request, which the response has as `X-Request-Id`.
    pub request_id: &'a str,
    /// The id of the trace in 32 hexadecimal digits; missing unless the turn is traced and sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
    /// The id of the session; null if the client named none.
    pub session_id: Option<&'a str>,
    /// The id of the account, or of the stored chat's owner; missing without either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The number of the stored chat; missing for other turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<i64>,
    /// The name of the user.
    pub username: &'a str,
    /// Whether the user is a guest.
    pub is_guest: bool,
    /// The name of the API key with which a server has asked; missing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<&'a str>,
    /// The name of the model that was called; `basic` is the built-in responder.
    pub model: &'a str,
    /// The name of the model that was requested; it differs from `model` after a fallback.
    pub requested_model: &'a str,
    /// The name of the model in the server's response, which may include a version; null if it has none.
    pub response_model: Option<&'a str>,
    /// The name of the provider of `model`; missing if there is only one provider, and for the built-in responder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    /// The id of the site whose page the visitor has used; missing for turns of no site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<&'a str>,
    /// The id of the persona; missing if none was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<&'a str>,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The source of the token counts. `provider`: reported by the model's server; `estimated`: the model was called but its
    /// server reported none, for example because the turn was cut off; `none`: no model was called.
    pub usage_source: &'a str,
    /// The cost in US dollars; null if the model's price is not known.
    pub cost_usd: Option<f64>,
    /// The time from the request's arrival to the end of the turn in milliseconds.
    pub latency_ms: f64,
    /// The part of `latency_ms` that was spent waiting for the model.
    pub model_ms: f64,
    /// The time from the request's arrival to the first text of the answer in milliseconds; null without text.
    pub first_word_ms: Option<f64>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The number of calls to models.
    pub attempts: u32,
    /// The HTTP status of the response; 499 if the client had disconnected.
    pub status: u16,
    /// The error code of the response; null for an answered turn.
    pub code: Option<&'a str>,
    /// The reason for the end of the answer.
    pub finish: &'a str,
    /// The source of the API key: `papita_api`, `local_env` or `none`.
    pub credential_source: &'a str,
    /// The outcome of looking for Papita's key: `hit` (in the cache), `fetched` (from Papita) or `failed`; missing if no key of
    /// Papita's was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_lookup: Option<&'a str>,
    /// The time since Papita returned the key, at the start of the last call, in seconds; missing for other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_age_seconds: Option<f64>,
    /// The calls to models, in their order; missing for a turn whose only call was answered, or that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallLine<'a>>,
    /// The guard's verdict about the question: `pass`, `mask` (another text was asked), `reject`, or `failed` if it gave none;
    /// missing if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_question: Option<&'a str>,
    /// The time of this judgement in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_question_ms: Option<f64>,
    /// The guard's verdict about the answer, the one that matters most of all its pieces: `reject`, `failed`, `mask` or `pass`;
    /// missing if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_answer: Option<&'a str>,
    /// The time of all these judgements in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_answer_ms: Option<f64>,
    /// The number of pieces of the answer that the guard was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_answer_parts: Option<u32>,
    /// The outcome of asking the context hook: `used` (the model has got texts), `empty` (the hook has none), `unused` (none
    /// fitted, or no model was asked), `failed` (no answer in time); missing if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a str>,
    /// The time that the turn has waited for the context hook in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_ms: Option<f64>,
    /// The number of texts that the model has got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_texts: Option<usize>,
    /// The number of pages that the answer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_sources: Option<usize>,
    /// The number of characters in the user's message, including attached files.
    pub message_chars: usize,
    /// The number of characters in the answer.
    pub answer_chars: usize,
    /// The time of the record; only in the line of an interrupted stream, whose numbers and texts are those at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<&'a str>,
    /// The id of the key that has sealed the texts; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_key: Option<&'a str>,
    /// The sealed texts, as [`Texts::seal`](super::Texts::seal) returns them; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<&'a str>,
    /// The user's message; only with `SESSION_LOG_CONTENT=plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    /// The text of the answer; only with `SESSION_LOG_CONTENT=plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'a str>,
}

/// A call to a model in a `chat` line.
#[derive(Debug, Serialize)]
pub struct CallLine<'a> {
    /// The name of the model that was called.
    pub model: &'a str,
    /// The error code of the call's failure, or of the turn that has cut it off; null for an answer.
    pub code: Option<&'a str>,
    /// The time before the call in milliseconds, without a call: since the call before, or since the request.
    pub waited_ms: f64,
    /// The duration of the call in milliseconds.
    pub ms: f64,
}

/// The event `metric`: one metric that a client has sent with the stop of a session.
#[derive(Debug, Serialize)]
pub struct Metric<'a> {
    /// The id of the session.
    pub session_id: &'a str,
    /// The name of the metric.
    pub metric_name: &'a str,
    /// The value of the metric.
    pub metric_value: &'a Value,
}

/// The event `session_stop`: a session has ended.
#[derive(Debug, Serialize)]
pub struct SessionStop<'a> {
    /// The id of the session; null if the client named none.
    pub session_id: Option<&'a str>,
    /// The time from the start to the end in seconds; null for a session that was never started here.
    pub duration_seconds: Option<f64>,
    /// The metrics that the client has sent.
    pub metrics: &'a Value,
    /// The reason for the end: `client` or `idle_timeout`.
    pub closed_by: &'a str,
    /// The numbers counted by the server; null for a session that was never started here.
    pub server_metrics: Option<ServerMetrics<'a>>,
}

/// The event `session_metrics`: a client has stopped a session that the idle timeout had closed before, so that its
/// `session_stop` is in the log already.
#[derive(Debug, Serialize)]
pub struct SessionMetrics<'a> {
    /// The id of the session.
    pub session_id: &'a str,
    /// The time from the session's start to the client's stop in seconds. (In its `session_stop`, the time to its last
    /// turn.)
    pub duration_seconds: Option<f64>,
    /// The metrics that the client has sent.
    pub metrics: &'a Value,
}

/// The numbers that the server has counted over the turns of a session.
#[derive(Debug, Default, Serialize)]
pub struct ServerMetrics<'a> {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The names of the models that were called.
    pub models: &'a [String],
    /// The median latency in milliseconds; null without turns.
    pub latency_p50_ms: Option<f64>,
    /// The 95th percentile of the latencies in milliseconds; null without turns.
    pub latency_p95_ms: Option<f64>,
    /// The longest latency in milliseconds; null without turns.
    pub latency_max_ms: Option<f64>,
}

/// The event `handover`: a visitor has asked for a person, and the event for `EVENTS_URL` is queued.
#[derive(Debug, Serialize)]
pub struct Handover<'a> {
    /// The id of the session.
    pub session_id: &'a str,
    /// Whether the visitor has given a contact. The contact is never logged.
    pub has_contact: bool,
}

/// The event `feedback`: the caller of a turn has rated its answer, or has changed the rating or the comment.
#[derive(Debug, Serialize)]
pub struct FeedbackLine<'a> {
    /// The id of the turn's request.
    pub request_id: &'a str,
    /// The id of the turn's session; null if the client named none.
    pub session_id: Option<&'a str>,
    /// The name of the API key with which a server has asked; missing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<&'a str>,
    /// The name of the model that was called; `basic` is the built-in responder.
    pub model: &'a str,
    /// The id of the site whose page the visitor has used; missing for turns of no site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<&'a str>,
    /// The id of the persona; missing if none was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<&'a str>,
    /// The number of the feedback on the turn, from 1.
    pub revision: u32,
    /// The rating: `up` or `down`.
    pub rating: &'a str,
    /// The rating that this one replaces; missing for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_rating: Option<&'a str>,
    /// Whether there is a comment, openly or sealed.
    pub has_comment: bool,
    /// The id of the key that has sealed the comment, which is that of the turn's texts; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_key: Option<&'a str>,
    /// The sealed comment, as [`CommentText::seal`](super::CommentText::seal) returns it; only with `SESSION_LOG_CONTENT=on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<&'a str>,
    /// The comment; only with `SESSION_LOG_CONTENT=plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<&'a str>,
}

/// The event `refusal`: requests for a turn were refused before a turn began.
#[derive(Debug, Serialize)]
pub struct RefusalLine<'a> {
    /// The id of the request; null in a line that counts requests.
    pub request_id: Option<&'a str>,
    /// The id of the session, as far as it is known.
    pub session_id: Option<&'a str>,
    /// The id of the account; missing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The name of the user, as far as it is known.
    pub username: Option<&'a str>,
    /// Whether the user is a guest, as far as it is known.
    pub is_guest: Option<bool>,
    /// The name of the API key with which a server has asked; missing without a valid one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<&'a str>,
    /// The id of the site whose page the visitor has used; missing without a valid ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<&'a str>,
    /// The method and the path of the endpoint, as in the contract.
    pub endpoint: &'a str,
    /// The HTTP status of the response.
    pub status: u16,
    /// The error code of the response.
    pub code: &'a str,
    /// The time from the request to its refusal in milliseconds; null in a line that counts requests.
    pub latency_ms: Option<f64>,
    /// The number of requests for which the line stands.
    pub count: u64,
    /// The time of the first of these requests; only in a line that counts requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<&'a str>,
}

/// The event `log_gap`: lines could not be written for a while. It is the first line after that.
#[derive(Debug, Serialize)]
pub struct LogGap {
    /// The time of the first failed write.
    pub since: String,
    /// The number of lines that were not written; their callers got an error.
    pub lines_refused: u64,
}

/// The event `log_deleted`: a file of the log is deleted after this line, since it is older than `SESSION_LOG_KEEP` days. A file
/// with many runs has several such lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogDeleted {
    /// The name of the file.
    pub file: String,
    /// The number of lines of the file for which this event stands: those of its runs. The first event of a file has those
    /// without a number, too.
    pub lines: u64,
    /// The numbered lines of each process, as far as they follow each other; lines of earlier versions have no number.
    pub runs: Vec<DeletedRun>,
}

/// Lines of one process that follow each other in a deleted file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeletedRun {
    /// The id of the process.
    pub instance: String,
    /// The number of the first line.
    pub first_seq: u64,
    /// The number of the last line.
    pub last_seq: u64,
    /// The chain of the last line, which the next line follows; null if that has none.
    pub chain: Option<String>,
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
    ChatLine<'_> = "chat";
    Metric<'_> = "metric";
    SessionStop<'_> = "session_stop";
    SessionMetrics<'_> = "session_metrics";
    Handover<'_> = "handover";
    FeedbackLine<'_> = "feedback";
    RefusalLine<'_> = "refusal";
    LogGap = "log_gap";
    LogDeleted = "log_deleted";
}

/// Returns a duration in milliseconds, exact to the microsecond, as the lines have them.
#[expect(clippy::cast_precision_loss, reason = "turns last seconds, not centuries")]
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// Appends an event as one line of JSON: `event`, `timestamp` and `date`, then the event's fields. Returns the offset in
/// `text` between both, where the writer inserts the line's stamp.
pub(super) fn encode<E: Event>(text: &mut Vec<u8>, timestamp: &str, date: civil::Date, event: &E) -> usize {
    let fields = encode_head(text, timestamp, date, E::NAME);
    match serde_json::to_writer(&mut *text, event) {
        // The opening brace of the event's object becomes the comma between both parts.
        Ok(()) => text[fields] = b',',
        Err(error) => {
            text.truncate(fields);
            text.push(b'}');
            tracing::error!(event = E::NAME, %error, "an event of the session log could not be encoded");
        }
    }
    text.push(b'\n');
    fields
}

/// Appends an event whose fields are encoded, as [`encode`] does. `fields` is a JSON object that is not empty.
pub(super) fn encode_fields(text: &mut Vec<u8>, timestamp: &str, date: civil::Date, name: &str, fields: &str) -> usize {
    let start = encode_head(text, timestamp, date, name);
    text.extend_from_slice(fields.as_bytes());
    text[start] = b',';
    text.push(b'\n');
    start
}

/// Appends the beginning of a line. Returns the offset in `text` after it.
fn encode_head(text: &mut Vec<u8>, timestamp: &str, date: civil::Date, name: &str) -> usize {
    // Names, times and dates hold no character that JSON escapes, and writing to memory does not fail.
    let _ = write!(text, r#"{{"event":"{name}","timestamp":"{timestamp}","date":"{date}""#);
    text.len()
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
