//! `GET` and `PATCH /api/chat/{chat_id}`: reading and renaming a chat.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, types::Example};
use serde::Deserialize;

use super::body::{ChatBody, WholeChat, chat_not_found};
use crate::{
    adapters::storage::ChatId,
    api::{
        AppState, Group,
        caller::{ClientAddress, RequiredAccount},
        json::{Json, text},
        problem::failures,
        streamed::Streamed,
    },
    domain::title::Title,
};

failures! { ChatByIdFailure, signed in {
    404 "The account has no such chat (`chat_not_found`).",
} }

failures! { ReadChatFailure, signed in {
    404 "The account has no such chat (`chat_not_found`).",
} {} {
    503 "The database cannot be used (`storage_unavailable`), or too many large chats are read at once \
         (`list_memory_used_up`).",
} }

failures! { RenameFailure, signed in with a body {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), or the title is invalid (`invalid_request`, `invalid_title`).",
    404 "The account has no such chat (`chat_not_found`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

/// A new title for a chat.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "RenameChatRequest", example)]
struct TitleRequest {
    /// 1 to 200 characters in one line.
    #[serde(deserialize_with = "text")]
    title: String,
}

pub(in crate::api) struct ChatByIdApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ChatByIdApi {
    /// Read a chat
    ///
    /// Returns a chat of the account with all its messages.
    #[oai(path = "/:chat_id", method = "get", operation_id = "getChat")]
    async fn get(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<Json<WholeChat>>, ReadChatFailure> {
        Ok(WholeChat::respond(state, client, signed_in.account.id, chat_id).await?)
    }

    /// Rename a chat
    ///
    /// Sets the title. Later messages don't change it.
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
}

impl Example for TitleRequest {
    fn example() -> Self {
        Self { title: "Opening hours".to_owned() }
    }
}
