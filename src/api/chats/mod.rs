//! Stored chats: `GET /api/chat/histories`, `/api/chat/search` and `/api/chat/{chat_id}`, `POST /api/chat/create`, and
//! what can be done with one.

#![expect(
    clippy::used_underscore_binding,
    reason = "derived code moves the fields that are refused when they are read"
)]

mod body;
mod export;

use poem::{Request, web::Data};
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::Example,
};
use serde::Deserialize;

use self::{
    body::{ChatBody, FoundMessage, WholeChat},
    export::{Export, Format, MarkdownExport},
};
use super::{
    AppState, Group,
    caller::RequiredAccount,
    confirmation::{Confirmation, confirm},
    json::{Created, Json, OptionalJson, text},
    messages::MessageBody,
    page::{Page, PageRequest},
    personas::named_persona,
    problem::{Problem, failures},
    unread_field::with_unread_fields,
};
use crate::{
    adapters::storage::{ChatId, Cursor, MessageId, SearchResult, StoredChat, StoredMessage},
    domain::{account::OwnerId, errors::resources, title::Title},
    services::accounts::AccountFailure,
};

/// Messages that a search finds at once, where nothing else is asked for.
const FOUND: u64 = 50;

failures! { ListFailure, signed in {
    400 "`limit` or `before` is not as it should be (`invalid_request`, `invalid_cursor`).",
} }

failures! { CreateFailure, signed in {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), the title is none (`invalid_request`, `invalid_title`), or there \
         is no such persona (`persona_not_found`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
} }

failures! { ChatFailure, signed in {
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
} }

