//! What is kept of a turn: its line in the session log, its record for the database, its usage record for Papita, its
//! part in the metrics.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{TurnFailure, TurnRequest, TurnSummary, Turns, journal::Journal, metrics::EndedTurn, model_call::Reply};
use crate::{
    adapters::{
        model::{ModelFailure, basic},
        session_log::Chat,
        storage::TurnRecord,
        usage,
    },
    domain::{
        chat::{Caller, Finish},
        cost::{Cost, TokenUsage, dollars, estimate},
        session::SessionId,
    },
};

/// How a turn ended.
pub(super) struct Outcome {
    pub(super) answer: Result<Finish, TurnFailure>,
    /// Whether nobody waited for the answer any more.
    pub(super) is_abandoned: bool,
}

/// A turn that has ended, with all that is kept of it.
struct Ended<'a> {
    ask: &'a TurnRequest,
    reply: &'a Reply,
    /// The answer's text, if it is to be logged, and its characters in any case.
    text: Option<&'a str>,
    chars: usize,
    /// What it failed of, also where the answer came but found nobody.
    failure: Option<&'a TurnFailure>,
    finish: Finish,
    /// How it is told: the status, and the code of a failure.
    status: u16,
    code: Option<&'static str>,
    usage: TokenUsage,
    usage_source: &'static str,
    cost: Option<Cost>,
    latency: Duration,
    first_word: Option<Duration>,
}

impl Turns {
    /// `None` when the price or the usage is not known. The built-in responder is free.
    pub(super) fn cost(&self, model: &str, usage: Option<TokenUsage>) -> Option<Cost> {
        if model == basic::NAME { Some(Cost::default()) } else { self.0.prices.cost(model, usage?) }
    }

    /// The tokens of a turn, those of earlier attempts included, and where the figures come from: `provider`,
    /// `estimated`, or `none` where no model has said anything, or it was the built-in responder. A model that was left
    /// while it was silent has read the question at least.
    fn usage_of(
        &self,
        ask: &TurnRequest,
        reply: &Reply,
        journal: &Journal,
        answer: &Result<Finish, TurnFailure>,
    ) -> (Option<TokenUsage>, &'static str) {
        let was_left = was_left(answer) && reply.may_have_cost;
        let (last, source) = match reply.report.usage {
            Some(usage) => (usage, "provider"),
            None if reply.model == basic::NAME => return (None, "none"),
            None if journal.has_text() || was_left => (self.estimate(ask, reply, journal), "estimated"),
            None if reply.earlier.usage.total() > 0 => (TokenUsage::default(), "provider"),
            None => return (None, "none"),
        };
        let mut usage = reply.earlier.usage;
        usage += last;
        (Some(usage), source)
    }

    fn estimate(&self, ask: &TurnRequest, reply: &Reply, journal: &Journal) -> TokenUsage {
        let image = self.abilities(&reply.model).image;
        let instruction = ask.persona.as_ref().map_or(0, |persona| estimate::instruction_tokens(&persona.prompt));
        let prompt = estimate::prompt_tokens(&ask.messages, image).saturating_add(instruction);
        TokenUsage { prompt, completion: journal.estimated_tokens() }
    }

    /// What a turn cost: as a gateway reports it, or else by the price of the model, or of the one that its server names.
    fn cost_of(&self, reply: &Reply, usage: Option<TokenUsage>) -> Option<Cost> {
        if let Some(reported) = reply.report.cost {
            let total = reported.saturating_add(reply.earlier.cost);
            return Some(self.0.prices.split(total, &reply.model, usage.unwrap_or_default()));
        }
        let by_name = |name: &String| self.cost(name, usage);
        self.cost(&reply.model, usage).or_else(|| reply.report.model.as_ref().and_then(by_name))
    }

    /// Logs and counts the turn. Only then is it answered; and if it cannot be logged, it isn't.
    pub(super) async fn account(
        &self,
        ask: &TurnRequest,
        reply: &Reply,
        journal: &Journal,
        outcome: Outcome,
    ) -> Result<TurnSummary, TurnFailure> {
        let at = self.0.clock.now();
        let answer = outcome.answer.as_ref();
        let (usage, usage_source) = self.usage_of(ask, reply, journal, &outcome.answer);
        let failure = answer.err().or(outcome.is_abandoned.then_some(&TurnFailure::ClientGone));
        let told = failure.map(self.0.telling);
        let text = self.0.log_content.then(|| journal.text());
        let ended = Ended {
            ask,
            reply,
            text: text.as_deref(),
            chars: journal.char_count(),
            failure,
            finish: match (answer, failure) {
                (Ok(finish), None) => *finish,
                (_, Some(failure)) | (Err(failure), None) => failure.finish(),
            },
            status: told.map_or(200, |(status, _)| status),
            code: told.map(|(_, code)| code),
            usage: usage.unwrap_or_default(),
            usage_source,
            cost: self.cost_of(reply, usage),
            latency: ask.arrived.elapsed(),
            first_word: journal.first_word_at().map(|at| at.duration_since(ask.arrived)),
        };
        let mut lines = self.0.log.lines(at);
        lines.add(&self.line(&ended));
        let record = self.record(&ended, at);
        if ask.stream {
            tell_end(&ended);
        }
        self.0.metrics.count(&EndedTurn {
            model: &reply.model,
            finish: ended.finish,
            usage: ended.usage,
            latency: ended.latency,
            first_word: ended.first_word,
        });
        // What was spent is counted even if it cannot be logged and so is not answered.
        let storage = self.0.storage.clone();
        let logged = self.0.log.write_then(lines, move |place| storage.enqueue_turn(record, place)).await;
        let finish = outcome.answer?;
        logged.map_err(|_| TurnFailure::LogUnavailable)?;
        Ok(TurnSummary { model: reply.model.clone(), usage: usage.unwrap_or_default(), finish, at, exchange: None })
    }

