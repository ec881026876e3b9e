//! `GET /api/chat/histories`: the chats of an account.

use poem::{Request, http::header, web::Data};
use poem_openapi::{OpenApi, param::Query};

use super::body::ChatBody;
use crate::api::{
    AppState, Group,
    caller::{ClientAddress, RequiredAccount},
    page::{Page, PageRequest, link},
    problem::failures,
    streamed::{Frame, Listing, Streamed},
};

failures! { ListChatsFailure, signed in {
    400 "`limit` or `before` is invalid (`invalid_request`, `invalid_cursor`).",
} {} {
    503 "The database cannot be used (`storage_unavailable`), or too many large chats are read at once \
         (`list_memory_used_up`).",
} }

pub(in crate::api) struct ListChatsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ListChatsApi {
    /// List the chats
    ///
    /// Returns all chats of the account, the one with the latest message first. With `limit` the list comes in pages;
    /// the `Link` header has the address of the next one.
    #[oai(path = "/histories", method = "get", operation_id = "listChats")]
    async fn histories(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The largest number of entries.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A position in the list, from a `Link` header.
        Query(before): Query<Option<String>>,
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<Page<ChatBody>>, ListChatsFailure> {
        let (owner, page_request) = (signed_in.account.id, PageRequest::new(limit, before.as_deref())?);
        let list = state.storage.chat_list(owner, page_request.after, page_request.limit).await?;
        let next = list.next.and_then(|next| link(request, next));
        let response = Listing { frame: Frame::of_json(), list, encode: ChatBody::encoder(owner, &state.clock) }
            .respond(state, client);
        Ok(response.await?.with_header(header::LINK, next))
    }
}
