//! Whoever asks a question, as limits see it.

use crate::domain::{account::OwnerId, client_ip::ClientIp, session::SessionId};

/// Whoever asks a question: a visitor at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The visitor.
    pub id: AskerId,
    /// The client's address.
    pub address: ClientIp,
    /// Whether the request comes from this machine, and not through a proxy. Default limits don't apply to it.
    pub is_local: bool,
}

/// A visitor, by something that nobody else can name. Anybody can become a new visitor, with another cookie or session: the
/// limit of the address bounds that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskerId {
    /// The account of a token.
    Account(OwnerId),
    /// A visitor of the portal, by the hash of the cookie's token, also of one that the client has made up.
    Cookie(String),
    /// A session that was started here.
    Session(SessionId),
    /// Nothing but the address is known.
    Address,
}

impl Asker {
    /// Whether the visitor has an account.
    #[must_use]
    pub fn has_account(&self) -> bool {
        matches!(self.id, AskerId::Account(_))
    }
}
