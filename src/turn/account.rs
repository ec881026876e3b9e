//! What is kept of a turn: its line in the session log, its record for the database, its usage record for Papita, its
//! part in the metrics.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{
    Ask, Told, TurnFailure, Turns,
    answer::{Answer, Reply},
    journal::Journal,
    metrics::EndedTurn,
};
use crate::{
    chat::{Finish, Speaker},
    cost::{Cost, TokenUsage, dollars, estimate},
    model::basic,
    session::SessionId,
    session_log::Chat,
    storage::TurnRecord,
    usage,
};

/// How a turn ended.
pub(super) struct Outcome {
    pub(super) answer: Result<Answer, TurnFailure>,
    /// Whether nobody waited for the answer any more.
    pub(super) is_abandoned: bool,
}

/// The tokens of a turn, and who says so.
#[derive(Clone, Copy)]
enum Usage {
    Told(TokenUsage),
    Estimated(TokenUsage),
    /// The model gave neither figures nor text, or it was the built-in responder.
    None,
}

impl Usage {
    fn of(ask: &Ask, reply: &Reply, journal: &Journal, told: Option<TokenUsage>) -> Self {
        match told {
            Some(usage) => Self::Told(usage),
            None if reply.model == basic::NAME || !journal.has_text() => Self::None,
            None => {
                let prompt = estimate::prompt_tokens(ask.messages.iter().map(|message| message.content.as_str()));
                Self::Estimated(TokenUsage { prompt, completion: journal.estimated_tokens() })
            }
        }
    }

    fn tokens(self) -> TokenUsage {
        match self {
            Self::Told(usage) | Self::Estimated(usage) => usage,
            Self::None => TokenUsage::default(),
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Told(_) => "provider",
            Self::Estimated(_) => "estimated",
            Self::None => "none",
        }
    }
}

/// A turn that has ended, with all that is kept of it.
struct Ended<'a> {
    ask: &'a Ask,
    reply: &'a Reply,
    /// The answer's text, if it is to be logged, and its characters in any case.
    text: Option<&'a str>,
    chars: usize,
    outcome: &'a Outcome,
    usage: Usage,
    cost: Option<Cost>,
    latency: Duration,
    first_word: Option<Duration>,
}

impl Ended<'_> {
    /// What to tell of it: a failure, also where the answer came but found nobody.
    fn failure(&self) -> Option<&TurnFailure> {
        let abandoned = self.outcome.is_abandoned.then_some(&TurnFailure::ClientGone);
        self.outcome.answer.as_ref().err().or(abandoned)
    }

    fn finish(&self) -> Finish {
        match (&self.outcome.answer, self.failure()) {
            (Ok(answer), None) => answer.finish,
            (_, Some(failure)) | (Err(failure), _) => failure.finish(),
        }
    }
}

impl Turns {
    /// `None` when the price or the usage is not known. The built-in responder is free.
    pub(super) fn cost(&self, model: &str, usage: Option<TokenUsage>) -> Option<Cost> {
        if model == basic::NAME { Some(Cost::default()) } else { self.0.prices.cost(model, usage?) }
    }

