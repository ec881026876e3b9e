//! `POST /api/auth/logout`: revokes a token.

use poem::web::Data;
use poem_openapi::OpenApi;

use super::account::TokenFailure;
use crate::api::{
    AppState, Group,
    caller::RequiredAccount,
    confirmation::{Confirmation, confirm},
    json::Json,
};

pub(in crate::api) struct LogoutApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl LogoutApi {
    /// Log out
    ///
    /// Revokes the access token. No body is needed; it is ignored.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn log_out(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
    ) -> Result<Json<Confirmation>, TokenFailure> {
        state.accounts.log_out(signed_in).await?;
        Ok(confirm("Successfully logged out"))
    }
}
