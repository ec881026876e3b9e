//! Recovery after a crash: turns, stops of sessions and feedback that are in the session log but not in the database are added to
//! the database.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    logged_comment, recording::Recorder, recovered_answers::RecoveredAnswers, recovery_progress::RecoveryProgress,
};
use crate::{
    adapters::{
        session_log::{InterruptedStreams, LoggedLine, LoggedTurn, MissingLines, UncountedBatch, outage_of},
        storage::{LoggedEvent, LoggedFeedback, StorageFailure, TurnOrigin, TurnRecord},
    },
    domain::{
        account::OwnerId,
        chat::Caller,
        cost::TokenUsage,
        feedback::Rating,
        log_position::{CountedLines, LogPosition},
        session::SessionId,
    },
    foundation::outage::{MayPass, Outage, StartOutage},
};

/// The time between two reports of the progress.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The reason why turns that are only in the session log could not be added to the database.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryFailure {
    /// The session log could not be read.
    #[error("the session log could not be read to look for turns that a crash left uncounted")]
    Log(#[from] std::io::Error),
    /// The database could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

impl MayPass for RecoveryFailure {
    fn outage(&self) -> Option<Outage> {
        match self {
            Self::Log(error) => Some(outage_of(error)),
            Self::Storage(failure) => failure.outage(),
        }
    }
}

/// Adds to the database what the session log holds after the database's last position. A database that knows nothing of
/// the log is new: the turns that the log already has are not added to it. Waits for the end of an outage. Returns the
/// number of lines that were missing whenever lines were to be counted.
pub(super) async fn recover(
    recorder: &Recorder,
    progress: &RecoveryProgress,
    outage: &StartOutage,
) -> Result<u64, RecoveryFailure> {
    let mut is_first = true;
    let attempt = async || {
        if !std::mem::take(&mut is_first) {
            // An attempt that seemed to fail may have stored records.
            recorder.storage.recount_outboxes().await?;
        }
        recover_once(recorder, progress).await
    };
    outage.wait_out(attempt).await
}

async fn recover_once(recorder: &Recorder, progress: &RecoveryProgress) -> Result<u64, RecoveryFailure> {
    let Recorder { log, storage, .. } = recorder;
    let known = storage.counted_lines().await?;
    if !known.is_empty() {
        let mut recovery = Recovery::new(recorder, known.clone(), log.interrupted_streams().await?);
        let mut batches = log.uncounted_lines(known)?;
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            progress.set(batch.read_bytes, batch.total_bytes);
            recovery.store(batch).await?;
        }
        recovery.finish().await?;
    }
    let unfinished = storage.unfinished_logs().await?;
    for other in &unfinished {
        tracing::warn!(
            log = other.log,
            instance = other.instance,
            counted = other.counted,
            "a process did not stop in order, and its session log is not in this folder: turns after its last counted line \
             may not be counted; to count them, start al-chat with that SESSION_LOG_DIR"
        );
    }
    storage.remove_predecessors().await?;
    Ok(storage.missing_lines().await? + unfinished.len() as u64)
}

/// A recovery that is going on.
struct Recovery<'a> {
    recorder: &'a Recorder,
    /// The lines that the database holds.
    known: CountedLines,
    /// The streams on record. Those whose line is in the log have ended.
    on_record: InterruptedStreams,
    answers: RecoveredAnswers,
    /// The processes whose last lines are missing.
    missing_ends: Vec<Uuid>,
    turns: usize,
    has_missing_lines: bool,
    reported_at: Instant,
}

impl<'a> Recovery<'a> {
    fn new(recorder: &'a Recorder, known: CountedLines, on_record: InterruptedStreams) -> Self {
        Self {
            recorder,
            known,
            on_record,
            answers: RecoveredAnswers::new(&recorder.storage),
            missing_ends: Vec::new(),
            turns: 0,
            has_missing_lines: false,
            reported_at: Instant::now(),
        }
    }

    async fn store(&mut self, batch: UncountedBatch) -> Result<(), RecoveryFailure> {
        let mut events = Vec::with_capacity(batch.lines.len());
        self.end_streams(&batch.lines).await;
        for line in batch.lines {
            if let Err(failure) = self.add(line, &mut events).await {
                self.recorder.storage.give_up_recovered(&events);
                return Err(failure);
            }
        }
        self.turns += events.iter().filter(|event| matches!(event, LoggedEvent::Turn(_))).count();
        self.recorder.storage.store_recovered(&events, &batch.counts, &mut self.known).await?;
        for missing in &batch.missing {
            report_missing(missing);
        }
        for LogPosition { instance, seq } in &batch.unreadable {
            tracing::error!(%instance, seq, "a line of the session log cannot be read; its turn is not counted");
        }
        let ends = batch.missing.iter().filter(|missing| missing.count.is_none());
        self.missing_ends.extend(ends.map(|missing| missing.first.instance));
        self.has_missing_lines |= !batch.missing.is_empty();
        if self.has_missing_lines && !batch.unread.is_empty() {
            tracing::warn!(files = ?batch.unread, "these files in the session log's folder cannot be read; are they compressed?");
        }
        if self.reported_at.elapsed() >= REPORT_INTERVAL {
            let (read_bytes, total_bytes) = (batch.read_bytes, batch.total_bytes);
            tracing::info!(
                turns = self.turns,
                read_bytes,
                total_bytes,
                "counting turns that are only in the session log"
            );
            self.reported_at = Instant::now();
        }
        Ok(())
    }

