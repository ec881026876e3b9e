//! `GET /api/chat/{chat_id}/export` and `/export/markdown`: a chat as a file.

use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{
    body::WholeChat,
    by_id::ChatByIdFailure,
    export_file::{Export, Format, MarkdownExport},
};
use crate::api::{AppState, Group, caller::RequiredAccount, problem::failures};

failures! { ExportFailure, signed in {
    400 "There is no such `format` (`invalid_request`).",
    404 "The account has no such chat (`chat_not_found`).",
} }

pub(in crate::api) struct ExportChatApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ExportChatApi {
    /// Export a chat
    ///
    /// Returns the chat as a JSON file, with the same content as `GET /api/chat/{chat_id}`. With `format=markdown`
    /// the file is that of `GET /api/chat/{chat_id}/export/markdown`.
    #[oai(path = "/:chat_id/export", method = "get", operation_id = "exportChat")]
    async fn export(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The format of the file; `json` by default.
        Query(format): Query<Option<Format>>,
    ) -> Result<Export, ExportFailure> {
        let chat = WholeChat::read(state, signed_in.account.id, chat_id).await?;
        Ok(Export { chat, format: format.unwrap_or(Format::Json) })
    }

    /// Export a chat as Markdown
    ///
    /// Returns the chat as a Markdown file.
    #[oai(path = "/:chat_id/export/markdown", method = "get", operation_id = "exportChatMarkdown")]
    async fn export_markdown(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<MarkdownExport, ChatByIdFailure> {
        Ok(MarkdownExport(WholeChat::read(state, signed_in.account.id, chat_id).await?))
    }
}