failures! { RenameFailure, signed in {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), or the title is none (`invalid_request`, `invalid_title`).",
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

with_unread_fields! {
    /// The properties of a new chat, all of them optional.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "CreateChatRequest", example, nullable_all, skip_serializing_if_is_none)]
    struct CreateRequest {
        /// 1 to 200 characters in one line. Without one, the chat is called `New Chat` until its first message gives it a
        /// title.
        title: Option<String>,
        /// Who is to speak in it, among those that `GET /api/personas` lists; without one, the model as it is.
        persona: Option<String>,
    } unread {
        _text = "text",
        _message = "message",
        _question = "question",
        _voice_text = "voice_text",
        _image = "image",
        _image_url = "image_url",
        _history = "history",
        _messages = "messages",
        _images = "images",
        _files = "files",
        _attached_files = "attached_files",
        _attached_content = "attached_content",
    }
}

/// What a chat shall be called.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "RenameChatRequest", example)]
struct TitleRequest {
    /// 1 to 200 characters in one line.
    #[serde(deserialize_with = "text")]
    title: String,
}

/// There is no such chat, or it is somebody else's; which of the two is nobody's business.
pub(super) fn chat_not_found() -> Problem {
    Problem::new(&resources::CHAT_NOT_FOUND)
}

/// A chat of the owner's, with what was said in it.
async fn whole(state: &AppState, owner: OwnerId, id: i64) -> Result<(StoredChat, Vec<StoredMessage>), Problem> {
    let id = ChatId(id);
    let chat = state.storage.chat(owner, id).await?.ok_or_else(chat_not_found)?;
    let messages = state.storage.messages(owner, id, Cursor::START, u64::MAX).await?;
    Ok((chat, messages.into_iter().rev().collect()))
}

pub(super) struct ChatsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ChatsApi {
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
    ) -> Result<Page<ChatBody>, ListFailure> {
        let (owner, page_request) = (signed_in.account.id, PageRequest::new(limit, before.as_deref())?);
        let chats = state.storage.chats(owner, page_request.after, page_request.rows_to_read()).await?;
        Ok(page_request.page(chats, request, StoredChat::cursor, |chat| ChatBody::new(chat, owner, &state.clock)))
    }

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
    ) -> Result<Page<FoundMessage>, ListFailure> {
        let page_request = PageRequest::new(limit.or(Some(FOUND)), before.as_deref())?;
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

    /// Begin a chat
    ///
    /// Nothing needs to be sent. A chat without a title is called `New Chat` until its first message gives it one.
    #[oai(path = "/create", method = "post", operation_id = "createChat")]
    async fn create(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        OptionalJson(request): OptionalJson<CreateRequest>,
    ) -> Result<Created<WholeChat>, CreateFailure> {
        // What a chat without a title is called is no title.
        let given = request.title.filter(|title| !matches!(title.trim(), "" | Title::NEW));
        let title = given.as_deref().map(Title::parse).transpose()?;
        let persona = named_persona(state, request.persona.as_deref())?;
        let persona = persona.as_ref().map(|persona| persona.id.as_str());
        let (owner, now) = (signed_in.account.id, state.clock.now());
        let chat = state.storage.create_chat(owner, title.as_ref(), persona, now).await?;
        let chat = chat.ok_or(AccountFailure::EndedToken)?;
        Ok(Created(WholeChat::new(chat, owner, Vec::new(), &state.clock)))
    }

    /// Read a chat
    ///
    /// A chat of one's own, with all that was said in it.
    #[oai(path = "/:chat_id", method = "get", operation_id = "getChat")]
    async fn get(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<Json<WholeChat>, ChatFailure> {
        let owner = signed_in.account.id;
        let (chat, messages) = whole(state, owner, chat_id).await?;
        Ok(Json(WholeChat::new(chat, owner, messages, &state.clock)))
    }

    /// Rename a chat
    ///
    /// From then on its title stays, whatever is said in it.
    #[oai(path = "/:chat_id", method = "patch", operation_id = "renameChat")]
    async fn rename(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        Json(request): Json<TitleRequest>,
    ) -> Result<Json<ChatBody>, RenameFailure> {
        let title = Title::parse(&request.title)?;
        let (owner, now) = (signed_in.account.id, state.clock.now());
        let renamed = state.storage.rename_chat(owner, ChatId(chat_id), &title, now).await?;
        Ok(Json(ChatBody::new(renamed.ok_or_else(chat_not_found)?, owner, &state.clock)))
    }

    /// Delete a chat
    ///
    /// What was said in it goes with it.
    #[oai(path = "/:chat_id/delete", method = "delete", operation_id = "deleteChat")]
    async fn delete(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<Json<Confirmation>, ChatFailure> {
        if state.storage.delete_chat(signed_in.account.id, ChatId(chat_id)).await? {
            return Ok(confirm("Chat deleted successfully"));
        }
        Err(chat_not_found().into())
    }

    /// Clear a chat
    ///
    /// What was said in it is deleted; the chat remains. Nothing needs to be sent; a body is ignored.
    #[oai(path = "/:chat_id/clear", method = "post", operation_id = "clearChat")]
    async fn clear(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<Json<Confirmation>, ChatFailure> {
        if state.storage.clear_chat(signed_in.account.id, ChatId(chat_id), state.clock.now()).await? {
            return Ok(confirm("Chat cleared successfully"));
        }
        Err(chat_not_found().into())
    }

    /// Export a chat
    ///
    /// The chat as a file: the same as reading it. With `format=markdown` it is the text that
    /// `GET /api/chat/{chat_id}/export/markdown` gives.
    #[oai(path = "/:chat_id/export", method = "get", operation_id = "exportChat")]
    async fn export(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The form of the file; `json` where nothing is said.
        Query(format): Query<Option<Format>>,
    ) -> Result<Export, ExportFailure> {
        let owner = signed_in.account.id;
        let (chat, messages) = whole(state, owner, chat_id).await?;
        let chat = WholeChat::new(chat, owner, messages, &state.clock);
        Ok(Export { chat, format: format.unwrap_or(Format::Json) })
    }

    /// Export a chat as Markdown
    ///
    /// The chat as a file for people.
    #[oai(path = "/:chat_id/export/markdown", method = "get", operation_id = "exportChatMarkdown")]
    async fn export_markdown(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<MarkdownExport, ChatFailure> {
        let (chat, messages) = whole(state, signed_in.account.id, chat_id).await?;
        Ok(MarkdownExport(WholeChat::new(chat, signed_in.account.id, messages, &state.clock)))
    }
}

failures! { ExportFailure, signed in {
    400 "There is no such `format` (`invalid_request`).",
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
} }

impl Example for CreateRequest {
    fn example() -> Self {
        let (title, persona) = (Some("Opening hours".to_owned()), Some("assistant".to_owned()));
        Self { title, persona, ..Self::default() }
    }
}

impl Example for TitleRequest {
    fn example() -> Self {
        Self { title: "Opening hours".to_owned() }
    }
}
