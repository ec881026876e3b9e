//! `GET /api/chat/{chat_id}/export` and `/export/markdown`: a chat as a file.

use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{
    by_id::ReadChatFailure,
    export_file::{Export, Format, MarkdownExport, file},
};
use crate::api::{
    AppState, Group,
    caller::{ClientAddress, RequiredAccount},
    problem::failures,
    streamed::Streamed,
};

failures! { ExportFailure, signed in {
    400 "There is no such `format` (`invalid_request`).",
    404 "The account has no such chat (`chat_not_found`).",
} {} {
    503 "The database cannot be used (`storage_unavailable`), or too many large chats are read at once \
         (`list_memory_used_up`).",
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
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<Export>, ExportFailure> {
        Ok(file(state, client, signed_in.account.id, chat_id, format.unwrap_or(Format::Json)).await?)
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
        ClientAddress(client): ClientAddress,
    ) -> Result<Streamed<MarkdownExport>, ReadChatFailure> {
        Ok(file(state, client, signed_in.account.id, chat_id, Format::Markdown).await?)
    }
}
