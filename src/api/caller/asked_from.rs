//! The sender of a request for a turn or a session, or of a rating, as limits count it.

use poem::{FromRequest, Request, RequestBody};

use super::{
    account_or_visitor::AccountOrVisitor, checked_bearer::CheckedBearer, client_ip::ClientAddress,
    this_machine::is_direct,
};
use crate::{
    api::request_context::RequestContext,
    domain::{
        client_ip::ClientIp,
        limits::{Asker, AskerId},
        tenant::Tenant,
    },
    services::{sessions::SessionClient, turn::FeedbackSender},
};

/// The address of the client that asks for a turn or a session, and whether the request is from this machine, without a proxy.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct AskedFrom {
    address: ClientIp,
    is_local: bool,
}

impl AskedFrom {
    /// Returns whoever asks on nobody else's behalf, and notes it for the headers of the response.
    pub(in crate::api) fn asker(self, id: AskerId, context: &RequestContext) -> Asker {
        self.asker_for(None, id, context)
    }

    /// Returns whoever asks on behalf of a tenant, if there is one, and notes it for the headers of the response.
    pub(in crate::api) fn asker_for(self, tenant: Option<Tenant>, id: AskerId, context: &RequestContext) -> Asker {
        let asker = Asker { id, address: self.address, is_local: self.is_local, tenant };
        context.note_asker(&asker);
        asker
    }

    /// Returns the sender of feedback.
    pub(in crate::api) fn feedback_sender(self, caller: &AccountOrVisitor) -> FeedbackSender {
        let is_server = matches!(caller, AccountOrVisitor::Server(_));
        FeedbackSender { address: self.address, is_local: self.is_local, is_server }
    }

    /// Returns the client of a session.
    pub(in crate::api) fn session_client(self, bearer: CheckedBearer) -> SessionClient {
        SessionClient { address: self.address, is_local: self.is_local, is_server: bearer.is_of_server }
    }
}

impl<'a> FromRequest<'a> for AskedFrom {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let ClientAddress(address) = ClientAddress::from_request(request, body).await?;
        Ok(Self { address, is_local: is_direct(request) })
    }
}
