//! The answer of a turn: calls to models within the turn's time, until it is answered or cancelled.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    select,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    admission::Admission,
    answer_limits::AnswerLimits,
    ending::Ending,
    failure::TurnFailure,
    idempotency::{KeyClaim, wait_unmarked},
    journal::{Cancellation, Journal},
    model_calls::{CallRecord, CallRequest, ModelCalls},
    open_stream::OpenStreamRecorder,
    recording::{Recorder, TextLogging},
    request::TurnRequest,
};
use crate::{
    adapters::model::ModelFailure,
    domain::{
        chat::{Finish, Message, Role},
        limits::Asker,
        tenant::Tenant,
    },
    foundation::config::{self, Config, OnDisconnect},
};

/// Time between checks whether the model of an abandoned turn is still being loaded by its server.
const LOAD_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Answers turns.
#[derive(Debug)]
pub(super) struct Answerer {
    admission: Arc<Admission>,
    model_calls: Arc<ModelCalls>,
    recorder: Arc<Recorder>,
    limits: config::Turns,
    answer_limits: AnswerLimits,
    /// Cancelled when running turns must end.
    cut_off: CancellationToken,
}

impl Answerer {
    pub(super) fn new(
        admission: Arc<Admission>,
        model_calls: Arc<ModelCalls>,
        recorder: Arc<Recorder>,
        config: &Config,
        cut_off: CancellationToken,
    ) -> Self {
        let (limits, answer_limits) = (config.turns.clone(), AnswerLimits::new(config));
        Self { admission, model_calls, recorder, limits, answer_limits, cut_off }
    }

    /// Whether a turn would not have to wait for a permit now.
    pub(super) fn has_free_permit(&self, asker: &Asker) -> bool {
        self.admission.has_free_permit(asker)
    }

    /// Waits until all spending is paused, or the site on whose behalf a visitor asks.
    pub(super) async fn paused(&self, tenant: Option<&Tenant>) {
        self.admission.paused(tenant).await;
    }

