//! The course of one turn, from its request to the end of its journal.

use std::{pin::pin, sync::Arc, time::Instant};

use tokio::select;
use tokio_util::sync::CancellationToken;

use super::{
    answerer::Answerer,
    context::{Context, ContextOutcome, ContextRecord},
    ending::Ending,
    failure::TurnFailure,
    guard::{Guard, Judgement},
    idempotency::{Idempotency, KeyClaim, wait_unmarked},
    journal::Journal,
    limits::{Reservation, TurnLimits},
    model_calls::CallRecord,
    recording::{Recorder, TextLogging},
    registry::Registry,
    request::TurnRequest,
    stored_chats::StoredChats,
    summary::TurnSummary,
};
use crate::{
    domain::{
        limits::Amounts,
        prompt::{self, PromptContext},
        tenant::Tenant,
    },
    foundation::trace::{OpenSpan, attributes},
};

/// Runs turns, each in the task that calls it.
#[derive(Debug)]
pub(super) struct TurnRunner {
    pub(super) limits: Arc<TurnLimits>,
    /// The owner's guard; `None` without one.
    pub(super) guard: Option<Arc<Guard>>,
    /// The owner's context hook; `None` without one.
    pub(super) context: Option<Context>,
    /// Whether turns go on without readers (`ON_DISCONNECT=drain`).
    pub(super) drains: bool,
    /// Cancelled when running turns must end.
    pub(super) cut_off: CancellationToken,
    pub(super) stored_chats: Arc<StoredChats>,
    pub(super) answerer: Answerer,
    pub(super) recorder: Arc<Recorder>,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) registry: Arc<Registry>,
}

impl TurnRunner {
    /// Whether a turn waits for hooks before it can ask a model.
    pub(super) fn has_hooks(&self) -> bool {
        self.guard.is_some() || self.context.is_some()
    }

    /// Runs a turn. The outcome is recorded, stored in the chat and with the key, the reservation is settled, and then the
    /// outcome is written to the journal.
    pub(super) async fn run(
        &self,
        mut request: TurnRequest,
        model: String,
        journal: Arc<Journal>,
        claim: Option<Box<KeyClaim>>,
        mut reservation: Reservation,
    ) {
        let _open = request.stream.then(|| self.recorder.metrics.open_stream());
        let running = RunningTurn { registry: &self.registry, journal };
        let journal = &running.journal;
        let mut calls = CallRecord::new(&model);
        let answering = self.answer_and_record(&mut request, journal, &mut calls, claim.as_deref(), &mut reservation);
        let result = answering.await;
        drop(reservation);
        let trace = request.trace.as_ref();
        if let Some(claim) = claim {
            let _settling = trace.and_then(|trace| trace.start_internal(attributes::SETTLE_KEY));
            self.idempotency.settle(&claim, journal, &result, calls.may_have_cost).await;
        }
        if let (Some(trace), Err(failure)) = (trace, &result) {
            // For turns that were not recorded.
            trace.note_error(failure.kind().error.code);
        }
        journal.end(result);
        if let Some(trace) = trace {
            trace.end();
        }
        // Reading the rest of the answer only makes its connection reusable, and needs neither the turn nor the
        // request.
        drop((running, request));
        if let Some(answer) = calls.complete {
            answer.read_out().await;
        }
    }

