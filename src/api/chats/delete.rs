//! `DELETE /api/chat/{chat_id}/delete`: removes a chat with its messages.

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

pub(in crate::api) struct DeleteChatApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl DeleteChatApi {
    /// Delete a chat
    ///
    /// Deletes the chat with its messages.
    #[oai(path = "/:chat_id/delete", method = "delete", operation_id = "deleteChat")]
    async fn delete(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
    ) -> Result<Json<Confirmation>, ChatByIdFailure> {
        if erasure::delete_chat(state, signed_in.account.id, ChatId(chat_id)).await? {
            return Ok(confirm("Chat deleted successfully"));
        }
        Err(chat_not_found().into())
    }
}
