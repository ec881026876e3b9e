//! Recovery after a crash: turns that are in the session log but not in the database are added to the database.

use std::time::Duration;

use super::recording::{Recorder, UsageSource};
use crate::{
    adapters::{
        session_log::LoggedTurn,
        storage::{StorageFailure, TurnRecord},
    },
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
};

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

/// Adds to the database the turns in the session log after the database's log positions. A database without a log
/// position is new: the turns that the log already has are not added to it.
pub(super) async fn recover(recorder: &Recorder) -> Result<(), RecoveryFailure> {
    let Recorder { log, storage, .. } = recorder;
    let known = storage.log_positions().await?;
    if known.is_empty() {
        return Ok(storage.set_log_position(log.end()).await?);
    }
    let missed = log.turns_after(&known)?;
    if !missed.is_empty() {
        tracing::warn!(turns = missed.len(), "turns were only in the session log; they are counted now");
        let records = missed.into_iter().map(|(turn, position)| (database_record(turn, recorder), Some(position)));
        storage.store_turns(&records.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

fn database_record(turn: LoggedTurn, recorder: &Recorder) -> TurnRecord {
    let is_known = turn.usage_source != UsageSource::None.as_str();
    let known = is_known.then_some(TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens });
    let usage = known.unwrap_or_default();
    let session_id = turn.session_id.and_then(|id| SessionId::parse(&id).ok());
    let caller = Caller { username: turn.username, is_guest: turn.is_guest, account: None };
    let failed = turn.status != 200;
    TurnRecord {
        ended_at: turn.timestamp,
        request_id: turn.request_id,
        usage_record: recorder.usage_records.make(failed, &caller, session_id.as_ref(), &turn.model, usage),
        session_id,
        failed,
        usage,
        cost: recorder.usage_meter.cost(&turn.model, known).unwrap_or_default(),
        latency: Duration::try_from_secs_f64(turn.latency_ms / 1000.0).unwrap_or_default(),
        model: turn.model,
    }
}