    /// Logs and counts the turn. Only then is it answered; and if it cannot be logged, it isn't.
    pub(super) async fn account(
        &self,
        ask: &Ask,
        reply: &Reply,
        journal: &Journal,
        outcome: Outcome,
    ) -> Result<Told, TurnFailure> {
        let at = self.0.clock.now();
        let usage = Usage::of(ask, reply, journal, outcome.answer.as_ref().ok().and_then(|answer| answer.usage));
        let known = (!matches!(usage, Usage::None)).then(|| usage.tokens());
        let text = self.0.log_content.then(|| journal.text());
        let ended = Ended {
            ask,
            reply,
            text: text.as_deref(),
            chars: journal.chars(),
            outcome: &outcome,
            usage,
            cost: self.cost(&reply.model, known),
            latency: ask.arrived.elapsed(),
            first_word: journal.first_word_at().map(|at| at.duration_since(ask.arrived)),
        };
        let mut lines = self.0.log.lines(at);
        lines.add(&self.line(&ended));
        let record = self.record(&ended, at);
        if ask.stream {
            self.tell_end(&ended);
        }
        self.0.metrics.count(&EndedTurn {
            model: &reply.model,
            finish: ended.finish(),
            usage: usage.tokens(),
            latency: ended.latency,
            first_word: ended.first_word,
        });
        // What was spent is counted even if it cannot be logged and so is not answered.
        let storage = self.0.storage.clone();
        let logged = self.0.log.write_then(lines, move |place| storage.keep_turn(record, place)).await;
        let Answer { finish, .. } = outcome.answer?;
        logged.map_err(|_| TurnFailure::LogUnavailable)?;
        Ok(Told { model: reply.model.clone(), usage: usage.tokens(), finish, at })
    }

    /// The end of a stream, for the diagnostics: the event of its request was written at its beginning.
    fn tell_end(&self, ended: &Ended<'_>) {
        let request_id = ended.ask.request_id.as_str();
        let Ended { reply: Reply { model, attempts, .. }, .. } = ended;
        let (finish, latency_ms) = (ended.finish().as_str(), milliseconds(ended.latency));
        let Some(failure) = ended.failure() else {
            tracing::info!(request_id, model, attempts, finish, latency_ms, "stream");
            return;
        };
        let (status, code) = (self.0.telling)(failure);
        if status >= 500 {
            tracing::warn!(request_id, model, attempts, finish, code, cause = %failure, latency_ms, "stream");
        } else {
            tracing::info!(request_id, model, attempts, finish, code, cause = %failure, latency_ms, "stream");
        }
    }

    fn record(&self, ended: &Ended<'_>, at: Timestamp) -> TurnRecord {
        let Ended { ask, reply, .. } = ended;
        let (failed, usage) = (ended.failure().is_some(), ended.usage.tokens());
        TurnRecord {
            at,
            request_id: ask.request_id.clone(),
            session_id: ask.session_id.clone(),
            model: reply.model.clone(),
            failed,
            usage,
            cost: ended.cost.unwrap_or_default(),
            latency: ended.latency,
            posting: self.posting(failed, &ask.speaker, ask.session_id.as_ref(), &reply.model, usage),
        }
    }

    fn line<'a>(&self, ended: &Ended<'a>) -> Chat<'a> {
        let &Ended { ask, reply, text, latency, .. } = ended;
        let (status, code) = ended.failure().map_or((200, None), |failure| {
            let (status, code) = (self.0.telling)(failure);
            (status, Some(code))
        });
        let tokens = ended.usage.tokens();
        let message = ask.messages.last().map_or("", |message| message.content.as_str());
        Chat {
            request_id: &ask.request_id,
            session_id: ask.session_id.as_ref().map(SessionId::as_str),
            username: &ask.speaker.username,
            is_guest: ask.speaker.is_guest,
            model: &reply.model,
            requested_model: &reply.requested_model,
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.completion,
            total_tokens: tokens.total(),
            usage_source: ended.usage.source(),
            cost_usd: ended.cost.map(|cost| dollars(cost.total())),
            latency_ms: milliseconds(latency),
            model_ms: milliseconds(reply.asked_at.as_ref().map_or(Duration::ZERO, Instant::elapsed)),
            first_word_ms: ended.first_word.map(milliseconds),
            stream: ask.stream,
            attempts: reply.attempts,
            status,
            code,
            finish: ended.finish().as_str(),
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
        speaker: &Speaker,
        session: Option<&SessionId>,
        model: &str,
        usage: TokenUsage,
    ) -> Option<String> {
        let is_due = (!failed || usage.total() > 0) && model != basic::NAME;
        let wanted = is_due && self.0.credentials.expects_papita() && self.0.delivery.has_room();
        wanted.then(|| usage::record(speaker, session, model, usage))?
    }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "turns last seconds, not centuries")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
