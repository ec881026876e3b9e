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
mod retries;

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Instant};

pub(super) use self::{abilities::ModelAbilities, call_record::CallRecord, call_request::CallRequest};
use self::{
    attempts::Attempts, fallbacks::Fallbacks, key_rotation::KeyRotation, model_choice::chosen_model, retries::Retries,
};
use super::{
    failure::TurnFailure,
    guard::{AnswerEnd, Guard},
    idempotency::wait_unmarked,
    metrics::Metrics,
    request::TurnRequest,
};
use crate::{
    adapters::{
        credentials::{Access, Credential, Credentials},
        model::{Breakers, OpenAi, basic},
    },
    domain::{breaker::BreakerState, chat::Finish},
    foundation::config,
};

/// Calls models for all turns.
#[derive(Debug)]
pub(super) struct ModelCalls {
    settings: config::Model,
    client: OpenAi,
    abilities: Arc<ModelAbilities>,
    breakers: Breakers,
    credentials: Credentials,
    metrics: Arc<Metrics>,
    /// The guard that judges answers; `None` if nothing judges them.
    guard: Option<Arc<Guard>>,
}

impl ModelCalls {
    /// `models` are all models that may be called: each has a circuit breaker.
    pub(super) fn new(
        settings: &config::Model,
        models: &BTreeSet<&str>,
        client: OpenAi,
        abilities: Arc<ModelAbilities>,
        credentials: Credentials,
        metrics: Arc<Metrics>,
        guard: Option<Arc<Guard>>,
    ) -> Self {
        let breakers = Breakers::new(settings.breaker, models, &settings.fallbacks);
        Self { settings: settings.clone(), client, abilities, breakers, credentials, metrics, guard }
    }

    /// Returns the model to call for a turn. Fails if the client may not use the model that it names.
    pub(super) fn chosen_model<'a>(&'a self, request: &'a TurnRequest) -> Result<&'a str, TurnFailure> {
        let TurnRequest { model, persona, asker, .. } = request;
        chosen_model(&self.settings, model.as_deref(), persona.as_deref(), asker.tenant.as_ref())
    }

    /// Returns the state of each model's circuit breaker, by model name.
    pub(super) fn breaker_states(&self) -> Vec<(&str, BreakerState)> {
        let mut states = self.breakers.states().collect::<Vec<_>>();
        states.sort_unstable_by_key(|(model, _)| *model);
        states
    }

    /// Whether a silent model is probably being loaded by its server.
    pub(super) fn is_loading(&self, model: &str) -> bool {
        self.client.is_loading(model)
    }

    /// Writes an answer to the journal, from a model or from the built-in responder.
    pub(super) async fn answer<'a>(
        &'a self,
        request: CallRequest<'_>,
        record: &mut CallRecord<'a>,
    ) -> Result<Finish, TurnFailure> {
        let access = wait_unmarked(request.claim, pin!(self.credentials.access(&self.settings))).await;
        record.started_at.get_or_insert_with(Instant::now);
        let key = match access {
            Access::Key(credential) => Some(credential),
            Access::NoKeyNeeded => None,
            Access::BuiltIn => return Ok(answer_built_in(request, record).await),
            Access::Missing(missing) => return Err(missing.into()),
        };
        if let Some(claim) = request.claim {
            claim.mark_for_good().await?;
        }
        let finish = self.layers(request, key).call(record).await?;
        match &record.ended_by_guard {
            None => Ok(finish),
            Some(AnswerEnd::Cut { .. }) => Ok(Finish::ContentFilter),
            Some(AnswerEnd::Failed(failure)) => Err(failure.clone()),
        }
    }

    fn layers<'a, 'r>(&'a self, request: CallRequest<'r>, key: Option<Credential>) -> Fallbacks<'a, 'r>
    where
        'a: 'r,
    {
        let Self { settings, client, abilities, breakers, credentials, metrics, guard } = self;
        let guard = guard.as_deref();
        let attempts = Attempts { client, abilities, metrics, settings, guard, request };
        let keys = KeyRotation { credentials, key, attempts };
        let retries = Retries { limit: settings.retries, breakers, keys, request };
        Fallbacks { models: &settings.fallbacks, retries, request }
    }
}

async fn answer_built_in(request: CallRequest<'_>, record: &mut CallRecord<'_>) -> Finish {
    let CallRequest { messages, persona, journal, .. } = request;
    record.model = basic::NAME;
    journal.note_call(record.to_noted(basic::NAME));
    journal.begin();
    for word in basic::reply(messages, persona).split_inclusive(' ') {
        journal.append(word).await;
    }
    Finish::Complete
}
