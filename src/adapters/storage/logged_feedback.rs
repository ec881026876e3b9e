//! Feedback as it is logged.

use jiff::Timestamp;

use super::outbox_entry::OutboxEntry;
use crate::domain::feedback::Rating;

/// Feedback whose line is in the session log.
#[derive(Clone, Debug)]
pub struct LoggedFeedback {
    /// The id of the turn's request.
    pub request_id: String,
    /// The number of the feedback: 1 is the first one on the turn. Two replicas may give the same number at once.
    pub revision: u32,
    /// The time of the line. Of two revisions with the same number, the later one counts.
    pub at: Timestamp,
    /// The rating.
    pub rating: Rating,
    /// The mark of the comment.
    pub comment_mark: Option<String>,
    /// The retention time from which the turn cannot be rated any more, or a later one.
    pub turn_expires_at: Timestamp,
    /// The event for the owner's receiver.
    pub event: OutboxEntry,
}
