//! `GET` and `DELETE /api/messages/{message_id}`: one message.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use super::body::MessageBody;
use crate::{
    adapters::storage::MessageId,
    api::{
        AppState, Group,
        caller::RequiredAccount,
        confirmation::{Confirmation, confirm},
        json::Json,
        problem::{Problem, failures},
    },
    domain::errors::resources,
};

failures! { MessageByIdFailure, signed in {
    404 "The account has no such message (`message_not_found`).",
} }

pub(in crate::api) struct MessageByIdApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl MessageByIdApi {
    /// Read a message
    ///
    /// Returns a message of the account, with its image.
    #[oai(path = "/:message_id", method = "get", operation_id = "getMessage")]
    async fn get(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
    ) -> Result<Json<MessageBody>, MessageByIdFailure> {
        let owner = signed_in.account.id;
        let message = state.storage.message(owner, MessageId(message_id)).await?;
        Ok(Json(MessageBody::new(message.ok_or_else(message_not_found)?, owner, &state.clock)))
    }

    /// Delete a message
    ///
    /// Deletes this message only; its answer stays.
    #[oai(path = "/:message_id", method = "delete", operation_id = "deleteMessage")]
    async fn delete(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
    ) -> Result<Json<Confirmation>, MessageByIdFailure> {
        if state.storage.delete_message(signed_in.account.id, MessageId(message_id)).await? {
            return Ok(confirm("Message deleted successfully"));
        }
        Err(message_not_found().into())
    }
}

/// Returns the error for a message that does not exist or belongs to another account. Both cases have the same error.
pub(super) fn message_not_found() -> Problem {
    Problem::new(&resources::MESSAGE_NOT_FOUND)
}
