//! Accounts: `POST /api/auth/register`, `login`, `logout` and `password`, `GET` and `DELETE /api/auth/me`.

mod aliases;
mod body;

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use self::{
    aliases::{LoginAliases, Registered},
    body::AccountBody,
};
use super::{
    AppState, Group,
    caller::{ClientAddress, RequiredAccount},
    confirmation::{Confirmation, confirm},
    json::{Created, Json, text},
    problem::failures,
};
use crate::domain::account::{Email, LoginName, Password, Username};

failures! { RegisterFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`username_required`, `email_required`, \
         `password_required`), or not as it has to be (`invalid_request`, `invalid_username`, `invalid_email`, \
         `password_too_short`, `password_too_long`).",
    408 "The body took too long to arrive (`body_timeout`).",
    409 "Somebody has this name (`username_taken`) or this address (`email_taken`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many accounts were registered from this address (`too_many_registrations`).",
    500 "A fault of this server (`internal_error`).",
    503 "The account cannot be stored (`storage_unavailable`), or too many passwords are being checked (`too_busy`).",
} }

failures! { LoginFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`username_required`, `password_required`) or \
         no text (`invalid_request`).",
    401 "There is no such account, or its password is another one (`wrong_login`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many wrong passwords came from this address for this account (`too_many_attempts`).",
    500 "A fault of this server (`internal_error`).",
    503 "Accounts cannot be read (`storage_unavailable`), or too many passwords are being checked (`too_busy`).",
} }

failures! { TokenFailure, signed in {} }

failures! { PasswordFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`password_required`), or not as it has to be \
         (`invalid_request`, `password_too_short`, `password_too_long`).",
    401 "There is no token (`token_missing`), or it is of no use (`token_invalid`, `token_expired`, `token_ended`).",
    403 "The current password is another one (`wrong_password`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many wrong passwords came from this address for this account (`too_many_attempts`).",
    500 "A fault of this server (`internal_error`).",
    503 "The account cannot be changed (`storage_unavailable`), or too many passwords are being checked (`too_busy`).",
} }

/// Who wants an account.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(example)]
struct RegisterRequest {
    /// The name to log in by: 1 to 80 characters, without `@`. Case makes no difference.
    #[serde(deserialize_with = "text")]
    username: String,
    /// The e-mail address, which serves to log in as well.
    #[serde(deserialize_with = "text")]
    email: String,
    /// The password: at least 6 characters.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 6))]
    password: String,
}

/// Who wants to be let in.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(example)]
struct LoginRequest {
    /// The name of the account, or its e-mail address.
    #[serde(deserialize_with = "text")]
    username: String,
    /// The password.
    #[serde(deserialize_with = "text")]
    password: String,
}

/// Another password for an account.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "ChangePasswordRequest", example)]
struct PasswordRequest {
    /// The password as it is.
    #[serde(deserialize_with = "text")]
    current_password: String,
    /// The password to be: at least 6 characters.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 6))]
    new_password: String,
}

/// Who has been let in.
#[derive(Object, Serialize)]
#[oai(example)]
struct LoggedIn {
    /// The token to be sent with each request, as `Authorization: Bearer …`.
    access_token: String,
    /// Whose it is.
    user: AccountBody,
    #[serde(flatten)]
    #[oai(flatten)]
    aliases: LoginAliases,
}

/// A password was changed.
#[derive(Object, Serialize)]
#[oai(example)]
struct PasswordChanged {
    /// That it was, in words.
    message: String,
    /// The token to go on with; all others are dead.
    access_token: String,
}

impl LoggedIn {
    fn new(access_token: String, user: AccountBody) -> Self {
        Self { aliases: LoginAliases::new(&access_token, &user), access_token, user }
    }
}

pub(super) struct AuthApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl AuthApi {
    /// Register
    ///
    /// Makes an account. Names and addresses are unique without regard to case or the blanks around them.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        Data(state): Data<&AppState>,
        ClientAddress(from): ClientAddress,
        Json(request): Json<RegisterRequest>,
    ) -> Result<Created<Registered>, RegisterFailure> {
        let username = Username::parse(&request.username)?;
        let email = Email::parse(&request.email)?;
        let password = Password::parse_new(SecretString::from(request.password))?;
        let account = state.accounts.register(username, email, password, from).await?;
        Ok(Created(Registered::new(AccountBody::new(account, &state.clock))))
    }

    /// Log in
    ///
    /// By name or e-mail address. After several wrong passwords each further attempt takes longer, but never more than
    /// five seconds.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn log_in(
        &self,
        Data(state): Data<&AppState>,
        ClientAddress(from): ClientAddress,
        Json(request): Json<LoginRequest>,
    ) -> Result<Json<LoggedIn>, LoginFailure> {
        let name = LoginName::parse(&request.username)?;
        let password = Password::parse_entered(SecretString::from(request.password))?;
        let (token, account) = state.accounts.log_in(name, password, from).await?;
        Ok(Json(LoggedIn::new(token.expose_secret().to_owned(), AccountBody::new(account, &state.clock))))
    }

    /// Who is signed in
    ///
    /// The account whose token it is.
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
    /// Its chats and their messages go with it, and all its tokens are dead.
    #[oai(path = "/me", method = "delete", operation_id = "deleteAccount")]
    async fn remove(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
    ) -> Result<Json<Confirmation>, TokenFailure> {
        state.accounts.remove(signed_in).await?;
        Ok(confirm("Account deleted successfully"))
    }

    /// Log out
    ///
    /// The token is dead from then on. Nothing needs to be sent; a body is ignored.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn log_out(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
    ) -> Result<Json<Confirmation>, TokenFailure> {
        state.accounts.log_out(signed_in).await?;
        Ok(confirm("Successfully logged out"))
    }

    /// Change the password
    ///
    /// All tokens of the account are dead from then on; the answer holds a new one.
    #[oai(path = "/password", method = "post", operation_id = "changePassword")]
    async fn change_password(
        &self,
        Data(state): Data<&AppState>,
        ClientAddress(from): ClientAddress,
        RequiredAccount(signed_in): RequiredAccount,
        Json(request): Json<PasswordRequest>,
    ) -> Result<Json<PasswordChanged>, PasswordFailure> {
        let current = Password::parse_entered(SecretString::from(request.current_password))?;
        let new = Password::parse_new(SecretString::from(request.new_password))?;
        let token = state.accounts.change_password(signed_in, current, new, from).await?;
        let message = "Password changed successfully".to_owned();
        Ok(Json(PasswordChanged { message, access_token: token.expose_secret().to_owned() }))
    }
}

/// A token in examples, of nobody's.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl";

impl Example for RegisterRequest {
    fn example() -> Self {
        Self {
            username: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            password: "correct horse battery".to_owned(),
        }
    }
}

impl Example for LoginRequest {
    fn example() -> Self {
        Self { username: "ada".to_owned(), password: "correct horse battery".to_owned() }
    }
}

impl Example for PasswordRequest {
    fn example() -> Self {
        Self { current_password: "correct horse battery".to_owned(), new_password: "staple correct horse".to_owned() }
    }
}

impl Example for LoggedIn {
    fn example() -> Self {
        Self::new(TOKEN.to_owned(), AccountBody::example())
    }
}

impl Example for PasswordChanged {
    fn example() -> Self {
        Self { message: "Password changed successfully".to_owned(), access_token: TOKEN.to_owned() }
    }
}
