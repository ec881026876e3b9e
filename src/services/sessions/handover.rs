//! Visitors who ask for a person: the owner's receiver gets an event.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Inner, SessionClient, Sessions, failure::SessionFailure};
use crate::{
    adapters::{
        hooks::{self, HandoverRequested},
        session_log::{Handover, LogUnavailable},
        storage::{Destination, QueuedOnce},
    },
    domain::{contact::Contact, limits::LimitScope, session::SessionId},
};

impl Sessions {
    /// Whether visitors can ask for a person: events are sent.
    #[must_use]
    pub fn can_hand_over(&self) -> bool {
        self.0.storage.outbox(Destination::Events).is_open()
    }

    /// Queues the event that the visitor of a session asks for a person, and logs it without the contact. The same request is
    /// not queued again while its event waits. Returns the time of the request.
    pub async fn hand_over(
        &self,
        client: SessionClient,
        id: SessionId,
        contact: Option<Contact>,
    ) -> Result<Timestamp, SessionFailure> {
        if !self.can_hand_over() {
            return Err(SessionFailure::NoHandover);
        }
        self.admit(LimitScope::Handovers, client)?;
        self.0.log.ensure_writable()?;
        let this = self.clone();
        let work = async move { this.queue_and_log(&id, contact.as_ref()).await };
        let handed_over = self.0.tasks.run_to_completion("hand-over", work).await;
        handed_over.unwrap_or(Err(LogUnavailable.into()))
    }

    async fn queue_and_log(&self, id: &SessionId, contact: Option<&Contact>) -> Result<Timestamp, SessionFailure> {
        let Inner { storage, log, clock, .. } = &*self.0;
        let now = clock.now();
        let (session_id, text) = (id.as_str(), contact.map(Contact::expose));
        let data = HandoverRequested { session_id, contact: text };
        let Some(body) = hooks::encode(&clock.rfc3339(now), &data) else { return Err(SessionFailure::NoHandover) };
        let same_as = hooks::handover_mark(session_id, text);
        // Events of the session's earlier turns come first.
        storage.flush_turns().await?;
        let key = format!("handover_{}", Uuid::now_v7());
        match storage.queue_waiting_once(key, body, &same_as).await? {
            QueuedOnce::Queued => {
                let line = Handover { session_id, has_contact: contact.is_some() };
                if log.append(now, &line).await.is_err() {
                    tracing::error!(session_id, "a request for a person is passed on, but could not be logged");
                }
                Ok(now)
            }
            QueuedOnce::Waits => Ok(now),
            QueuedOnce::Full => Err(SessionFailure::EventQueueFull),
        }
    }
}
