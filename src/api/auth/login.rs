//! `POST /api/auth/login`: a token for a username and a password.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    aliases::LoginAliases,
    body::{AccountBody, EXAMPLE_TOKEN},
};
use crate::{
    api::{
        AppState, Group,
        caller::LoginFrom,
        json::{Json, text},
        problem::failures,
    },
    domain::account::{LoginName, Password},
};

failures! { LoginFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`username_required`, `password_required`) or \
         no text (`invalid_request`).",
    401 "There is no such account, or the password is wrong (`wrong_login`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many wrong passwords came from this address or its network (`too_many_attempts`).",
    500 "A fault of this server (`internal_error`).",
    503 "Accounts cannot be read (`storage_unavailable`), or too many passwords are being checked (`too_busy`) or large \
         bodies sent at once (`body_memory_used_up`).",
} }

/// The credentials of a login.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(example)]
struct LoginRequest {
    /// The name of the account, or its e-mail address.
    #[serde(deserialize_with = "text")]
    #[oai(validator(pattern = r"\S"))]
    username: String,
    /// The password.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 1))]
    password: String,
}

/// The response to a login: the access token and its account.
#[derive(Object, Serialize)]
#[oai(example)]
struct LoggedIn {
    /// The token to be sent with each request, as `Authorization: Bearer …`.
    access_token: String,
    /// The account of the token.
    user: AccountBody,
    #[serde(flatten)]
    #[oai(flatten)]
    aliases: LoginAliases,
}

impl LoggedIn {
    fn new(access_token: String, user: AccountBody) -> Self {
        Self { aliases: LoginAliases::new(&access_token, &user), access_token, user }
    }
}

pub(in crate::api) struct LoginApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl LoginApi {
    /// Log in
    ///
    /// By name or e-mail address. After several wrong passwords each further attempt takes longer, but never more than
    /// five seconds.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn log_in(
        &self,
        Data(state): Data<&AppState>,
        LoginFrom(client): LoginFrom,
        Json(request): Json<LoginRequest>,
    ) -> Result<Json<LoggedIn>, LoginFailure> {
        let name = LoginName::parse(&request.username)?;
        let password = Password::parse_entered(&SecretString::from(request.password))?;
        let (token, account) = state.accounts.log_in(name, password, client).await?;
        Ok(Json(LoggedIn::new(token.expose_secret().to_owned(), AccountBody::new(account, &state.clock))))
    }
}

impl Example for LoginRequest {
    fn example() -> Self {
        Self { username: "ada".to_owned(), password: "correct horse battery".to_owned() }
    }
}

impl Example for LoggedIn {
    fn example() -> Self {
        Self::new(EXAMPLE_TOKEN.to_owned(), AccountBody::example())
    }
}