    fn record(&self, ended: &Ended<'_>, at: Timestamp) -> TurnRecord {
        let Ended { ask, reply, .. } = ended;
        let (failed, usage) = (ended.failure.is_some(), ended.usage);
        TurnRecord {
            ended_at: at,
            request_id: ask.request_id.clone(),
            session_id: ask.session_id.clone(),
            model: reply.model.clone(),
            failed,
            usage,
            cost: ended.cost.unwrap_or_default(),
            latency: ended.latency,
            usage_record: self.posting(failed, &ask.caller, ask.session_id.as_ref(), &reply.model, usage),
        }
    }

    fn line<'a>(&self, ended: &Ended<'a>) -> Chat<'a> {
        let &Ended { ask, reply, text, latency, .. } = ended;
        let tokens = ended.usage;
        let message = ask.messages.last().map_or("", |message| message.content.as_str());
        Chat {
            request_id: &ask.request_id,
            session_id: ask.session_id.as_ref().map(SessionId::as_str),
            user_id: ask.stored_chat.map(|stored_chat| stored_chat.owner).or(ask.caller.account).map(|id| id.0),
            chat_id: ask.stored_chat.map(|stored_chat| stored_chat.chat.0),
            username: &ask.caller.username,
            is_guest: ask.caller.is_guest,
            model: &reply.model,
            requested_model: &reply.requested_model,
            response_model: reply.report.model.as_deref(),
            persona: ask.persona.as_ref().map(|persona| persona.id.as_str()),
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.completion,
            total_tokens: tokens.total(),
            usage_source: ended.usage_source,
            cost_usd: ended.cost.map(|cost| dollars(cost.total())),
            latency_ms: milliseconds(latency),
            model_ms: milliseconds(reply.asked_at.as_ref().map_or(Duration::ZERO, Instant::elapsed)),
            first_word_ms: ended.first_word.map(milliseconds),
            stream: ask.stream,
            attempts: reply.attempts,
            status: ended.status,
            code: ended.code,
            finish: ended.finish.as_str(),
            credential_source: reply.source.as_str(),
            message_chars: message.chars().count(),
            answer_chars: ended.chars,
            message: self.0.log_content.then_some(message),
            answer: text,
        }
    }

    /// The usage record for Papita of a turn of the model's that was answered, or cut off after it had cost something;
    /// where there is a Papita.
    pub(super) fn posting(
        &self,
        failed: bool,
        caller: &Caller,
        session: Option<&SessionId>,
        model: &str,
        usage: TokenUsage,
    ) -> Option<String> {
        let is_due = (!failed || usage.total() > 0) && model != basic::NAME;
        let wanted = is_due && self.0.credentials.expects_papita() && self.0.outbox.has_room();
        wanted.then(|| usage::record(caller, session, model, usage))?
    }
}

/// Whether a turn ended because its model was left, rather than by what the model did.
fn was_left(answer: &Result<Finish, TurnFailure>) -> bool {
    let is_out_of_time = |failure: &ModelFailure| matches!(failure, ModelFailure::Timeout | ModelFailure::Slow);
    match answer {
        Ok(finish) => *finish == Finish::Stopped,
        Err(TurnFailure::ClientGone | TurnFailure::Stopping) => true,
        Err(TurnFailure::Model(failure)) => is_out_of_time(failure),
        Err(_) => false,
    }
}

/// The end of a stream, for the diagnostics: the event of its request was written at its beginning.
fn tell_end(ended: &Ended<'_>) {
    let request_id = ended.ask.request_id.as_str();
    let Reply { model, attempts, .. } = ended.reply;
    let (finish, code, latency_ms) = (ended.finish.as_str(), ended.code, milliseconds(ended.latency));
    let cause = ended.failure.map(tracing::field::display);
    if ended.status >= 500 {
        tracing::warn!(request_id, model, attempts, finish, code, cause, latency_ms, "stream");
    } else {
        tracing::info!(request_id, model, attempts, finish, code, cause, latency_ms, "stream");
    }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "turns last seconds, not centuries")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
