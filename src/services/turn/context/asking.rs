//! The context hook, as turns ask it.

use std::{sync::Arc, time::Instant};

use opentelemetry::trace::SpanContext;

use super::record::{ContextLabels, ContextOutcome, ContextRecord};
use crate::{
    adapters::hooks::{ContextHook, ContextRequest, HookFailure},
    domain::prompt::{ContextText, PromptContext},
    foundation::trace::{attributes, outgoing},
    services::turn::{
        hook_metrics::HookMetrics,
        model_calls::{ModelAbilities, Routes},
        request::TurnRequest,
        spans::end_hook_span,
    },
};

/// Asks the context hook for texts about the questions of turns.
#[derive(Debug)]
pub(in crate::services::turn) struct Context {
    hook: Arc<ContextHook>,
    routes: Arc<Routes>,
    abilities: Arc<ModelAbilities>,
    metrics: HookMetrics<ContextLabels>,
}

impl Context {
    pub(in crate::services::turn) fn new(
        hook: Arc<ContextHook>,
        routes: Arc<Routes>,
        abilities: Arc<ModelAbilities>,
        metrics: HookMetrics<ContextLabels>,
    ) -> Self {
        Self { hook, routes, abilities, metrics }
    }

    /// Asks for texts about the question of a request for a model, and returns those that fit, with the record of the call.
    /// Returns `None` if the built-in responder answers, which has no use for them, and for a test of the model, whose question no
    /// visitor asks.
    pub(in crate::services::turn) async fn ask(
        &self,
        request: &TurnRequest,
        model: &str,
    ) -> Option<(ContextRecord, Option<PromptContext>)> {
        if request.is_model_test || self.routes.of(model).provider.credentials.demo_mode() {
            return None;
        }
        let asked = Instant::now();
        let call = self.metrics.begin(ContextLabels::new(ContextOutcome::Failed));
        let trace = request.trace.as_ref();
        let span = trace.and_then(|trace| trace.start_call(attributes::CONTEXT_HOOK));
        let answer = self.texts(request, outgoing(trace, span.as_ref())).await;
        let time = asked.elapsed();
        let has_reached_hook = answer.as_ref().err().is_none_or(|failure| failure.has_reached_hook());
        let without = |outcome| (ContextRecord::without_texts(outcome, time, has_reached_hook), None);
        let fit = |texts: &[ContextText]| {
            PromptContext::fit(
                request.persona.as_deref(),
                request.server_texts(),
                &request.messages,
                texts,
                self.abilities.of(model),
            )
        };
        let (record, context) = match &answer {
            Ok(texts) if texts.is_empty() => without(ContextOutcome::Empty),
            Ok(texts) => fit(texts).map_or_else(
                || without(ContextOutcome::Unused),
                |context| {
                    let (texts, sources) = (context.texts, context.sources.len());
                    (
                        ContextRecord { outcome: ContextOutcome::Used, time, texts, sources, has_reached_hook },
                        Some(context),
                    )
                },
            ),
            Err(_) => without(ContextOutcome::Failed),
        };
        end_hook_span(span, record.outcome.as_str(), answer.as_ref().err());
        match answer {
            Err(HookFailure::CircuitOpen) => call.discard(),
            _ => call.end(&ContextLabels::new(record.outcome)),
        }
        if let Err(failure) = answer {
            tracing::warn!(
                request_id = request.request_id,
                %failure,
                "the context hook gave no texts, and the turn goes on without"
            );
        }
        Some((record, context))
    }

    async fn texts(&self, request: &TurnRequest, span: Option<&SpanContext>) -> Result<Vec<ContextText>, HookFailure> {
        let asked = ContextRequest {
            question: request.question(),
            turn: request.hook_turn(),
            language: request.language.as_deref(),
        };
        self.hook.texts(&asked, request.address_hash(), span).await
    }
}
