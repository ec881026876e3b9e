//! The bodies of events, as the receiver gets them. Receivers depend on the names: fields may be added, but never renamed or
//! removed. `openapi/events-hook.json` describes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The data of one type of event.
pub trait EventData: Serialize {
    /// The value of the field `type`.
    const TYPE: &'static str;
}

/// `turn.ended`: a turn has ended, with an answer or without.
#[derive(Debug, Serialize)]
pub struct TurnEnded<'a> {
    /// The id of the request, which the response has as `X-Request-Id`.
    pub request_id: &'a str,
    /// The id of the session; null if the client named none.
    pub session_id: Option<&'a str>,
    /// The id of the account, or of the stored chat's owner; null without either.
    pub user_id: Option<i64>,
    /// The number of the stored chat; null for other turns.
    pub chat_id: Option<i64>,
    /// Whether the user is a guest.
    pub is_guest: bool,
    /// The name of the API key with which a server has asked; null without one.
    pub api_key: Option<&'a str>,
    /// The id of the site whose page the visitor has used; null for turns of no site.
    pub site: Option<&'a str>,
    /// The id of the persona; null if none was requested.
    pub persona: Option<&'a str>,
    /// The name of the model that was called; `basic` is the built-in responder.
    pub model: &'a str,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The cost in US dollars; null if the model's price is not known.
    pub cost_usd: Option<f64>,
    /// The time from the request's arrival to the end of the turn in milliseconds.
    pub latency_ms: f64,
    /// The HTTP status of the response; 499 if the client had disconnected.
    pub status: u16,
    /// The error code of the response; null for an answered turn.
    pub code: Option<&'a str>,
    /// The reason for the end of the answer.
    pub finish: &'a str,
}

/// `session.ended`: a session has ended.
#[derive(Debug, Serialize)]
pub struct SessionEnded<'a> {
    /// The id of the session.
    pub session_id: &'a str,
    /// The time from the start to the end in seconds; null for a session that was not started by this server.
    pub duration_seconds: Option<f64>,
    /// The reason for the end: `client` or `idle_timeout`.
    pub closed_by: &'a str,
    /// The numbers counted by the server; null for a session that was not started by this server.
    pub server_metrics: Option<SessionTotals<'a>>,
}

/// The numbers that the server has counted over the turns of a session.
#[derive(Debug, Serialize)]
pub struct SessionTotals<'a> {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The number of tokens in the prompts.
    pub prompt_tokens: u64,
    /// The number of tokens in the answers.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// The cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The names of the models that were called.
    pub models: &'a [String],
}

/// `limit.reached`: a turn was refused, because a limit of usage is used up.
#[derive(Debug, Serialize)]
pub struct LimitReachedData<'a> {
    /// The scope of the limit, the group of turns that it counts together: `visitor`, `address`, `site`, `key` or `total`.
    pub scope: &'a str,
    /// The id of the count, for `DELETE /api/admin/limits/{count_id}`.
    pub count_id: &'a str,
    /// The limit, as in the settings, such as `20/minute`.
    pub limit: &'a str,
    /// The unit of the limit: `turns`, `tokens` or `usd` (US dollars).
    pub unit: &'a str,
    /// For how long the limit counts: `minute` or `day`.
    pub window: &'a str,
    /// The id of the site whose visitor has asked; null without one.
    pub site: Option<&'a str>,
    /// The name of the API key with which a server has asked; null without one.
    pub api_key: Option<&'a str>,
    /// The time from which turns are admitted again, RFC 3339.
    pub resets_at: &'a str,
}

/// `budget.spent`: a turn was refused, because a day's money is spent. The data is that of `limit.reached`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct BudgetSpent<'a>(pub LimitReachedData<'a>);

/// `handover.requested`: a visitor asks for a person.
#[derive(Serialize)]
pub struct HandoverRequested<'a> {
    /// The id of the session.
    pub session_id: &'a str,
    /// The visitor's contact, such as an e-mail address or a telephone number; null if none was given.
    pub contact: Option<&'a str>,
}

impl fmt::Debug for HandoverRequested<'_> {
    /// Leaves the contact out, which is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandoverRequested").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

