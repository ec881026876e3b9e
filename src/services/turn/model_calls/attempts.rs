//! A single call to a model.

use std::{pin::pin, time::Instant};

use opentelemetry::trace::SpanContext;
use tokio::{select, time::timeout_at};

use super::{
    call_record::CallRecord,
    call_request::{CallRequest, Target},
    routes::Route,
};
use crate::{
    adapters::{
        credentials::{Credential, KeyOrigin},
        model::{AnswerReport, AnswerStream, BreakerPermit, ModelError, ModelFailure, ModelRequest},
    },
    domain::{chat::Finish, errors::Billing, tenant::Tenant},
    foundation::{
        config::{self, ModelStream},
        trace::outgoing,
    },
    services::turn::{
        guard::{AnswerOrigin, Guard, GuardedAnswer},
        metrics::Metrics,
        spans::{end_call_span, start_call_span},
    },
};

/// Calls models for one turn, once each, and writes the answer to the turn's journal.
pub(super) struct Attempts<'r> {
    pub(super) metrics: &'r Metrics,
    pub(super) settings: &'r config::Model,
    /// The guard that judges answers; `None` if nothing judges them.
    pub(super) guard: Option<&'r Guard>,
    pub(super) request: CallRequest<'r>,
}

impl<'r> Attempts<'r> {
    /// Calls a model with a key. The first text of the answer is reported to the circuit breaker.
    pub(super) async fn call(
        &self,
        target: Target<'_>,
        key: Option<&Credential>,
        permit: &mut BreakerPermit,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelFailure> {
        let had_cost = std::mem::replace(&mut record.may_have_cost, true);
        let origin = key.map_or(KeyOrigin::NO_KEY, |credential| credential.origin);
        record.begin_call(origin, self.request.messages.len(), self.streams(target.route));
        self.metrics.count_attempt(target.model);
        self.request.journal.note_call(record.to_noted(target.model));
        let trace = self.request.trace;
        let span = start_call_span(trace, target.route, record.attempts);
        let outcome = match self.send(target, key, outgoing(trace, span.as_ref())).await {
            Ok(answer) => self.receive(answer, target, permit, record).await,
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.log_failure(&error, target, key));
        end_call_span(span, &record.report, &outcome);
        record.end_call(target.model, outcome.as_ref().err());
        if let Err(failure) = &outcome
            && failure.kind().billing == Billing::Unbilled
            && !self.has_used_tokens(&record.report)
        {
            record.may_have_cost = had_cost;
            if !had_cost {
                self.request.journal.note_unbilled_call();
            }
        }
        outcome
    }

    /// Whether a model is called for a stream.
    pub(super) fn streams(&self, route: Route<'_>) -> bool {
        let is_wanted = self.request.stream || self.settings.stream == ModelStream::Always;
        is_wanted && route.provider.client.streams(route.upstream)
    }

    async fn send(
        &self,
        target: Target<'_>,
        key: Option<&Credential>,
        span: Option<&SpanContext>,
    ) -> Result<AnswerStream, ModelError> {
        let key = key.map(|credential| &credential.key);
        let client = &target.route.provider.client;
        let request = ModelRequest { span, ..self.model_request(target) };
        let sending = client.ask(request, key, self.request.deadline);
        match target.fallback_at {
            Some(limit) => timeout_at(limit, sending).await.map_err(|_| ModelFailure::Slow)?,
            None => sending.await,
        }
    }

    fn model_request<'q>(&'q self, target: Target<'q>) -> ModelRequest<'q> {
        let CallRequest { messages, persona, options, .. } = self.request;
        let has_images = messages.iter().any(|message| !message.images.is_empty());
        let abilities = target.abilities;
        let reasons = abilities.is_openai_reasoning;
        let of_persona = persona.and_then(|persona| persona.temperature).filter(|_| !reasons);
        ModelRequest {
            model: target.route.upstream,
            instruction: target.instruction,
            messages,
            with_images: has_images && abilities.has_vision(),
            temperature: options.and_then(|options| options.temperature).or(of_persona),
            options,
            answer_limit: self.answer_limit(target),
            reasons,
            stream: self.streams(target.route),
            span: None,
        }
    }

    /// Returns the maximum length of an answer in tokens.
    fn answer_limit(&self, target: Target<'_>) -> Option<u32> {
        self.request.answer_limit.tokens(target.abilities.window)
    }

    /// Writes an answer to the journal while it arrives.
    async fn receive(
        &self,
        mut answer: AnswerStream,
        target: Target<'_>,
        permit: &mut BreakerPermit,
        record: &mut CallRecord<'_>,
    ) -> Result<Finish, ModelError> {
        if !answer.has_failed() {
            self.request.journal.begin();
        }
        // The record of a cancelled turn names the model that answered, too.
        record.report.model = answer.report().model;
        let received = match self.guard {
            None => self.receive_text(&mut answer, target, permit).await,
            Some(guard) => self.receive_judged(&mut answer, target, permit, guard, record).await,
        };
        record.report = answer.report();
        self.add_reasoning_allowance(target, record);
        received?;
        let finish = answer.finish();
        // Dropping an answer that the guard has ended closes its connection.
        record.complete = Some(answer).filter(|_| record.ended_by_guard.is_none());
        Ok(finish)
    }

    async fn receive_text(
        &self,
        answer: &mut AnswerStream,
        target: Target<'_>,
        permit: &mut BreakerPermit,
    ) -> Result<(), ModelError> {
        while let Some(text) = self.next(answer, target).await? {
            permit.record_success();
            self.request.journal.append(&text).await;
        }
        Ok(())
    }

    /// Writes an answer to the journal as far as the guard lets it go on, and reads on meanwhile. What was received of an answer
    /// that fails is judged, too, if the client reads a stream.
    async fn receive_judged(
        &self,
        answer: &mut AnswerStream,
        target: Target<'_>,
        permit: &mut BreakerPermit,
        guard: &'r Guard,
        record: &mut CallRecord<'_>,
    ) -> Result<(), ModelError> {
        let mut output = GuardedAnswer::new(guard, self.answer_origin());
        loop {
            let received = {
                let mut next = pin!(self.next(answer, target));
                loop {
                    let waiting = record.waits_for_guard_since.unwrap_or_else(Instant::now);
                    record.waits_for_guard_since = (!output.has_room()).then_some(waiting);
                    select! {
                        biased;
                        judged = output.judged() => {
                            if let Err(end) = output.release(judged, &mut record.guard).await {
                                record.ended_by_guard = Some(end);
                                return Ok(());
                            }
                        }
                        received = &mut next, if output.has_room() => break received,
                    }
                }
            };
            match received {
                Ok(Some(text)) => {
                    permit.record_success();
                    output.add(&text);
                }
                Ok(None) => {
                    // The turn may end during the last judgement.
                    record.report = answer.report();
                    record.waits_for_guard_since = Some(Instant::now());
                    record.ended_by_guard = output.finish(&mut record.guard).await.err();
                    record.waits_for_guard_since = None;
                    return Ok(());
                }
                Err(failure) => {
                    if self.request.stream {
                        // The turn fails anyway.
                        let _ = output.finish(&mut record.guard).await;
                    }
                    return Err(failure);
                }
            }
        }
    }

    fn answer_origin(&self) -> AnswerOrigin<'r> {
        let CallRequest { address_hash: caller, persona, tenant, stream, journal, trace, .. } = self.request;
        let site = tenant.and_then(Tenant::site).map(|site| site.settings.id.as_str());
        AnswerOrigin { journal, stream, caller, site, persona: persona.map(|persona| persona.id.as_str()), trace }
    }

