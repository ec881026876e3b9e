//! `GET /api/chat/histories`: the chats of an account.

use poem::{Request, web::Data};
use poem_openapi::{OpenApi, param::Query};

use super::body::ChatBody;
use crate::{
    adapters::storage::StoredChat,
    api::{
        AppState, Group,
        caller::RequiredAccount,
        page::{Page, PageRequest},
        problem::failures,
    },
};

failures! { ListChatsFailure, signed in {
    400 "`limit` or `before` is invalid (`invalid_request`, `invalid_cursor`).",
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
    ) -> Result<Page<ChatBody>, ListChatsFailure> {
        let (owner, page_request) = (signed_in.account.id, PageRequest::new(limit, before.as_deref())?);
        let chats = state.storage.chats(owner, page_request.after, page_request.rows_to_read()).await?;
        Ok(page_request.page(chats, request, StoredChat::cursor, |chat| ChatBody::new(chat, owner, &state.clock)))
    }
}
