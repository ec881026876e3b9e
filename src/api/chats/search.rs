//! `GET /api/chat/search`: a search in the messages of an account.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, param::Query, types::Example};
use serde::Serialize;

use crate::{
    adapters::storage::{Cursor, MessageId, SearchResult},
    api::{
        AppState, Group,
        caller::RequiredAccount,
        messages::MessageBody,
        page::{Page, PageRequest},
        problem::failures,
    },
};

failures! { SearchFailure, signed in {
    400 "`limit` or `before` is invalid (`invalid_request`, `invalid_cursor`).",
} }

/// The maximum number of messages in an answer when the request has no `limit`.
const DEFAULT_LIMIT: u64 = 50;

/// A message that matches a search.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct FoundMessage {
    /// The number of the message's chat.
    chat_id: i64,
    /// The title of the message's chat.
    chat_title: String,
    /// The message.
    message: MessageBody,
}

pub(in crate::api) struct SearchMessagesApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl SearchMessagesApi {
    /// Search the messages
    ///
    /// Returns the account's messages that contain all words of `q`, without regard to case and accents; a word of
    /// three or more letters also matches longer words that begin with it. The latest messages come first, without
    /// their images.
    #[oai(path = "/search", method = "get", operation_id = "searchMessages")]
    async fn search(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The words to search for.
        Query(q): Query<Option<String>>,
        /// The largest number of messages; 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A position in the list, from a `Link` header.
        Query(before): Query<Option<String>>,
    ) -> Result<Page<FoundMessage>, SearchFailure> {
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

impl Example for FoundMessage {
    fn example() -> Self {
        Self { chat_id: 3, chat_title: "Opening hours".to_owned(), message: MessageBody::example() }
    }
}
