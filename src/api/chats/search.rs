//! `GET /api/chat/search`: a search in the messages of an account.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, param::Query};
use serde::Serialize;

use super::list::ListChatsFailure;
use crate::{
    adapters::storage::{Cursor, MessageId, SearchResult},
    api::{
        AppState, Group,
        caller::RequiredAccount,
        messages::MessageBody,
        page::{Page, PageRequest},
    },
};

/// The maximum number of messages in an answer when the request has no `limit`.
const DEFAULT_LIMIT: u64 = 50;

/// A message that was found.
#[derive(Debug, Object, Serialize)]
struct FoundMessage {
    /// The chat it belongs to.
    chat_id: i64,
    /// What that chat is called.
    chat_title: String,
    /// The message.
    message: MessageBody,
}

pub(in crate::api) struct SearchMessagesApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl SearchMessagesApi {
    /// Search the messages
    ///
    /// Finds one's own messages that hold all the words of `q`, without regard to case and accents; a word of three or
    /// more letters may be the beginning of a longer one. The latest ones come first, without their images.
    #[oai(path = "/search", method = "get", operation_id = "searchMessages")]
    async fn search(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The words to look for.
        Query(q): Query<Option<String>>,
        /// At most so many; 50 where nothing is said.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A place in the list, from a `Link` header.
        Query(before): Query<Option<String>>,
    ) -> Result<Page<FoundMessage>, ListChatsFailure> {
        let page_request = PageRequest::new(limit.or(Some(DEFAULT_LIMIT)), before.as_deref())?;
        let Cursor(last, _) = page_request.after;
        let (owner, words) = (signed_in.account.id, q.unwrap_or_default());
        let found = state.storage.search(owner, &words, MessageId(last), page_request.rows_to_read()).await?;
        let cursor = |found: &SearchResult| Cursor(found.message.id.0, 0);
        Ok(page_request.page(found, request, cursor, |SearchResult { message, title }| FoundMessage {
            chat_id: message.chat.0,
            chat_title: title,
            message: MessageBody::new(message, owner, &state.clock),
        }))
    }
}
