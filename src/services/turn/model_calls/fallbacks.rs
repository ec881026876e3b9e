//! Fallbacks: other models answer where the requested one is unavailable.

use tokio::time::Instant;

use super::{
    call_record::CallRecord,
    call_request::{CallRequest, Target},
    retries::Retries,
};
use crate::{adapters::model::ModelFailure, domain::chat::Finish};

/// Calls the requested model of one turn and, where that is unavailable, its fallbacks.
pub(super) struct Fallbacks<'a, 'r> {
    /// The models of `FALLBACK_MODELS`, in the order in which they are called.
    pub(super) models: &'a [String],
    pub(super) retries: Retries<'r>,
    pub(super) request: CallRequest<'r>,
}

impl<'a> Fallbacks<'a, '_> {
    /// Calls models until one answers. If none does, fails with the failure of the requested one.
    pub(super) async fn call(&mut self, record: &mut CallRecord<'a>) -> Result<Finish, ModelFailure> {
        let requested = record.requested_model;
        let others = self.models.iter().filter(|model| *model != requested && self.request.may_use(model));
        let others = others.collect::<Vec<_>>();
        let failure = match self.call_model(requested, others.len(), record).await {
            Err(failure) if failure.kind().should_fall_back => failure,
            outcome => return outcome,
        };
        for (index, &model) in others.iter().enumerate() {
            if !self.request.may_call_again() || Instant::now() >= self.request.deadline {
                break;
            }
            let request_id = self.request.journal.request_id.as_str();
            tracing::info!(request_id, %failure, requested, model, "another model is asked");
            record.model = model;
            let next = self.call_model(model, others.len() - 1 - index, record).await;
            if next.is_ok() || !self.request.may_call_again() {
                return next;
            }
        }
        // The turn fails with the failure of the requested model, not with that of a fallback.
        record.model = requested;
        Err(failure)
    }

    /// Calls a model after which `remaining` others can be called.
    async fn call_model(
        &mut self,
        model: &str,
        remaining: usize,
        record: &mut CallRecord<'a>,
    ) -> Result<Finish, ModelFailure> {
        let target = Target { model, fallback_at: self.fallback_at(model, remaining) };
        self.retries.call(target, record).await
    }

    /// Returns the end of a model's share of the time, if it is called for a stream and there are other models.
    fn fallback_at(&self, model: &str, remaining: usize) -> Option<Instant> {
        let now = Instant::now();
        let shares = u32::try_from(remaining + 1).unwrap_or(u32::MAX);
        let share = self.request.deadline.saturating_duration_since(now) / shares;
        (remaining > 0 && self.retries.streams(model)).then(|| now + share)
    }
}
