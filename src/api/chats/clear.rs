//! `POST /api/chat/{chat_id}/clear`: removes the messages of a chat.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use super::{body::chat_not_found, by_id::ChatByIdFailure};
use crate::{
    adapters::storage::ChatId,
    api::{
        AppState, Group,
        caller::RequiredAccount,
        confirmation::{Confirmation, confirm},
        erasure,
        json::Json,
    },
};

pub(in crate::api) struct ClearChatApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl ClearChatApi {
    /// Clear a chat
    ///
    /// Deletes the messages of the chat; the chat itself remains. No body is needed; it is ignored.
    #[oai(path = "/:chat_id/clear", method = "post", operation_id = "clearChat")]
    async fn clear(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<Json<Confirmation>, ChatByIdFailure> {
        if erasure::clear_chat(state, signed_in.account.id, ChatId(chat_id)).await? {
            return Ok(confirm("Chat cleared successfully"));
        }
        Err(chat_not_found().into())
    }
}
