//! Recording of turns: the line in the session log, the record in the database, the usage record for Papita, the event, and
//! the metrics.

mod ended_turn;
mod logged_texts;
mod outbox_entries;
mod usage_meter;

use std::sync::Arc;

use self::{ended_turn::EndedTurn, logged_texts::LoggedTexts, usage_meter::TurnUsage};
pub(super) use self::{
    logged_texts::{TextLogger, TextLogging},
    outbox_entries::OutboxEntries,
    usage_meter::UsageMeter,
};
use super::{
    ending::Ending,
    failure::TurnFailure,
    journal::Journal,
    limits::Reservation,
    metrics::{Metrics, TurnTimes},
    model_calls::{CallRecord, Routes},
    request::TurnRequest,
    summary::TurnSummary,
};
use crate::{
    adapters::{
        hooks,
        session_log::{ChatLine, SessionLog},
        storage::{OutboxEntry, Storage},
    },
    domain::{limits::Amounts, log_position::LogEnd},
    foundation::{
        clock::Clock,
        trace::{RequestTrace, attributes},
    },
};

/// The most bytes of a text in the record of an open stream. It bounds what each renewal writes.
const MAX_RECORDED_BYTES: usize = 64 << 10;

/// Records turns that have ended, each once, and streams that are open.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) log: SessionLog,
    pub(super) text_logger: TextLogger,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) usage_meter: UsageMeter,
    pub(super) routes: Arc<Routes>,
    pub(super) outbox_entries: OutboxEntries,
}

impl Recorder {
    /// Records a turn, and returns its result once its line is in the session log. If the line can't be written, the
    /// turn fails, but its tokens and cost are stored all the same. A turn that failed because of the log has no line. What the
    /// turn has used is noted in its reservation.
    pub(super) async fn record(
        &self,
        request: &TurnRequest,
        calls: &CallRecord<'_>,
        journal: &Journal,
        texts: &TextLogging,
        ending: Ending,
        reservation: &mut Reservation,
    ) -> Result<TurnSummary, TurnFailure> {
        if let Err(TurnFailure::LogUnavailable) = ending.result {
            // The model was not asked, and a log that stands still would only delay the response.
            reservation.note_used(Amounts::default());
            return Err(TurnFailure::LogUnavailable);
        }
        let at = self.clock.now();
        let usage = self.usage_meter.measure(request, calls, journal, &ending);
        // A question that has kept a hook busy is a turn: nobody may do so without limit.
        let is_turn = ending.result.is_ok() || calls.attempts > 0 || calls.has_reached_hook();
        let counted = used(&usage, is_turn);
        reservation.note_used_between(counted, counted + self.usage_meter.most_unmeasured(calls, &ending));
        let texts = LoggedTexts::new(texts, request, journal, usize::MAX);
        let turn = ended_turn(request, calls, journal, &ending, usage, texts);
        let mut lines = self.log.lines(at);
        let line = turn.log_line(self.routes.provider_name(calls.model));
        lines.add(&line);
        let event = self.outbox_entries.turn_ended(&line, at);
        if journal.is_on_record() {
            lines.end_stream(request.request_id.clone());
        }
        let ended_at = self.storage.session_time();
        let mut record = turn.database_record(ended_at, lines.date(), self.usage_record(&turn), event);
        record.origin = turn.code.is_none().then(|| turn.origin(self.storage.feedback_expiry()));
        if request.stream {
            turn.log_stream_end();
        }
        let trace = request.trace.as_ref();
        if let Some(trace) = trace {
            turn.note_in(trace);
        }
        let usage = turn.usage.tokens;
        let unlogged = TurnFailure::LogUnavailable.kind();
        let (mut finish, times) = (turn.finish, turn.times);
        let (storage, metrics) = (self.storage.clone(), Arc::clone(&self.metrics));
        let of_database = trace.cloned();
        let store = move |end: Option<LogEnd>| {
            record.line = end.map(|end| end.position);
            if end.is_none() {
                // Without a line the turn is refused, and does not count as a request.
                record.code = Some(unlogged.error.code.into());
                finish = unlogged.finish;
                let (status, code) = (unlogged.error.status, unlogged.error.code);
                record.event.change_body(|body| hooks::with_failure(body, status, code, finish.as_str()));
            }
            metrics.count_turn(&record, finish, Some(times));
            record.span = of_database.and_then(|trace| trace.start_internal(attributes::DATABASE)).map(Arc::new);
            storage.enqueue_turn(record, end);
        };
        let writing = trace.and_then(|trace| trace.start_internal(attributes::LOG));
        let logged = self.log.write_then(lines, store).await;
        drop(writing);
        if logged.is_ok() {
            journal.note_log_line();
        }
        let finish = ending.result?;
        logged.map_err(|_| TurnFailure::LogUnavailable)?;
        let sources = request.context.as_ref().filter(|_| calls.has_context() && journal.has_text());
        let sources = sources.map(|context| context.sources.clone()).unwrap_or_default();
        let (model, notice) = (calls.model.to_owned(), calls.notice());
        Ok(TurnSummary { model, usage, finish, at, notice, sources, exchange: None })
    }

