//! What is kept of a turn: its line in the session log, its record for the database, its usage record for Papita.

use std::time::Duration;

use super::{Ask, Told, TurnFailure, Turns, answer::Reply};
use crate::{
    chat::Speaker,
    cost::{Cost, TokenUsage, dollars},
    model::{Answer, basic},
    session::SessionId,
    session_log::Chat,
    storage::TurnRecord,
    usage,
};

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
        outcome: Result<Answer, TurnFailure>,
    ) -> Result<Told, TurnFailure> {
        let at = self.0.clock.now();
        let latency = ask.arrived.elapsed();
        let usage = outcome.as_ref().ok().and_then(|answer| answer.usage);
        let cost = self.cost(&reply.model, usage);
        let mut lines = self.0.log.lines(at);
        lines.add(&self.line(ask, reply, &outcome, cost, latency));
        let record = TurnRecord {
            at,
            request_id: ask.request_id.clone(),
            session_id: ask.session_id.clone(),
            model: reply.model.clone(),
            failed: outcome.is_err(),
            usage: usage.unwrap_or_default(),
            cost: cost.unwrap_or_default(),
            latency,
            posting: if outcome.is_ok() {
                self.posting(&ask.speaker, ask.session_id.as_ref(), &reply.model, usage.unwrap_or_default())
            } else {
                None
            },
        };
        // What was spent is counted even if it cannot be logged and so is not answered.
        let storage = self.0.storage.clone();
        let logged = self.0.log.write_then(lines, move |place| storage.keep_turn(record, place)).await;
        let answer = outcome?;
        logged.map_err(|_| TurnFailure::LogUnavailable)?;
        Ok(Told::new(answer, &reply.model, at))
    }

    fn line<'a>(
        &self,
        ask: &'a Ask,
        reply: &'a Reply,
        outcome: &'a Result<Answer, TurnFailure>,
        cost: Option<Cost>,
        latency: Duration,
    ) -> Chat<'a> {
        let (status, code) = match outcome {
            Ok(_) => (200, None),
            Err(failure) => {
                let (status, code) = (self.0.telling)(failure);
                (status, Some(code))
            }
        };
        let answer = outcome.as_ref().ok();
        let usage = answer.and_then(|answer| answer.usage);
        let tokens = usage.unwrap_or_default();
        let message = ask.messages.last().map_or("", |message| message.content.as_str());
        let text = answer.map_or("", |answer| answer.text.as_str());
        Chat {
            request_id: &ask.request_id,
            session_id: ask.session_id.as_ref().map(SessionId::as_str),
            username: &ask.speaker.username,
            is_guest: ask.speaker.is_guest,
            model: &reply.model,
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.completion,
            total_tokens: tokens.total(),
            usage_source: if usage.is_some() { "provider" } else { "none" },
            cost_usd: cost.map(|cost| dollars(cost.total())),
            latency_ms: milliseconds(latency),
            model_ms: milliseconds(reply.asked_at.map_or(Duration::ZERO, |asked_at| asked_at.elapsed())),
            status,
            code,
            finish: outcome.as_ref().map_or_else(TurnFailure::finish, |answer| answer.finish).as_str(),
            credential_source: reply.source.as_str(),
            message_chars: message.chars().count(),
            answer_chars: text.chars().count(),
            message: self.0.log_content.then_some(message),
            answer: self.0.log_content.then_some(text),
        }
    }

    /// The usage record for Papita of an answered turn: of the model's, where there is a Papita.
    pub(super) fn posting(
        &self,
        speaker: &Speaker,
        session: Option<&SessionId>,
        model: &str,
        usage: TokenUsage,
    ) -> Option<String> {
        let wanted = model != basic::NAME && self.0.credentials.expects_papita() && self.0.delivery.has_room();
        wanted.then(|| usage::record(speaker, session, model, usage))?
    }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "turns last seconds, not centuries")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
