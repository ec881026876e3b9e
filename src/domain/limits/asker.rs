//! Whoever asks a question, as limits see it.

use crate::domain::{
    account::OwnerId,
    client_ip::ClientIp,
    session::SessionId,
    tenant::{Site, Tenant, TenantName, TicketVisitor},
};

/// Whoever asks a question: a visitor at an address.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The visitor.
    pub id: AskerId,
    /// The client's address.
    pub address: ClientIp,
    /// Whether the request comes from this machine, and not through a proxy. Default limits don't apply to it.
    pub is_local: bool,
    /// On whose behalf the visitor asks, if not only on their own.
    pub tenant: Option<Tenant>,
}

/// A visitor, by something that nobody else can name. Anybody can become a new visitor, with another cookie or session: the
/// limit of the address bounds that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskerId {
    /// The account of a token.
    Account(OwnerId),
    /// A visitor of the portal, by the hash of the cookie's token, also of one that the client has made up.
    Cookie(String),
    /// A visitor of a site, by a ticket.
    Ticket(TicketVisitor),
    /// A session that was started here.
    Session(SessionId),
    /// Nothing but the address is known.
    Address,
}

impl Asker {
    /// Returns the name of the API key with which a server asks.
    #[must_use]
    pub fn api_key(&self) -> Option<&TenantName> {
        match &self.tenant {
            Some(Tenant::Key(terms)) => Some(&terms.name),
            Some(Tenant::Site(_)) | None => None,
        }
    }

    /// Returns the visitor of a ticket; `None` for others.
    #[must_use]
    pub fn ticket_visitor(&self) -> Option<TicketVisitor> {
        match self.id {
            AskerId::Ticket(visitor) => Some(visitor),
            _ => None,
        }
    }

    /// Returns the site on whose behalf the visitor asks.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        self.tenant.as_ref()?.site()
    }

    /// Whether nobody answers for the visitor: neither an account nor an API key.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        !matches!((&self.id, &self.tenant), (AskerId::Account(_), _) | (_, Some(Tenant::Key(_))))
    }
}
