//! After a crash: turns that are in the session log, but not in the database yet, are kept there.

use std::time::Duration;

use super::Turns;
use crate::{
    adapters::{
        session_log::LoggedTurn,
        storage::{StorageFailure, TurnRecord},
    },
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
};

/// Turns left by a crash could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The log could not be read.
    #[error("the session log could not be read to look for turns that a crash left uncounted")]
    Log(#[from] std::io::Error),
    /// The database could not be used.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

impl Turns {
    /// Keeps the turns behind the places in the log that the database knows. Where it knows none, it is new: then
    /// what is in the log was never its business.
    pub(super) async fn recover(&self) -> Result<(), StartFailure> {
        let (log, storage) = (&self.0.log, &self.0.storage);
        let known = storage.log_positions().await?;
        if known.is_empty() {
            return Ok(storage.set_log_position(log.end()).await?);
        }
        let missed = log.turns_after(&known)?;
        if !missed.is_empty() {
            tracing::warn!(turns = missed.len(), "turns were only in the session log; they are counted now");
            let records = missed.into_iter().map(|(turn, place)| (self.logged_record(turn), Some(place)));
            storage.store_turns(&records.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    fn logged_record(&self, turn: LoggedTurn) -> TurnRecord {
        let is_known = turn.usage_source != "none";
        let usage = is_known.then_some(TokenUsage { prompt: turn.prompt_tokens, completion: turn.completion_tokens });
        let session_id = turn.session_id.and_then(|id| SessionId::parse(&id).ok());
        let caller = Caller { username: turn.username, is_guest: turn.is_guest, account: None };
        let failed = turn.status != 200;
        TurnRecord {
            ended_at: turn.timestamp,
            request_id: turn.request_id,
            usage_record: self.posting(failed, &caller, session_id.as_ref(), &turn.model, usage.unwrap_or_default()),
            session_id,
            failed,
            usage: usage.unwrap_or_default(),
            cost: self.cost(&turn.model, usage).unwrap_or_default(),
            latency: Duration::try_from_secs_f64(turn.latency_ms / 1000.0).unwrap_or_default(),
            model: turn.model,
        }
    }
}
