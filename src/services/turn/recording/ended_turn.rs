//! A turn that has ended, with everything that is recorded of it.

use std::time::{Duration, Instant};

use jiff::{Timestamp, civil::Date};
use opentelemetry::KeyValue;
use serde_json::json;

use super::{logged_texts::LoggedTexts, usage_meter::TurnUsage};
use crate::{
    adapters::{
        credentials::KeyLookup,
        session_log::{CallLine, ChatLine, milliseconds},
        storage::{OutboxEntry, TurnOrigin, TurnRecord},
    },
    domain::{chat::Finish, cost::dollars, session::SessionId, tenant::TenantName},
    foundation::trace::{RequestTrace, attributes},
    services::turn::{
        ended_call::EndedCall,
        failure::TurnFailure,
        journal::beginning,
        metrics::TurnTimes,
        model_calls::CallRecord,
        request::TurnRequest,
        spans::{finish_reasons, tokens},
    },
};

/// The most bytes of a text in a trace.
const MAX_TRACED_BYTES: usize = 8 << 10;

/// A turn that has ended.
pub(super) struct EndedTurn<'a> {
    pub(super) request: &'a TurnRequest,
    /// The id of the sampled trace; `None` without one.
    pub(super) trace_id: Option<String>,
    pub(super) calls: &'a CallRecord<'a>,
    pub(super) answer_chars: usize,
    /// The texts as they are logged.
    pub(super) texts: LoggedTexts<'a>,
    /// The failure of the turn; set, too, if it was answered after all readers had left.
    pub(super) failure: Option<&'a TurnFailure>,
    /// The HTTP status that reports the end of the turn.
    pub(super) status: u16,
    /// The error code of the failure.
    pub(super) code: Option<&'static str>,
    pub(super) finish: Finish,
    pub(super) usage: TurnUsage,
    /// The time from the request's arrival to the end of the answer.
    pub(super) latency: Duration,
    pub(super) times: TurnTimes,
}

