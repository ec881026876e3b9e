//! Fallbacks: other models answer where the requested one is unavailable.

use std::pin::pin;

use tokio::time::Instant;

use super::{
    abilities::ModelAbilities,
    call_record::CallRecord,
    call_request::{CallRequest, Target},
    retries::Retries,
    routes::{Route, Routes},
};
use crate::{
    adapters::model::ModelFailure,
    domain::chat::Finish,
    services::turn::{failure::TurnFailure, idempotency::wait_unmarked},
};

/// Calls the requested model of one turn and, where that is unavailable, its fallbacks.
pub(super) struct Fallbacks<'a, 'r> {
    /// The other models, in the order in which they are called.
    pub(super) models: &'a [String],
    pub(super) routes: &'a Routes,
    pub(super) abilities: &'a ModelAbilities,
    pub(super) retries: Retries<'r>,
    pub(super) request: CallRequest<'r>,
    /// Whether the turn's idempotency key is marked, as it must be before the first call.
    pub(super) is_marked: bool,
}

impl<'a> Fallbacks<'a, '_> {
    /// Calls models until one answers. If none does, fails with the failure of the requested one.
    pub(super) async fn call(&mut self, record: &mut CallRecord<'a>) -> Result<Finish, TurnFailure> {
        let requested = record.requested_model;
        let others = self.models.iter().filter(|model| *model != requested && self.request.may_use(model));
        let others = others.collect::<Vec<_>>();
        let routes = self.routes;
        // A model for which there certainly is no key gets no share of the time.
        let callable = |models: &[&String]| models.iter().filter(|model| !routes.of(model).lacks_key()).count();
        let failure = match self.call_model(requested, callable(&others), record).await {
            Err(failure) if failure.kind().should_fall_back => failure,
            outcome => return outcome,
        };
        let mut refusing = Vec::new();
        if needs_other_provider(&failure) {
            refusing.push(routes.of(requested).index);
        }
        for (index, &model) in others.iter().enumerate() {
            if !self.request.may_call_again() || Instant::now() >= self.request.deadline {
                break;
            }
            let provider = routes.of(model);
            if refusing.contains(&provider.index) {
                continue;
            }
            let request_id = self.request.journal.request_id.as_str();
            tracing::info!(request_id, %failure, requested, model, "another model is asked");
            record.model = model;
            let later = others.get(index + 1..).unwrap_or_default();
            let next = match self.call_model(model, callable(later), record).await {
                Err(next @ (TurnFailure::NoCredential(_) | TurnFailure::Model(_))) if self.request.may_call_again() => {
                    next
                }
                outcome => return outcome,
            };
            if let TurnFailure::NoCredential(none) = next {
                let provider = provider.provider.name.as_str();
                tracing::warn!(request_id, model, provider, %none, "a model is passed over, as there is no key for it");
            }
            if needs_other_provider(&next) {
                refusing.push(provider.index);
            }
        }
        // The turn fails with the failure of the requested model, not with that of a fallback.
        record.model = requested;
        Err(failure)
    }

    /// Calls a model after which `remaining` others can be called. If the prompt is too long for it, it is called without the texts
    /// of the context hook, and so are the others.
    async fn call_model(
        &mut self,
        model: &'a str,
        remaining: usize,
        record: &mut CallRecord<'a>,
    ) -> Result<Finish, TurnFailure> {
        let route = self.routes.of(model);
        wait_unmarked(self.request.claim, pin!(self.retries.keys.prepare(route))).await?;
        if let Some(claim) = self.request.claim.filter(|_| !self.is_marked) {
            claim.mark_for_good().await?;
            self.is_marked = true;
        }
        loop {
            let (abilities, instruction) = (self.abilities.of(model), self.request.instruction(record));
            let target =
                Target { model, route, abilities, instruction, fallback_at: self.fallback_at(route, remaining) };
            match self.retries.call(target, record).await {
                // The texts fit into the window of the requested model, as far as that is known.
                Err(ModelFailure::PromptTooLong) if record.has_context() => record.note_unused_context(),
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Returns the end of a model's share of the time, if it is called for a stream and there are other models.
    fn fallback_at(&self, route: Route<'_>, remaining: usize) -> Option<Instant> {
        let now = Instant::now();
        let shares = u32::try_from(remaining + 1).unwrap_or(u32::MAX);
        let share = self.request.deadline.saturating_duration_since(now) / shares;
        (remaining > 0 && self.retries.streams(route)).then(|| now + share)
    }
}

/// Whether other models of the same provider would fail in the same way: for want of a key that it accepts.
fn needs_other_provider(failure: &TurnFailure) -> bool {
    matches!(
        failure,
        TurnFailure::NoCredential(_) | TurnFailure::Model(ModelFailure::Unauthorized | ModelFailure::Forbidden)
    )
}
