//! The origin of an answered turn: its caller, whose feedback is accepted, and the names that the feedback's line repeats.

use jiff::Timestamp;

use crate::domain::{account::OwnerId, tenant::TicketVisitor};

/// The caller of an answered turn, the names that its feedback line repeats, and the end of the time for feedback.
#[derive(Clone, Debug, Default)]
pub struct TurnOrigin {
    /// The owner of the stored chat.
    pub chat_owner: Option<OwnerId>,
    /// The visitor of a ticket.
    pub visitor: Option<TicketVisitor>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The id of the site.
    pub site: Option<String>,
    /// The name of the API key.
    pub api_key: Option<String>,
    /// The id of the key that seals the turn's texts.
    pub content_key: Option<String>,
    /// The retention time from which the turn cannot be rated any more.
    pub expires_at: Timestamp,
}