    /// Has the guard judge the question, if there is a guard. Fails if it may not be asked, and if the turn ends meanwhile.
    async fn judge(
        &self,
        request: &mut TurnRequest,
        journal: &Journal,
        calls: &mut CallRecord<'_>,
        claim: Option<&KeyClaim>,
    ) -> Result<(), TurnFailure> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let (begun, tenant) = (Instant::now(), request.asker.tenant.clone());
        let waited = self.wait_for_hook(guard.judge_question(request), tenant.as_ref(), journal, claim).await;
        let (judgement, judged) =
            waited.unwrap_or_else(|failure| (Judgement::abandoned(begun.elapsed()), Err(failure)));
        calls.guard.question = Some(judgement);
        judged?;
        if calls.guard.has_masked_question() {
            journal.note_masked_question(request.question());
        }
        Ok(())
    }

    /// Asks the context hook for texts about the question, if there is a hook. Without an answer the turn goes on. Fails if the
    /// turn ends meanwhile.
    async fn ask_context(
        &self,
        request: &mut TurnRequest,
        journal: &Journal,
        calls: &mut CallRecord<'_>,
        claim: Option<&KeyClaim>,
    ) -> Result<(), TurnFailure> {
        let Some(context) = &self.context else { return Ok(()) };
        let begun = Instant::now();
        let asking = context.ask(request, calls.requested_model);
        match self.wait_for_hook(asking, request.asker.tenant.as_ref(), journal, claim).await {
            Ok(answer) => {
                (calls.context, request.context) = answer.map_or((None, None), |(record, texts)| (Some(record), texts));
                journal.note_context(request.context.as_ref().map_or(0, PromptContext::memory_size));
                Ok(())
            }
            Err(failure) => {
                calls.context = Some(ContextRecord::without_texts(ContextOutcome::Failed, begun.elapsed(), true));
                // A stopped turn goes on to its end, which has no text.
                if journal.is_stopped() { Ok(()) } else { Err(failure) }
            }
        }
    }

    /// Waits for a hook. Fails if the turn ends meanwhile: it is stopped or has no reader, there is a pause, or the service stops.
    async fn wait_for_hook<T>(
        &self,
        asking: impl Future<Output = T>,
        tenant: Option<&Tenant>,
        journal: &Journal,
        claim: Option<&KeyClaim>,
    ) -> Result<T, TurnFailure> {
        let asking = pin!(asking);
        select! {
            biased;
            () = self.answerer.paused(tenant) => Err(TurnFailure::SitePaused),
            answer = wait_unmarked(claim, asking) => Ok(answer),
            () = journal.ended_by_clients(!self.drains) => Err(TurnFailure::ClientGone),
            () = self.cut_off.cancelled() => Err(TurnFailure::Stopping),
        }
    }

    /// Has a question judged, answers it, and records the turn. A turn whose question can't be stored, or for whose
    /// conversation a limit has no room, has not begun, and is not recorded.
    async fn answer_and_record<'a>(
        &'a self,
        request: &mut TurnRequest,
        journal: &Journal,
        calls: &mut CallRecord<'a>,
        claim: Option<&KeyClaim>,
        reservation: &mut Reservation,
    ) -> Result<TurnSummary, TurnFailure> {
        let texts = wait_unmarked(claim, pin!(self.recorder.text_logger.logging_of(request))).await;
        if let TextLogging::Sealed(content_key) = &texts {
            self.registry.note_key(journal, &content_key.id);
            if let Some(claim) = claim {
                claim.note_content_key(content_key);
            }
        }
        if let Err(failure) = self.judge(request, journal, calls, claim).await {
            // Its texts are not logged: they were rejected, or nobody has judged them.
            let ending = Ending { result: Err(failure), was_abandoned: false };
            return self.recorder.record(request, calls, journal, &TextLogging::Off, ending, reservation).await;
        }
        if let Some(persona) = &request.persona {
            prompt::keep_last_turns(&mut request.messages, persona.turns.unwrap_or(usize::MAX));
        }
        if let Err(failure) = self.ask_context(request, journal, calls, claim).await {
            let ending = Ending { result: Err(failure), was_abandoned: false };
            return self.recorder.record(request, calls, journal, &texts, ending, reservation).await;
        }
        // Without a free permit the turn waits for one, and its key is marked after that.
        let ready = claim.filter(|_| self.answerer.has_free_permit(&request.asker));
        if calls.has_reached_hook() {
            // Whatever follows: nobody may keep a hook busy without limit.
            reservation.note_used(Amounts { turns: 1, ..Amounts::default() });
        }
        let opening = start_chat_span(request, attributes::OPEN_CHAT);
        let open = self.stored_chats.open(request, calls.requested_model, journal, ready).await?;
        drop(opening);
        let result = match self.limits.begin_asking(reservation, request, calls.requested_model) {
            Ok(()) => {
                let ending = self.answerer.answer(request, journal, calls, &texts, claim).await;
                if calls.attempts == 0 {
                    calls.note_unused_context();
                }
                self.recorder.record(request, calls, journal, &texts, ending, reservation).await
            }
            Err(refused) => Err(refused),
        };
        match open {
            Some(open) => {
                let _closing = start_chat_span(request, attributes::CLOSE_CHAT);
                self.stored_chats.close(open, journal, result, claim).await
            }
            None => result,
        }
    }
}

/// Starts the span of storing a part of a turn in its chat; `None` outside of stored chats.
fn start_chat_span(request: &TurnRequest, name: &'static str) -> Option<OpenSpan> {
    request.stored_chat?;
    request.trace.as_ref()?.start_internal(name)
}

/// A turn that is running. When it is dropped, its journal ends, also if its task has panicked.
struct RunningTurn<'a> {
    registry: &'a Registry,
    journal: Arc<Journal>,
}

impl Drop for RunningTurn<'_> {
    fn drop(&mut self) {
        // Only the first end counts.
        self.journal.end(Err(TurnFailure::Died));
        self.registry.move_to_ended(&self.journal);
    }
}