    /// Puts a stream on record as it is now. The next start logs it if this process ends before the stream. `prompt` are the
    /// tokens of the latest call's prompt.
    pub(super) fn record_open(
        &self,
        request: &TurnRequest,
        calls: &CallRecord<'_>,
        journal: &Journal,
        texts: &TextLogging,
        prompt: u64,
    ) {
        let ending = Ending { result: Err(TurnFailure::ProcessEnded), was_abandoned: false };
        let usage = self.usage_meter.estimate_open(calls, journal, prompt);
        let texts = LoggedTexts::new(texts, request, journal, MAX_RECORDED_BYTES);
        let turn = ended_turn(request, calls, journal, &ending, usage, texts);
        let recorded_at = self.clock.rfc3339(self.clock.now());
        journal.note_record();
        let line = turn.log_line(self.routes.provider_name(calls.model));
        self.log.record_stream(&ChatLine { recorded_at: Some(&recorded_at), ..line });
    }

    fn usage_record(&self, turn: &EndedTurn<'_>) -> OutboxEntry {
        let EndedTurn { request, calls, failure, usage, .. } = turn;
        let session = request.session_id.as_ref();
        let (id, caller) = (&request.request_id, &request.caller);
        self.outbox_entries.usage_record(id, failure.is_some(), caller, session, calls.model, usage.tokens)
    }
}

/// Returns what a turn has used. It counts as a turn if it was answered or a model was asked, whatever came of that.
fn used(usage: &TurnUsage, is_turn: bool) -> Amounts {
    let cost = usage.cost.unwrap_or_default().total();
    Amounts { turns: u64::from(is_turn), tokens: usage.tokens.total(), cost }
}

fn ended_turn<'a>(
    request: &'a TurnRequest,
    calls: &'a CallRecord<'a>,
    journal: &Journal,
    ending: &'a Ending,
    usage: TurnUsage,
    texts: LoggedTexts<'a>,
) -> EndedTurn<'a> {
    let failure = ending.failure();
    let error = failure.map(|failure| &failure.kind().error);
    let since_arrival = |at: std::time::Instant| at.duration_since(request.arrived);
    let latency = request.arrived.elapsed();
    let overhead = latency.saturating_sub(calls.hook_time() + calls.call_time());
    EndedTurn {
        request,
        trace_id: request.trace.as_ref().and_then(RequestTrace::sampled_id).map(|id| id.to_string()),
        calls,
        answer_chars: journal.char_count(),
        texts,
        failure,
        status: error.map_or(200, |error| error.status),
        code: error.map(|error| error.code),
        finish: ending.finish(),
        usage,
        latency,
        times: TurnTimes {
            overhead: (calls.attempts > 0).then_some(overhead),
            first_word: journal.first_word_at().map(since_arrival),
        },
    }
}
