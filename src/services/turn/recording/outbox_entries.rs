//! The records that turns and feedback add to the outboxes, and those of sessions' ends that only the log has after a crash.

use jiff::Timestamp;

use crate::{
    adapters::{
        credentials::Credentials,
        hooks::{self, FeedbackGiven, SessionEnded, SessionTotals, TurnEnded},
        model::basic,
        session_log::{ChatLine, FeedbackLine, LoggedRating, LoggedStop, LoggedTurn},
        storage::{Destination, OutboxEntry, Storage},
        usage,
    },
    domain::{chat::Caller, cost::TokenUsage, session::SessionId},
    foundation::clock::Clock,
};

/// Creates usage records for Papita, if it is expected to exist, and events, if they are sent.
#[derive(Debug)]
pub(in crate::services::turn) struct OutboxEntries {
    /// The keys of the providers, of which some may be Papita's.
    credentials: Vec<Credentials>,
    storage: Storage,
    clock: Clock,
}

impl OutboxEntries {
    pub(in crate::services::turn) fn new(credentials: Vec<Credentials>, storage: Storage, clock: Clock) -> Self {
        Self { credentials, storage, clock }
    }

    /// Creates the usage record of a turn. None is due for turns of the built-in responder, and for failed turns that
    /// took no tokens.
    pub(in crate::services::turn) fn usage_record(
        &self,
        request_id: &str,
        failed: bool,
        caller: &Caller,
        session: Option<&SessionId>,
        model: &str,
        tokens: TokenUsage,
    ) -> OutboxEntry {
        let is_due = (!failed || tokens.total() > 0) && model != basic::NAME;
        if !is_due || !self.credentials.iter().any(Credentials::expects_papita) {
            return OutboxEntry::NotDue;
        }
        let encode = || Some((request_id.to_owned(), usage::encode_record(caller, session, model, tokens)?));
        self.storage.outbox(Destination::Papita).entry(encode)
    }

    /// Creates the event that a turn has ended, from its line in the session log.
    pub(super) fn turn_ended(&self, line: &ChatLine<'_>, at: Timestamp) -> OutboxEntry {
        self.turn_event(at, || TurnEnded {
            request_id: line.request_id,
            session_id: line.session_id,
            user_id: line.user_id,
            chat_id: line.chat_id,
            is_guest: line.is_guest,
            api_key: line.api_key,
            site: line.site,
            persona: line.persona,
            model: line.model,
            prompt_tokens: line.prompt_tokens,
            completion_tokens: line.completion_tokens,
            total_tokens: line.total_tokens,
            cost_usd: line.cost_usd,
            latency_ms: line.latency_ms,
            status: line.status,
            code: line.code,
            finish: line.finish,
        })
    }

    /// Creates the same event from a line that an earlier process has written.
    pub(in crate::services::turn) fn logged_turn_ended(&self, turn: &LoggedTurn) -> OutboxEntry {
        self.turn_event(turn.timestamp, || TurnEnded {
            request_id: &turn.request_id,
            session_id: turn.session_id.as_deref(),
            user_id: turn.user_id,
            chat_id: turn.chat_id,
            is_guest: turn.is_guest,
            api_key: turn.api_key.as_deref(),
            site: turn.site.as_deref(),
            persona: turn.persona.as_deref(),
            model: &turn.model,
            prompt_tokens: turn.prompt_tokens,
            completion_tokens: turn.completion_tokens,
            total_tokens: turn.prompt_tokens.saturating_add(turn.completion_tokens),
            cost_usd: turn.cost_usd,
            latency_ms: turn.latency_ms,
            status: turn.status,
            code: turn.code.as_deref(),
            finish: &turn.finish,
        })
    }

    fn turn_event<'a>(&self, at: Timestamp, data: impl FnOnce() -> TurnEnded<'a>) -> OutboxEntry {
        let encode = || {
            let data = data();
            Some((hooks::turn_key(data.request_id), hooks::encode(&self.clock.rfc3339(at), &data)?))
        };
        self.storage.outbox(Destination::Events).entry(encode)
    }

    /// Creates the event that a session has ended, from the line that an earlier process has written.
    pub(in crate::services::turn) fn logged_session_ended(&self, id: &SessionId, stop: &LoggedStop) -> OutboxEntry {
        let encode = || {
            let totals = stop.server_metrics.as_ref().map(|metrics| SessionTotals {
                turns: metrics.turns,
                errors: metrics.errors,
                prompt_tokens: metrics.prompt_tokens,
                completion_tokens: metrics.completion_tokens,
                total_tokens: metrics.total_tokens,
                cost_usd: metrics.cost_usd,
                models: &metrics.models,
            });
            let ended = SessionEnded {
                session_id: id.as_str(),
                duration_seconds: stop.duration_seconds,
                closed_by: &stop.closed_by,
                server_metrics: totals,
            };
            let timestamp = self.clock.rfc3339(stop.timestamp);
            Some((hooks::session_key(id.as_str()), hooks::encode(&timestamp, &ended)?))
        };
        self.storage.outbox(Destination::Events).entry(encode)
    }

    /// Creates the event that the caller of a turn has rated it, from its line in the session log.
    pub(in crate::services::turn) fn feedback_given(&self, line: &FeedbackLine<'_>, at: Timestamp) -> OutboxEntry {
        self.feedback_event(at, || FeedbackGiven {
            request_id: line.request_id,
            session_id: line.session_id,
            api_key: line.api_key,
            site: line.site,
            persona: line.persona,
            model: line.model,
            revision: line.revision,
            rating: line.rating,
            previous_rating: line.previous_rating,
            has_comment: line.has_comment,
        })
    }

    /// Creates the same event from a line that an earlier process has written.
    pub(in crate::services::turn) fn logged_feedback(&self, line: &LoggedRating) -> OutboxEntry {
        self.feedback_event(line.timestamp, || FeedbackGiven {
            request_id: &line.request_id,
            session_id: line.session_id.as_deref(),
            api_key: line.api_key.as_deref(),
            site: line.site.as_deref(),
            persona: line.persona.as_deref(),
            model: &line.model,
            revision: line.revision,
            rating: &line.rating,
            previous_rating: line.previous_rating.as_deref(),
            has_comment: line.has_comment,
        })
    }

    fn feedback_event<'a>(&self, at: Timestamp, data: impl FnOnce() -> FeedbackGiven<'a>) -> OutboxEntry {
        let encode = || {
            let (data, timestamp) = (data(), self.clock.rfc3339(at));
            Some((hooks::feedback_key(data.request_id, &timestamp), hooks::encode(&timestamp, &data)?))
        };
        self.storage.outbox(Destination::Events).entry(encode)
    }
}
