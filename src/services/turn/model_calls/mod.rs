//! Calls to models: the choice of the model and its key, retries, and the single call.
//!
//! One call passes through four layers, each in its file: the choice of models (`fallbacks`), retries behind a circuit
//! breaker (`retries`), the choice of keys (`key_rotation`), and a single call (`attempts`).

mod abilities;
mod attempts;
mod call_record;
mod call_request;
mod fallbacks;
mod key_rotation;
mod model_choice;
mod provider_access;
mod retries;
mod routes;

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Instant};

pub use self::provider_access::ProviderAccess;
pub(super) use self::{
    abilities::ModelAbilities,
    call_record::CallRecord,
    call_request::CallRequest,
    routes::{Route, Routes},
};
use self::{
    attempts::Attempts,
    fallbacks::Fallbacks,
    key_rotation::{KeyRotation, Preparation, preparation},
    model_choice::chosen_model,
    retries::Retries,
};
use super::{
    failure::TurnFailure,
    guard::{AnswerEnd, Guard},
    idempotency::wait_unmarked,
    metrics::Metrics,
    request::TurnRequest,
    spans::end_key_span,
};
use crate::{
    adapters::{
        credentials::Access,
        model::{Breakers, basic},
    },
    domain::{breaker::BreakerState, chat::Finish, persona::Persona, tenant::Tenant},
    foundation::{
        config::{self, ProviderIndex},
        trace::attributes,
    },
};

/// Calls models for all turns.
#[derive(Debug)]
pub(super) struct ModelCalls {
    settings: config::Model,
    routes: Arc<Routes>,
    abilities: Arc<ModelAbilities>,
    breakers: Breakers,
    metrics: Arc<Metrics>,
    /// The guard that judges answers; `None` if nothing judges them.
    guard: Option<Arc<Guard>>,
}

impl ModelCalls {
    /// `models` are all models that may be called: each has a circuit breaker.
    pub(super) fn new(
        settings: &config::Model,
        models: &BTreeSet<&str>,
        routes: Arc<Routes>,
        abilities: Arc<ModelAbilities>,
        metrics: Arc<Metrics>,
        guard: Option<Arc<Guard>>,
    ) -> Self {
        let may_answer = |model: &str, other: &String| other != model && !routes.of(other).lacks_key();
        let has_fallback = |model: &str| settings.fallbacks_of(model).iter().any(|other| may_answer(model, other));
        let breakers = Breakers::new(settings.breaker, models, has_fallback);
        Self { settings: settings.clone(), routes, abilities, breakers, metrics, guard }
    }

    /// Returns the model to call for a turn. Fails if the client may not use the model that it names.
    pub(super) fn chosen_model<'a>(&'a self, request: &'a TurnRequest) -> Result<&'a str, TurnFailure> {
        let TurnRequest { model, persona, asker, .. } = request;
        chosen_model(&self.settings, model.as_deref(), persona.as_deref(), asker.tenant.as_ref())
    }

    /// Whether a model, or the one of a persona, may answer on behalf of a tenant.
    pub(super) fn may_answer(&self, model: Option<&str>, persona: Option<&Persona>, tenant: Option<&Tenant>) -> bool {
        chosen_model(&self.settings, model, persona, tenant).is_ok()
    }

    /// Returns the state of each model's circuit breaker, by model name.
    pub(super) fn breaker_states(&self) -> Vec<(&str, BreakerState)> {
        let mut states = self.breakers.states().collect::<Vec<_>>();
        states.sort_unstable_by_key(|(model, _)| *model);
        states
    }

    /// Whether a silent model is probably being loaded by its server.
    pub(super) fn is_loading(&self, model: &str) -> bool {
        let route = self.routes.of(model);
        route.provider.client.is_loading(route.upstream)
    }

    /// Writes an answer to the journal, from a model or from the built-in responder.
    pub(super) async fn answer<'a>(
        &'a self,
        request: CallRequest<'_>,
        record: &mut CallRecord<'a>,
    ) -> Result<Finish, TurnFailure> {
        let requested = record.requested_model;
        let route = self.routes.of(requested);
        let span = request.trace.and_then(|trace| trace.start_internal(attributes::KEY));
        let access = wait_unmarked(request.claim, pin!(route.provider.credentials.access())).await;
        end_key_span(span, &route.provider.name, &access);
        record.started_at.get_or_insert_with(Instant::now);
        if matches!(access, Access::BuiltIn) {
            return Ok(answer_built_in(request, record).await);
        }
        let preparation = preparation(access, &route.provider.credentials);
        let finish = self.layers(request, requested, (route.index, preparation)).call(record).await?;
        match &record.ended_by_guard {
            None => Ok(finish),
            Some(AnswerEnd::Cut { .. }) => Ok(Finish::ContentFilter),
            Some(AnswerEnd::Failed(failure)) => Err(failure.clone()),
        }
    }

    /// `provider` is that of the requested model.
    fn layers<'a, 'r>(
        &'a self,
        request: CallRequest<'r>,
        requested: &str,
        provider: (ProviderIndex, Preparation),
    ) -> Fallbacks<'a, 'r>
    where
        'a: 'r,
    {
        let Self { settings, routes, abilities, breakers, metrics, guard } = self;
        let guard = guard.as_deref();
        let attempts = Attempts { metrics, settings, guard, request };
        let keys = KeyRotation { provider, attempts };
        let retries = Retries { limit: settings.retries, breakers, keys, request };
        let models = settings.fallbacks_of(requested);
        Fallbacks { models, routes, abilities, retries, request, is_marked: false }
    }
}

async fn answer_built_in(request: CallRequest<'_>, record: &mut CallRecord<'_>) -> Finish {
    let CallRequest { messages, persona, journal, .. } = request;
    record.model = basic::NAME;
    record.note_unused_context();
    journal.note_call(record.to_noted(basic::NAME));
    journal.begin();
    for word in basic::reply(messages, persona).split_inclusive(' ') {
        journal.append(word).await;
    }
    Finish::Complete
}