    /// Writes the answer to the journal. Returns when it is complete, has failed, is out of time, or is cancelled.
    pub(super) async fn answer<'a>(
        &'a self,
        request: &TurnRequest,
        journal: &Journal,
        calls: &mut CallRecord<'a>,
        texts: &TextLogging,
        claim: Option<&KeyClaim>,
    ) -> Ending {
        if journal.is_stopped() {
            // While a hook was asked.
            return Ending { result: Ok(Finish::Stopped), was_abandoned: false };
        }
        // The time of a turn includes that of the hooks before it.
        let now = Instant::now();
        let started = now.checked_sub(calls.hook_time()).unwrap_or(now);
        let stream = request.stream;
        let stream_deadline = started + self.limits.stream_timeout;
        let deadline = started + self.limits.timeout;
        let deadline = if stream { deadline.min(stream_deadline) } else { deadline };
        if deadline <= now {
            // The hooks took all the time: no model is asked for nothing.
            return Ending { result: Err(ModelFailure::Timeout.into()), was_abandoned: false };
        }
        let mut is_abandoned = false;
        let requested_model = calls.requested_model;
        let out_of_time = async {
            if !stream {
                return sleep_until(deadline).await;
            }
            let mut records = OpenStreamRecorder::new(&self.recorder, request, journal, texts, requested_model);
            records.record_until(deadline).await;
            if journal.is_answering() {
                records.record_until(stream_deadline).await;
            }
        };
        let result = select! {
            biased;
            // First, so that no model is asked if there was a pause since the start of the turn.
            () = self.paused(request.asker.tenant.as_ref()) => Err(TurnFailure::SitePaused),
            result = self.call_models(request, deadline, journal, calls, claim) => result,
            result = self.cancelled(journal, &mut is_abandoned) => result,
            () = out_of_time => Err(ModelFailure::Timeout.into()),
            () = self.cut_off.cancelled() => Err(TurnFailure::Stopping),
        };
        let result = match result {
            Err(TurnFailure::Model(ModelFailure::Timeout)) if calls.give_up_guard() => {
                Err(TurnFailure::GuardUnavailable)
            }
            result => result,
        };
        Ending { result, was_abandoned: is_abandoned && !journal.has_readers() }
    }

    /// Waits for a permit and calls models. In a stored chat, a conversation that is too long for the model is
    /// shortened and sent again: not all context windows are known, and a long chat must remain usable.
    async fn call_models<'a>(
        &'a self,
        request: &TurnRequest,
        deadline: Instant,
        journal: &Journal,
        calls: &mut CallRecord<'a>,
        claim: Option<&KeyClaim>,
    ) -> Result<Finish, TurnFailure> {
        let (caller_hash, address_hash) = (request.caller_hash(), request.address_hash());
        let answer_limit = self.answer_limits.of(request);
        let TurnRequest { persona, options, stream, stored_chat, asker, .. } = request;
        let (mut messages, persona, stream) = (request.messages.as_slice(), persona.as_deref(), *stream);
        let tenant = asker.tenant.as_ref();
        let _permit = wait_unmarked(claim, pin!(self.admission.acquire_permit(asker))).await?;
        let instruction = request.instruction(false);
        let with_texts = request.context.as_ref().and_then(|_| request.instruction(true));
        loop {
            let call = CallRequest {
                caller_hash,
                address_hash,
                messages,
                persona,
                instruction: instruction.as_deref(),
                instruction_with_texts: with_texts.as_deref(),
                options: options.as_deref(),
                tenant,
                answer_limit,
                stream,
                deadline,
                journal,
                claim,
                trace: request.trace.as_ref(),
            };
            match self.model_calls.answer(call, calls).await {
                Err(TurnFailure::Model(ModelFailure::PromptTooLong)) if stored_chat.is_some() && messages.len() > 1 => {
                    messages = without_older_half(messages);
                }
                result => return result,
            }
        }
    }

    /// Resolves when the turn is stopped, or ends because it has no readers. With `ON_DISCONNECT=drain` a turn without
    /// readers goes on; then `is_abandoned` is set.
    async fn cancelled(&self, journal: &Journal, is_abandoned: &mut bool) -> Result<Finish, TurnFailure> {
        loop {
            match journal.cancelled(!*is_abandoned).await {
                Cancellation::Stopped => {
                    *is_abandoned = false;
                    return Ok(Finish::Stopped);
                }
                Cancellation::Abandoned if self.limits.on_disconnect == OnDisconnect::Drain => {
                    *is_abandoned = true;
                    journal.ignore_readers();
                }
                Cancellation::Abandoned => {
                    self.wait_for_loading(journal).await;
                    if journal.try_abandon() {
                        return Err(TurnFailure::ClientGone);
                    }
                }
            }
        }
    }

    /// Waits while the called model is being loaded and nobody reads: a server stops loading a model when its request is
    /// closed.
    async fn wait_for_loading(&self, journal: &Journal) {
        while let Some(model) = journal.silent_model_without_reader()
            && self.model_calls.is_loading(&model)
        {
            let _ = timeout(LOAD_CHECK_INTERVAL, journal.wait_for_answer_or_reader()).await;
        }
    }
}

/// Returns the messages without the older half of the history, from the start of a turn to the start of another.
fn without_older_half(messages: &[Message]) -> &[Message] {
    let history = messages.len().saturating_sub(1);
    let half = history.div_ceil(2);
    let starts_turn = |message: &Message| message.role == Role::User;
    let kept = messages.iter().skip(half).position(starts_turn);
    messages.get(kept.map_or(history, |index| half + index)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(roles: &[Role]) -> Vec<Message> {
        roles.iter().enumerate().map(|(index, role)| Message::new(*role, index.to_string())).collect()
    }

    #[test]
    fn the_older_half_ends_at_the_start_of_a_turn() {
        use Role::{Assistant, User};
        let messages = conversation(&[User, Assistant, User, Assistant, User, Assistant, User]);
        let newer = without_older_half(&messages);
        assert_eq!(newer.first().map(|message| message.content.as_str()), Some("4"));
        assert_eq!(without_older_half(newer).len(), 1);
    }
}