/// `feedback.given`: the caller of a turn has rated its answer, or has changed the rating.
#[derive(Debug, Serialize)]
pub struct FeedbackGiven<'a> {
    /// The id of the turn's request.
    pub request_id: &'a str,
    /// The id of the session; null if the client named none.
    pub session_id: Option<&'a str>,
    /// The name of the API key with which a server has asked; null without one.
    pub api_key: Option<&'a str>,
    /// The id of the site whose page the visitor has used; null for turns of no site.
    pub site: Option<&'a str>,
    /// The id of the persona; null if none was requested.
    pub persona: Option<&'a str>,
    /// The name of the model that has answered; `basic` is the built-in responder.
    pub model: &'a str,
    /// The number of the feedback on the turn, from 1. The greatest one counts, and of two with the same number, which two replicas
    /// may give at once, the one with the later `timestamp`.
    pub revision: u32,
    /// The rating: `up` or `down`.
    pub rating: &'a str,
    /// The rating that this one replaces; null for the first one.
    pub previous_rating: Option<&'a str>,
    /// Whether there is a comment in the session log.
    pub has_comment: bool,
}

macro_rules! types {
    ($($data:ty = $name:literal;)*) => {
        $(impl EventData for $data { const TYPE: &'static str = $name; })*
    };
}

types! {
    TurnEnded<'_> = "turn.ended";
    SessionEnded<'_> = "session.ended";
    LimitReachedData<'_> = "limit.reached";
    BudgetSpent<'_> = "budget.spent";
    HandoverRequested<'_> = "handover.requested";
    FeedbackGiven<'_> = "feedback.given";
}

/// Encodes an event as JSON; `None` if it cannot be encoded, which is logged. `timestamp` is RFC 3339.
#[must_use]
pub fn encode<D: EventData>(timestamp: &str, data: &D) -> Option<String> {
    #[derive(Serialize)]
    struct Payload<'a, D> {
        r#type: &'static str,
        timestamp: &'a str,
        data: &'a D,
    }
    let encoded = serde_json::to_string(&Payload { r#type: D::TYPE, timestamp, data });
    encoded.inspect_err(|error| tracing::error!(event = D::TYPE, %error, "an event could not be encoded")).ok()
}

/// Returns the session that an encoded event names.
#[must_use]
pub fn session_of(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        data: Session,
    }
    #[derive(Deserialize)]
    struct Session {
        session_id: Option<String>,
    }
    serde_json::from_str::<Named>(body).ok()?.data.session_id
}

/// Returns the webhook id of a turn's `turn.ended`. It is always the same for this turn, so that a receiver recognizes an event
/// that was made again, as after a crash.
#[must_use]
pub fn turn_key(request_id: &str) -> String {
    format!("turn_{request_id}")
}

/// Returns the webhook id of a session's `session.ended`, which is likewise always the same.
#[must_use]
pub fn session_key(session_id: &str) -> String {
    // Ids of sessions may have dots, which separate the parts of what is signed.
    hashed("session", session_id)
}

/// Returns the webhook id of the event about a limit that was reached. `name` is that of the limit's count and window.
#[must_use]
pub fn limit_key(name: &str) -> String {
    hashed("limit", name)
}

/// Returns the webhook id of feedback on a turn at a time, which is likewise always the same. A turn may get feedback again.
#[must_use]
pub fn feedback_key(request_id: &str, timestamp: &str) -> String {
    hashed("feedback", &format!("{request_id}\n{timestamp}"))
}

/// Returns the name by which the database recognizes that the same request for a person waits already. It is a hash, since the
/// contact is personal.
#[must_use]
pub fn handover_mark(session_id: &str, contact: Option<&str>) -> String {
    // No session id has a line feed.
    hashed("handover", &format!("{session_id}\n{}", contact.unwrap_or_default()))
}

fn hashed(kind: &str, name: &str) -> String {
    let hash = blake3::hash(name.as_bytes()).to_hex();
    format!("{kind}_{}", hash.get(..32).unwrap_or_default())
}

/// Returns an encoded `turn.ended` with another status, code and reason for the end.
#[must_use]
pub fn with_failure(body: String, status: u16, code: &str, finish: &str) -> String {
    let Ok(mut payload) = serde_json::from_str::<serde_json::Value>(&body) else { return body };
    let data = &mut payload["data"];
    (data["status"], data["code"], data["finish"]) = (status.into(), code.into(), finish.into());
    payload.to_string()
}
