//! The spans of turns, and what they say.

use opentelemetry::{Array, KeyValue, StringValue, Value, trace::SpanKind};

use super::model_calls::Route;
use crate::{
    adapters::{
        credentials::Access,
        hooks::HookFailure,
        model::{AnswerReport, ModelFailure},
    },
    domain::chat::Finish,
    foundation::trace::{OpenSpan, RequestTrace, attributes},
};

/// Starts the span of a call to a model, the one with this number in its turn.
pub(super) fn start_call_span(trace: Option<&RequestTrace>, route: Route<'_>, attempt: u32) -> Option<OpenSpan> {
    let name = || format!("{} {}", attributes::MODEL_CALL, route.upstream).into();
    let mut span = trace?.start(SpanKind::Client, name)?;
    let url = route.provider.client.url();
    span.set([
        KeyValue::new(attributes::OPERATION, attributes::MODEL_CALL),
        KeyValue::new(attributes::PROVIDER, route.provider.name.clone()),
        KeyValue::new(attributes::REQUEST_MODEL, route.upstream.to_owned()),
        KeyValue::new(attributes::ATTEMPT, i64::from(attempt)),
        KeyValue::new(attributes::SERVER_ADDRESS, url.host_str().unwrap_or_default().to_owned()),
    ]);
    span.set(url.port_or_known_default().map(|port| KeyValue::new(attributes::SERVER_PORT, i64::from(port))));
    Some(span)
}

/// Ends the span of a call to a model that has ended.
pub(super) fn end_call_span(span: Option<OpenSpan>, report: &AnswerReport, outcome: &Result<Finish, ModelFailure>) {
    let Some(mut span) = span else { return };
    if let Some(usage) = report.usage {
        span.set([tokens(attributes::INPUT_TOKENS, usage.prompt), tokens(attributes::OUTPUT_TOKENS, usage.completion)]);
    }
    span.set(report.model.clone().map(|model| KeyValue::new(attributes::RESPONSE_MODEL, model)));
    match outcome {
        Ok(finish) => {
            span.set([finish_reasons(*finish)]);
            span.succeed();
        }
        Err(failure) => span.fail(failure.kind().error.code),
    }
}

/// Ends the span of asking a hook.
pub(super) fn end_hook_span(span: Option<OpenSpan>, outcome: &'static str, failure: Option<&HookFailure>) {
    let Some(mut span) = span else { return };
    span.set([KeyValue::new(attributes::OUTCOME, outcome)]);
    match failure {
        None => span.succeed(),
        Some(failure) => span.fail(failure.code()),
    }
}

/// Ends the span of looking for the key of a provider.
pub(super) fn end_key_span(span: Option<OpenSpan>, provider: &str, access: &Access) {
    let Some(mut span) = span else { return };
    span.set([
        KeyValue::new(attributes::PROVIDER, provider.to_owned()),
        KeyValue::new(attributes::KEY_SOURCE, access.source().as_str()),
    ]);
    match access {
        Access::Missing(_) => span.fail("no_key"),
        _ => span.succeed(),
    }
}

/// Returns the attribute of a number of tokens.
pub(super) fn tokens(name: &'static str, number: u64) -> KeyValue {
    KeyValue::new(name, i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns the attribute of the reason for the end of an answer.
pub(super) fn finish_reasons(finish: Finish) -> KeyValue {
    let reasons = vec![StringValue::from(finish.as_str())];
    KeyValue::new(attributes::FINISH_REASONS, Value::Array(Array::String(reasons)))
}
