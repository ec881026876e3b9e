//! `POST /api/auth/password`: a new password, which revokes all tokens of the account.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::body::EXAMPLE_TOKEN;
use crate::{
    api::{
        AppState, Group,
        caller::{LoginFrom, RequiredAccount},
        json::{Json, text},
        problem::failures,
    },
    domain::account::Password,
};

failures! { PasswordFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`password_required`), or not as it has to be \
         (`invalid_request`, `password_too_short`, `password_too_long`).",
    401 "There is no token (`token_missing`), or it is invalid, expired, revoked (`token_invalid`, `token_expired`, `token_ended`), or of \
         another kind (`api_key_not_accepted`, `ticket_not_accepted`).",
    403 "The current password is wrong (`wrong_password`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many wrong passwords came from this address or its network (`too_many_attempts`).",
    500 "A fault of this server (`internal_error`).",
    503 "The account cannot be changed (`storage_unavailable`), or too many passwords are being checked (`too_busy`) or large \
         bodies sent at once (`body_memory_used_up`).",
} }

/// A change of an account's password.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "ChangePasswordRequest", example)]
struct PasswordRequest {
    /// The current password.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 1))]
    current_password: String,
    /// The new password: at least 6 characters.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 6))]
    new_password: String,
}

/// The response to a change of the password.
#[derive(Object, Serialize)]
#[oai(example)]
struct PasswordChanged {
    /// The confirmation as a sentence.
    message: String,
    /// The new access token; all others are revoked.
    access_token: String,
}

pub(in crate::api) struct ChangePasswordApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl ChangePasswordApi {
    /// Change the password
    ///
    /// Changes the password and revokes all tokens of the account. The response holds a new token.
    #[oai(path = "/password", method = "post", operation_id = "changePassword")]
    async fn change_password(
        &self,
        Data(state): Data<&AppState>,
        LoginFrom(client): LoginFrom,
        RequiredAccount(signed_in): RequiredAccount,
        Json(request): Json<PasswordRequest>,
    ) -> Result<Json<PasswordChanged>, PasswordFailure> {
        let current = Password::parse_entered(&SecretString::from(request.current_password))?;
        let new = Password::parse_new(&SecretString::from(request.new_password))?;
        let token = state.accounts.change_password(signed_in, current, new, client).await?;
        let message = "Password changed successfully".to_owned();
        Ok(Json(PasswordChanged { message, access_token: token.expose_secret().to_owned() }))
    }
}

impl Example for PasswordRequest {
    fn example() -> Self {
        Self { current_password: "correct horse battery".to_owned(), new_password: "staple correct horse".to_owned() }
    }
}

impl Example for PasswordChanged {
    fn example() -> Self {
        Self { message: "Password changed successfully".to_owned(), access_token: EXAMPLE_TOKEN.to_owned() }
    }
}
