//! `GET` and `DELETE /api/auth/me`: the account that a token was issued for.

use poem::web::Data;
use poem_openapi::OpenApi;

use super::body::AccountBody;
use crate::api::{
    AppState, Group,
    caller::RequiredAccount,
    confirmation::{Confirmation, confirm},
    erasure,
    json::Json,
    problem::failures,
};

failures! { TokenFailure, signed in {} }

pub(in crate::api) struct OwnAccountApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl OwnAccountApi {
    /// Read the account
    ///
    /// Returns the account of the access token.
    #[oai(path = "/me", method = "get", operation_id = "getAccount")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn me(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
    ) -> Result<Json<AccountBody>, TokenFailure> {
        Ok(Json(AccountBody::new(signed_in.account, &state.clock)))
    }

    /// Remove the account
    ///
    /// Deletes the account with its chats and messages, erases its texts in the session log if they are sealed, and revokes all
    /// its tokens.
    #[oai(path = "/me", method = "delete", operation_id = "deleteAccount")]
    async fn remove(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
    ) -> Result<Json<Confirmation>, TokenFailure> {
        erasure::remove_account(state, signed_in).await?;
        Ok(confirm("Account deleted successfully"))
    }
}
