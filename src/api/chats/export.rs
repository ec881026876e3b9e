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
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
} }

pub(in crate::api) struct ExportChatApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ExportChatApi {
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
        let chat = WholeChat::read(state, signed_in.account.id, chat_id).await?;
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
    ) -> Result<MarkdownExport, ChatByIdFailure> {
        Ok(MarkdownExport(WholeChat::read(state, signed_in.account.id, chat_id).await?))
    }
}