    /// Ends the records of streams that have a line, before the database counts their turns.
    async fn end_streams(&self, lines: &[LoggedLine]) {
        let turns = lines.iter().filter_map(LoggedLine::turn);
        let ended = turns.filter(|turn| self.on_record.contains(&turn.request_id));
        let ended = ended.map(|turn| turn.request_id.clone()).collect::<Vec<_>>();
        if !ended.is_empty() {
            self.recorder.log.end_interrupted(ended).await;
        }
    }

    /// Adds what a line changes in the database.
    async fn add(&mut self, line: LoggedLine, events: &mut Vec<LoggedEvent>) -> Result<(), RecoveryFailure> {
        match line {
            LoggedLine::Turn(mut turn) => {
                let settled = self.answers.take(&mut turn, self.recorder).await?;
                events.extend(settled.map(|settled| LoggedEvent::KeySettled(Box::new(settled))));
                let record = database_record(*turn, self.recorder);
                self.push(LoggedEvent::Turn(Box::new(record)), events);
            }
            LoggedLine::Stop(stop) => {
                let session = stop.session_id.as_ref().and_then(|id| SessionId::parse(id).ok());
                if let Some(id) = session {
                    let event = self.recorder.outbox_entries.logged_session_ended(&id, &stop);
                    self.push(LoggedEvent::SessionStop { id, event }, events);
                }
            }
            LoggedLine::Feedback(line) => {
                if let Some(rating) = Rating::parse(&line.rating) {
                    let event = self.recorder.outbox_entries.logged_feedback(&line);
                    let storage = &self.recorder.storage;
                    let feedback = LoggedFeedback {
                        comment_mark: logged_comment::mark_in(&line, storage).await?,
                        request_id: line.request_id,
                        revision: line.revision,
                        at: line.timestamp,
                        rating,
                        turn_expires_at: storage.feedback_expiry(),
                        event,
                    };
                    self.push(LoggedEvent::Feedback(Box::new(feedback)), events);
                }
            }
        }
        Ok(())
    }

    /// Adds an event, and counts at once what it puts into outboxes, so that their limits count the events of this batch.
    fn push(&self, event: LoggedEvent, events: &mut Vec<LoggedEvent>) {
        self.recorder.storage.count_recovered(&event);
        events.push(event);
    }

    async fn finish(self) -> Result<(), RecoveryFailure> {
        if self.turns > 0 {
            tracing::warn!(turns = self.turns, "turns were only in the session log; they are counted now");
        }
        Ok(self.recorder.storage.complete_instances(&self.missing_ends).await?)
    }
}

fn report_missing(missing: &MissingLines) {
    let MissingLines { first, count } = missing;
    let (instance, seq) = (first.instance, first.seq);
    if let Some(lines) = count {
        tracing::error!(%instance, seq, lines, "lines are missing from the session log's folder; turns in them are not counted");
    } else {
        tracing::error!(%instance, seq, "the end of a log is missing from the session log's folder; turns in it are not counted");
    }
}

/// Returns the time of a turn by which sessions last. The clock may have been ahead when its line was written.
fn session_time(logged: Timestamp, Recorder { storage, clock, .. }: &Recorder) -> Timestamp {
    let now = storage.session_time();
    logged.checked_add(now.duration_since(clock.now())).unwrap_or(now).min(now)
}

/// Returns the record of a turn that is in the log.
pub(super) fn database_record(turn: LoggedTurn, recorder: &Recorder) -> TurnRecord {
    let usage = TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens };
    let event = recorder.outbox_entries.logged_turn_ended(&turn);
    let origin = logged_origin(&turn, recorder);
    let session_id = turn.session_id.and_then(|id| SessionId::parse(&id).ok());
    let caller = Caller { username: turn.username, is_guest: turn.is_guest, account: None };
    let failed = turn.status != 200;
    let code = turn.code.unwrap_or_else(|| format!("status {}", turn.status));
    TurnRecord {
        ended_at: session_time(turn.timestamp, recorder),
        log_date: turn.date.unwrap_or_else(|| recorder.clock.local(turn.timestamp).1),
        line: turn.position,
        usage_record: recorder.outbox_entries.usage_record(
            &turn.request_id,
            failed,
            &caller,
            session_id.as_ref(),
            &turn.model,
            usage,
        ),
        event,
        origin,
        span: None,
        request_id: turn.request_id,
        session_id,
        code: failed.then_some(code.into()),
        usage,
        cost: recorder.usage_meter.logged_cost(turn.cost_usd, &turn.model, usage),
        latency: Duration::try_from_secs_f64(turn.latency_ms / 1000.0).unwrap_or_default(),
        model: turn.model,
    }
}

/// Returns where a turn that is in the log came from; `None` if its caller can be recognized by something that is not logged: the
/// visitor of a site.
fn logged_origin(turn: &LoggedTurn, Recorder { storage, .. }: &Recorder) -> Option<TurnOrigin> {
    turn.site.is_none().then(|| TurnOrigin {
        chat_owner: turn.chat_id.and(turn.user_id).map(OwnerId),
        visitor: None,
        persona: turn.persona.clone(),
        site: None,
        api_key: turn.api_key.clone(),
        content_key: turn.content_key.clone(),
        expires_at: storage.feedback_expiry(),
    })
}
