//! Streams that the end of an earlier process has interrupted: their lines in the session log, from their records.
//!
//! The line is written first, then the record ends, and then the database counts the turn. If this process ends in between, the
//! recovery of the next start goes on from the line.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    recording::Recorder,
    recovery::{RecoveryFailure, database_record},
};
use crate::{
    adapters::session_log::{ChatLine, InterruptedStream, LogUnavailable, LoggedTurn},
    domain::{chat::Finish, log_position::LogEnd},
    foundation::outage::StartOutage,
};

/// The number of streams that are read at once.
const BATCH: usize = 64;

/// Logs and counts the streams that earlier processes have left. To be called after recovery, before turns are taken.
/// Returns the number of streams that cannot be counted, because their records cannot be read.
pub(super) async fn log_interrupted(recorder: &Recorder, outage: &StartOutage) -> Result<u64, RecoveryFailure> {
    let Recorder { log, storage, clock, .. } = recorder;
    let mut streams = outage.wait_out(async || log.interrupted_streams().await.map_err(RecoveryFailure::Log)).await?;
    let (mut logged, mut unreadable) = (0, Vec::new());
    loop {
        let batch = streams.read(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let now = clock.now();
        let mut turns = Vec::with_capacity(batch.len());
        for stream in batch {
            if let Some(turn) = stream.logged_at(now) {
                turns.push((turn, stream));
            } else {
                report_unreadable(&stream);
                unreadable.push(stream.request_id);
            }
        }
        let outcomes = join_all(turns.into_iter().map(|(turn, stream)| log_stream(recorder, turn, stream, now))).await;
        logged += outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        if outcomes.contains(&Err(LogUnavailable)) {
            tracing::error!("interrupted streams cannot be logged; the next start tries again");
            break;
        }
    }
    if logged > 0 {
        tracing::warn!(
            streams = logged,
            "streams were interrupted by the end of an earlier process; they are logged now"
        );
    }
    let missing = streams.damaged + unreadable.len() as u64;
    if missing > 0 {
        outage.wait_out(async || storage.add_missing_lines(missing).await).await?;
        log.end_interrupted(unreadable).await;
    }
    Ok(missing)
}

fn report_unreadable(InterruptedStream { request_id, fields }: &InterruptedStream) {
    let bytes = fields.len();
    tracing::error!(
        request_id,
        bytes,
        "the record of an interrupted stream cannot be read and is removed: what the stream has cost is not counted"
    );
}

/// Logs and counts one stream.
async fn log_stream(
    recorder: &Recorder,
    turn: LoggedTurn,
    stream: InterruptedStream,
    now: Timestamp,
) -> Result<(), LogUnavailable> {
    let Recorder { log, storage, metrics, .. } = recorder;
    let mut record = database_record(turn, recorder);
    // At once, so that the limits of the outboxes count the streams that are logged together.
    storage.count_interrupted(&record);
    let mut lines = log.lines(now);
    lines.add_encoded::<ChatLine<'_>>(&stream.fields);
    lines.end_stream(stream.request_id);
    let (storage, metrics) = (storage.clone(), Arc::clone(metrics));
    let store = move |end: Option<LogEnd>| {
        record.line = end.map(|end| end.position);
        if end.is_some() {
            metrics.count_turn(&record, Finish::Interrupted, None);
        }
        storage.enqueue_interrupted(record, end);
    };
    log.write_then(lines, store).await.map(drop)
}
