//! To whom a turn and its texts belong, and which texts were erased.

use crate::{
    adapters::storage::ChatId,
    domain::{
        account::OwnerId,
        session::SessionId,
        tenant::{TenantName, TicketVisitor},
    },
};

/// The session, owner and stored chat to which the texts of a turn belong, and the visitor or the server that has asked.
#[derive(Clone, Debug, Default)]
pub(super) struct TextScope {
    /// The session that the client named.
    pub(super) session: Option<SessionId>,
    /// The account, or the owner of the stored chat.
    pub(super) owner: Option<OwnerId>,
    /// The stored chat.
    pub(super) chat: Option<ChatId>,
    /// The visitor of a ticket, who alone can resume and stop the turn.
    pub(super) ticket_visitor: Option<TicketVisitor>,
    /// The API key of the server that has asked. Only that server can resume and stop the turn.
    pub(super) api_key: Option<TenantName>,
}

/// Texts that were erased.
#[derive(Clone, Copy, Debug)]
pub(super) enum ErasedTexts<'a> {
    /// The texts of a session.
    Session {
        /// The id of the session, or that of the key which sealed the texts.
        id: &'a SessionId,
        /// The owner of the texts; `None` for those of everybody.
        owner: Option<OwnerId>,
    },
    /// The texts of an owner.
    Owner(OwnerId),
    /// The texts of an owner's stored chat.
    Chat {
        /// The owner.
        owner: OwnerId,
        /// The chat.
        chat: ChatId,
    },
}

impl TextScope {
    /// Returns the owner of the stored chat; `None` outside of stored chats.
    pub(super) fn chat_owner(&self) -> Option<OwnerId> {
        self.chat.and(self.owner)
    }

    /// Returns who has asked.
    pub(super) fn asked_by(&self) -> AskedBy<'_> {
        AskedBy {
            session: self.session.as_ref(),
            chat_owner: self.chat_owner(),
            ticket_visitor: self.ticket_visitor,
            api_key: self.api_key.as_ref().map(TenantName::as_str),
        }
    }
}

/// Who has asked, as far as it matters for who may resume, stop or rate a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedBy<'a> {
    /// The session that the client named.
    pub(super) session: Option<&'a SessionId>,
    /// The owner of the stored chat.
    pub(super) chat_owner: Option<OwnerId>,
    /// The visitor of a ticket.
    pub(super) ticket_visitor: Option<TicketVisitor>,
    /// The name of a server's API key.
    pub(super) api_key: Option<&'a str>,
}

impl AskedBy<'_> {
    /// Whether a client that knows the id of the turn's request may use the turn. The turn of a stored chat, a site's visitor or
    /// an API key needs the same owner, visitor or key. For other turns the unguessable id is proof enough that the turn is the
    /// client's. A session that the client names must be that of the turn.
    pub(super) fn admits(self, client: &TurnClient) -> bool {
        let is_of_session = client.session.is_none() || self.session == client.session.as_ref();
        let is_owners = self.chat_owner.is_none() || self.chat_owner == client.owner;
        let is_visitors = self.ticket_visitor.is_none() || self.ticket_visitor == client.visitor;
        let is_servers = self.api_key.is_none() || self.api_key == client.api_key.as_ref().map(TenantName::as_str);
        is_of_session && is_owners && is_visitors && is_servers
    }
}

/// A client that wants to resume, stop or rate a turn.
#[derive(Clone, Debug)]
pub struct TurnClient {
    /// The session that the client names.
    pub session: Option<SessionId>,
    /// The owner of the client's chats.
    pub owner: Option<OwnerId>,
    /// The visitor of the client's ticket.
    pub visitor: Option<TicketVisitor>,
    /// The API key of a server.
    pub api_key: Option<TenantName>,
}

impl ErasedTexts<'_> {
    /// Whether the texts of a turn are among the erased ones. `key` is the id of the key that seals them. Not all have one, and
    /// the key of a turn that has just begun may not be known yet, so the scope decides first.
    pub(super) fn contain(self, scope: &TextScope, key: Option<&str>) -> bool {
        match self {
            Self::Session { id, owner } => {
                let is_named = scope.session.as_ref() == Some(id) || key == Some(id.as_str());
                is_named && (owner.is_none() || scope.owner == owner)
            }
            Self::Owner(owner) => scope.owner == Some(owner),
            Self::Chat { owner, chat } => (scope.owner, scope.chat) == (Some(owner), Some(chat)),
        }
    }
}
