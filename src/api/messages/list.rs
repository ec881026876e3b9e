//! `GET /api/messages/{chat_id}/messages`: the messages of a stored chat.

use poem::{Request, http::header, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::body::MessageBody;
use crate::{
    adapters::storage::{ChatId, ListedMessages},
    api::{
        AppState, Group,
        caller::{ClientAddress, RequiredAccount},
        chats::chat_not_found,
        page::{Page, PageRequest, link},
        problem::failures,
        streamed::{Frame, Listing, Streamed},
    },
};

failures! { ListMessagesFailure, signed in {
    400 "`limit` or `before` is invalid (`invalid_request`, `invalid_cursor`).",
    404 "The account has no such chat (`chat_not_found`).",
} {} {
    503 "The database cannot be used (`storage_unavailable`), or too many large chats are read at once \
         (`list_memory_used_up`).",
} }

pub(in crate::api) struct ListMessagesApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl ListMessagesApi {
    /// List the messages of a chat
    ///
    /// Returns all messages of the chat, the oldest first. With `limit` it returns the latest ones, the oldest of
    /// them first; the `Link` header has the address of earlier ones.
    #[oai(path = "/:chat_id/messages", method = "get", operation_id = "listMessages")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
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
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<Page<MessageBody>>, ListMessagesFailure> {
        let (owner, chat) = (signed_in.account.id, ChatId(chat_id));
        let page_request = PageRequest::new(limit, before.as_deref())?;
        let PageRequest { after: before, limit } = page_request;
        let list = state.storage.message_list((owner, chat), ListedMessages::All, before, limit).await?;
        if list.len == 0 {
            state.storage.chat(owner, chat).await?.ok_or_else(chat_not_found)?;
        }
        let next = list.next.and_then(|next| link(request, next));
        let encode = MessageBody::encoder(owner, &state.clock);
        let response = Listing { frame: Frame::of_json(), list, encode }.respond(state, client).await?;
        Ok(response.with_header(header::LINK, next))
    }
}