impl EndedTurn<'_> {
    /// Returns the line of the turn in the session log. `provider` is the name of the called model's provider, if it has one.
    pub(super) fn log_line<'l>(&'l self, provider: Option<&'l str>) -> ChatLine<'l> {
        let Self { request, calls, usage, texts, .. } = self;
        ChatLine {
            request_id: &request.request_id,
            trace_id: self.trace_id.as_deref(),
            session_id: request.session_id.as_ref().map(SessionId::as_str),
            user_id: request.owner().map(|id| id.0),
            chat_id: request.stored_chat.map(|stored_chat| stored_chat.chat.0),
            username: &request.caller.username,
            is_guest: request.caller.is_guest,
            api_key: request.asker.api_key().map(TenantName::as_str),
            model: calls.model,
            requested_model: calls.requested_model,
            response_model: calls.report.model.as_deref(),
            provider,
            site: request.asker.site().map(|site| site.settings.id.as_str()),
            persona: request.persona.as_ref().map(|persona| persona.id.as_str()),
            prompt_tokens: usage.tokens.prompt,
            completion_tokens: usage.tokens.completion,
            total_tokens: usage.tokens.total(),
            usage_source: usage.source.as_str(),
            cost_usd: usage.cost.map(|cost| dollars(cost.total())),
            latency_ms: milliseconds(self.latency),
            model_ms: milliseconds(calls.started_at.map_or(Duration::ZERO, |at| at.elapsed())),
            first_word_ms: self.times.first_word.map(milliseconds),
            stream: request.stream,
            attempts: calls.attempts,
            status: self.status,
            code: self.code,
            finish: self.finish.as_str(),
            credential_source: calls.key.source.as_str(),
            key_lookup: calls.key.lookup.map(KeyLookup::as_str),
            key_age_seconds: calls.key_age.map(seconds),
            calls: self.call_lines(),
            guard_question: calls.guard.question.map(|judgement| judgement.outcome.as_str()),
            guard_question_ms: calls.guard.question.map(|judgement| milliseconds(judgement.time)),
            guard_answer: calls.guard.answer.map(|answer| answer.outcome.as_str()),
            guard_answer_ms: calls.guard.answer.map(|answer| milliseconds(answer.time)),
            guard_answer_parts: calls.guard.answer.map(|answer| answer.parts),
            context: calls.context.map(|context| context.outcome.as_str()),
            context_ms: calls.context.map(|context| milliseconds(context.time)),
            context_texts: calls.context.map(|context| context.texts),
            context_sources: calls.context.map(|context| context.sources),
            message_chars: request.question().chars().count(),
            answer_chars: self.answer_chars,
            recorded_at: None,
            content_key: texts.content_key(),
            sealed: texts.sealed(),
            message: texts.message(),
            answer: texts.answer(),
        }
    }

    /// Returns the turn's calls to models, for a line that has them: that of a turn with several calls, or whose only call
    /// has failed or was cut off by the turn's failure.
    fn call_lines(&self) -> Vec<CallLine<'_>> {
        let CallRecord { model, attempts, ended, running_since, .. } = self.calls;
        let mut free_from = self.request.arrived;
        let mut line = |model, code, started_at: Instant, ended_at| {
            let waited_ms = milliseconds(started_at.duration_since(free_from));
            free_from = ended_at;
            CallLine { model, code, waited_ms, ms: milliseconds(ended_at.duration_since(started_at)) }
        };
        let ended = ended
            .iter()
            .map(|EndedCall { model, started_at, ended_at, code }| line(model.as_str(), *code, *started_at, *ended_at));
        let mut lines = ended.collect::<Vec<_>>();
        if let Some(started_at) = running_since.filter(|_| *attempts > 1 || self.failure.is_some()) {
            lines.push(line(model, self.code, started_at, self.request.arrived + self.latency));
        }
        lines
    }

    /// Returns the record of the turn for the database, with its usage record for Papita and its event. Its line is not
    /// written yet.
    pub(super) fn database_record(
        &self,
        ended_at: Timestamp,
        log_date: Date,
        usage_record: OutboxEntry,
        event: OutboxEntry,
    ) -> TurnRecord {
        let Self { request, calls, usage, .. } = self;
        TurnRecord {
            ended_at,
            log_date,
            line: None,
            request_id: request.request_id.clone(),
            session_id: request.session_id.clone(),
            model: calls.model.to_owned(),
            code: self.code.map(Into::into),
            usage: usage.tokens,
            cost: usage.cost.unwrap_or_default(),
            latency: self.latency,
            usage_record,
            event,
            origin: None,
            span: None,
        }
    }

    /// Returns where the turn came from, for the feedback of its caller until the retention time `expires_at`.
    pub(super) fn origin(&self, expires_at: Timestamp) -> TurnOrigin {
        let Self { request, texts, .. } = self;
        TurnOrigin {
            chat_owner: request.chat_owner(),
            visitor: request.asker.ticket_visitor(),
            persona: request.persona.as_ref().map(|persona| persona.id.clone()),
            site: request.asker.site().map(|site| site.settings.id.as_str().to_owned()),
            api_key: request.asker.api_key().map(|name| name.as_str().to_owned()),
            content_key: texts.content_key().map(str::to_owned),
            expires_at,
        }
    }

    /// Writes to the trace of the turn's request what the turn was. Of its texts, only those that are logged openly.
    pub(super) fn note_in(&self, trace: &RequestTrace) {
        trace.note(|| self.attributes());
        if let Some(code) = self.code {
            trace.note_error(code);
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let Self { request, calls, usage, texts, .. } = self;
        let text = |name, text: &str| KeyValue::new(name, text.to_owned());
        let mut attributes = vec![
            KeyValue::new(attributes::OPERATION, attributes::TURN),
            text(attributes::REQUEST_MODEL, calls.requested_model),
            text(attributes::RESPONSE_MODEL, calls.report.model.as_deref().unwrap_or(calls.model)),
            tokens(attributes::INPUT_TOKENS, usage.tokens.prompt),
            tokens(attributes::OUTPUT_TOKENS, usage.tokens.completion),
            finish_reasons(self.finish),
            KeyValue::new(attributes::STATUS, i64::from(self.status)),
            KeyValue::new(attributes::ATTEMPTS, i64::from(calls.attempts)),
            KeyValue::new(attributes::STREAM, request.stream),
        ];
        let site = request.asker.site().map(|site| site.settings.id.as_str());
        let known = [
            (attributes::SESSION, request.session_id.as_ref().map(SessionId::as_str)),
            (attributes::AGENT, request.persona.as_ref().map(|persona| persona.id.as_str())),
            (attributes::SITE, site),
            (attributes::API_KEY_NAME, request.asker.api_key().map(TenantName::as_str)),
        ];
        attributes.extend(known.into_iter().filter_map(|(name, value)| Some(text(name, value?))));
        let chat = request.stored_chat.map(|stored_chat| stored_chat.chat.0);
        attributes.extend(chat.map(|chat| KeyValue::new(attributes::CONVERSATION, chat.to_string())));
        let cost = usage.cost.map(|cost| dollars(cost.total()));
        attributes.extend(cost.map(|cost| KeyValue::new(attributes::COST, cost)));
        let first_word = self.times.first_word.map(|time| time.as_secs_f64());
        attributes.extend(first_word.map(|time| KeyValue::new(attributes::FIRST_WORD, time)));
        let said = [
            (attributes::INPUT_MESSAGES, "user", texts.message()),
            (attributes::OUTPUT_MESSAGES, "assistant", texts.answer()),
        ];
        attributes.extend(said.into_iter().filter_map(|(name, role, said)| Some(message(name, role, said?))));
        attributes
    }

    /// Writes the end of a stream to the diagnostics. The event of its request was written when the stream started.
    pub(super) fn log_stream_end(&self) {
        let request_id = self.request.request_id.as_str();
        let trace_id = self.trace_id.as_deref();
        let CallRecord { model, attempts, .. } = *self.calls;
        let (finish, code, latency_ms) = (self.finish.as_str(), self.code, milliseconds(self.latency));
        let cause = self.failure.map(tracing::field::display);
        if self.status >= 500 {
            tracing::warn!(request_id, trace_id, model, attempts, finish, code, cause, latency_ms, "stream");
        } else {
            tracing::info!(request_id, trace_id, model, attempts, finish, code, cause, latency_ms, "stream");
        }
    }
}

/// Returns the attribute of a text, of which the beginning is enough: spans wait in memory for the collector.
fn message(name: &'static str, role: &str, text: &str) -> KeyValue {
    let part = json!({ "type": "text", "content": beginning(text, MAX_TRACED_BYTES) });
    KeyValue::new(name, json!([{ "role": role, "parts": [part] }]).to_string())
}

/// Returns a duration in seconds, exact to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "keys are hours old, not centuries")]
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}