    /// Waits for the next piece of text. `Answerer` limits the time of a stream that has begun.
    async fn next(&self, answer: &mut AnswerStream, target: Target<'_>) -> Result<Option<String>, ModelError> {
        let (limit, failure) = match target.fallback_at {
            Some(limit) if self.request.may_call_again() => (limit, ModelFailure::Slow),
            _ if !self.request.stream => (self.request.deadline, ModelFailure::Timeout),
            _ => return answer.next().await,
        };
        timeout_at(limit, answer.next()).await.map_err(|_| failure)?
    }

    /// Adds a reasoning allowance to the token limit of a model that has reasoned, from its next call on. If reasoning
    /// used up the limit, the model is called again at once.
    fn add_reasoning_allowance(&self, target: Target<'_>, record: &mut CallRecord<'_>) {
        let report = &record.report;
        if report.has_reasoned && !report.had_reasoning_allowance {
            target.route.provider.client.note_reasoning(target.route.upstream);
            record.should_retry_with_reasoning = report.is_cut_by_limit && self.answer_limit(target).is_some();
        }
    }

    /// Whether the latest call certainly used tokens.
    fn has_used_tokens(&self, report: &AnswerReport) -> bool {
        self.request.journal.has_text() || report.usage.is_some() || report.has_reasoned
    }

    /// Logs a failed call with the reason of the provider or the network, which is not sent to clients.
    fn log_failure(&self, error: &ModelError, target: Target<'_>, key: Option<&Credential>) -> ModelFailure {
        let (request_id, failure, model) = (self.request.journal.request_id.as_str(), &error.failure, target.model);
        let secrets = target.route.provider.client.secrets(key.map(|credential| &credential.key));
        let reason = error.shown_reason(&secrets, self.model_request(target).texts());
        if reason.is_empty() {
            tracing::debug!(request_id, model, %failure, "a call to the model failed");
        } else {
            tracing::warn!(request_id, model, %failure, reason, "a call to the model failed");
        }
        error.failure.clone()
    }
}
