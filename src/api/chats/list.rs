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
    400 "`limit` or `before` is not as it should be (`invalid_request`, `invalid_cursor`).",
} }

pub(in crate::api) struct ListChatsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ListChatsApi {
    /// List the chats
    ///
    /// All of them, the one where something was said last first. With `limit` they come in pages; the `Link` header
    /// says where the next one is.
    #[oai(path = "/histories", method = "get", operation_id = "listChats")]
    async fn histories(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// At most so many.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A place in the list, from a `Link` header.
        Query(before): Query<Option<String>>,
    ) -> Result<Page<ChatBody>, ListChatsFailure> {
        let (owner, page_request) = (signed_in.account.id, PageRequest::new(limit, before.as_deref())?);
        let chats = state.storage.chats(owner, page_request.after, page_request.rows_to_read()).await?;
        Ok(page_request.page(chats, request, StoredChat::cursor, |chat| ChatBody::new(chat, owner, &state.clock)))
    }
}
