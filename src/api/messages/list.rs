//! `GET /api/messages/{chat_id}/messages`: the messages of a stored chat.

use poem::{Request, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::body::MessageBody;
use crate::{
    adapters::storage::{ChatId, StoredMessage},
    api::{
        AppState, Group,
        caller::RequiredAccount,
        chats::chat_not_found,
        page::{Page, PageRequest},
        problem::failures,
    },
};

failures! { ListMessagesFailure, signed in {
    400 "`limit` or `before` is invalid (`invalid_request`, `invalid_cursor`).",
    404 "The account has no such chat (`chat_not_found`).",
} }

pub(in crate::api) struct ListMessagesApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl ListMessagesApi {
    /// List the messages of a chat
    ///
    /// Returns all messages of the chat, the oldest first. With `limit` it returns the latest ones, the oldest of
    /// them first; the `Link` header has the address of earlier ones.
    #[oai(path = "/:chat_id/messages", method = "get", operation_id = "listMessages")]
    async fn messages(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The largest number of entries.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A position in the list, from a `Link` header; the messages before it are returned.
        Query(before): Query<Option<String>>,
    ) -> Result<Page<MessageBody>, ListMessagesFailure> {
        let (owner, chat) = (signed_in.account.id, ChatId(chat_id));
        let page_request = PageRequest::new(limit, before.as_deref())?;
        let messages = state.storage.messages(owner, chat, page_request.after, page_request.rows_to_read()).await?;
        if messages.is_empty() {
            state.storage.chat(owner, chat).await?.ok_or_else(chat_not_found)?;
        }
        let body = |message| MessageBody::new(message, owner, &state.clock);
        Ok(page_request.page(messages, request, StoredMessage::cursor, body).reversed())
    }
}
