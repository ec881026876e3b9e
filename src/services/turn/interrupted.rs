//! Streams that the end of an earlier process has interrupted: their lines in the session log, from the records in the
//! database.
//!
//! The line is written first, then the database counts the turn and removes the record in one transaction. If this process
//! ends in between, the recovery of the next start does that from the line.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    metrics::TurnTiming,
    recording::Recorder,
    recovery::{RecoveryFailure, database_record},
};
use crate::{
    adapters::{
        session_log::{ChatLine, LogUnavailable, LoggedTurn},
        storage::OpenStream,
    },
    domain::chat::Finish,
    foundation::outage::StartOutage,
};

/// The number of streams that are read at once.
const BATCH: usize = 64;

/// Logs and counts the streams that earlier processes have left. To be called after recovery, before turns are taken.
/// Returns the number of streams that cannot be counted, because their records cannot be read.
pub(super) async fn log_interrupted(recorder: &Recorder, outage: &StartOutage) -> Result<u64, RecoveryFailure> {
    let storage = &recorder.storage;
    let (mut after, mut logged, mut unreadable) = (String::new(), 0, 0);
    loop {
        let streams = outage.wait_out(async || storage.interrupted_streams(&after, BATCH).await).await?;
        let Some(last) = streams.last() else { break };
        last.request_id.clone_into(&mut after);
        let now = recorder.clock.now();
        let mut turns = Vec::with_capacity(streams.len());
        for stream in streams {
            if let Some(turn) = LoggedTurn::of_record(&stream.line, now) {
                turns.push((turn, stream.line));
            } else {
                outage.wait_out(async || storage.discard_unreadable_stream(&stream.request_id).await).await?;
                report_unreadable(&stream);
                unreadable += 1;
            }
        }
        let outcomes = join_all(turns.into_iter().map(|(turn, line)| log(recorder, turn, line, now))).await;
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
    outage.wait_out(async || storage.purge_open_streams().await).await?;
    Ok(unreadable)
}

fn report_unreadable(OpenStream { request_id, line, .. }: &OpenStream) {
    let bytes = line.len();
    tracing::error!(
        request_id,
        bytes,
        "the record of an interrupted stream cannot be read and is removed: what the stream has cost is not counted"
    );
}

/// Logs and counts one stream, whose line has these fields.
async fn log(recorder: &Recorder, turn: LoggedTurn, fields: String, now: Timestamp) -> Result<(), LogUnavailable> {
    let Recorder { log, storage, metrics, .. } = recorder;
    let record = database_record(turn, recorder, true);
    // At once, so that the limit of the outbox counts the streams that are logged together.
    storage.count_usage_record(&record.usage_record);
    let timing = TurnTiming { latency: record.latency, first_word: None };
    metrics.count_turn(&record.model, Finish::Interrupted, record.usage, timing);
    let mut lines = log.lines(now);
    lines.add_encoded::<ChatLine<'_>>(&fields);
    let writer = storage.clone();
    log.write_then(lines, move |end| writer.enqueue_interrupted(record, end)).await.map(drop)
}
