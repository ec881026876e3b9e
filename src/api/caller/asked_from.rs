//! Where a request for a turn or a session comes from, and who asks it, for the limits.

use poem::{FromRequest, Request, RequestBody};

use super::{client_ip::ClientAddress, this_machine::is_direct};
use crate::{
    api::request_context::RequestContext,
    domain::{
        client_ip::ClientIp,
        limits::{Asker, AskerId},
    },
    services::sessions::SessionClient,
};

/// Where a request for a turn or a session comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct AskedFrom {
    address: ClientIp,
    is_local: bool,
}

impl AskedFrom {
    /// Returns whoever asks on nobody else's behalf, and notes it for the headers of the response.
    pub(in crate::api) fn asker(self, id: AskerId, context: &RequestContext) -> Asker {
        let asker = Asker { id, address: self.address, is_local: self.is_local, tenant: None };
        context.note_asker(&asker);
        asker
    }

    /// Returns the client of a session.
    pub(in crate::api) fn session_client(self) -> SessionClient {
        SessionClient { address: self.address, is_local: self.is_local }
    }
}

impl<'a> FromRequest<'a> for AskedFrom {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let ClientAddress(address) = ClientAddress::from_request(request, body).await?;
        Ok(Self { address, is_local: is_direct(request) })
    }
}
