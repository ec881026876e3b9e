//! `POST /api/auth/register`: a new account.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use secrecy::SecretString;
use serde::Deserialize;

use super::{aliases::Registered, body::AccountBody};
use crate::{
    api::{
        AppState, Group,
        caller::LoginFrom,
        json::{Created, Json, text},
        problem::failures,
    },
    domain::account::{Email, Password, Username},
};

failures! { RegisterFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), a field is missing (`username_required`, `email_required`, \
         `password_required`), or not as it has to be (`invalid_request`, `invalid_username`, `invalid_email`, \
         `password_too_short`, `password_too_long`).",
    408 "The body took too long to arrive (`body_timeout`).",
    409 "The name (`username_taken`) or the address (`email_taken`) belongs to another account.",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "Too many accounts were registered from this address (`too_many_registrations`).",
    500 "A fault of this server (`internal_error`).",
    503 "The account cannot be stored (`storage_unavailable`), or too many passwords are being checked (`too_busy`) or large \
         bodies sent at once (`body_memory_used_up`).",
} }

/// The data of a registration.
#[derive(Default, Deserialize, Object)]
#[serde(default)]
#[oai(example)]
struct RegisterRequest {
    /// The name for logins: 1 to 80 characters, without `@`. Case makes no difference.
    #[serde(deserialize_with = "text")]
    #[oai(validator(max_length = 80, pattern = r"^[^@]*\S[^@]*$"))]
    username: String,
    /// The e-mail address, which can be used for logins as well.
    #[serde(deserialize_with = "text")]
    #[oai(validator(pattern = r"^\s*[^\s@]+@[^\s@.]+(\.[^\s@.]+)*\s*$"))]
    email: String,
    /// The password: at least 6 characters.
    #[serde(deserialize_with = "text")]
    #[oai(validator(min_length = 6))]
    password: String,
}

pub(in crate::api) struct RegisterApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Group::Auth")]
impl RegisterApi {
    /// Register
    ///
    /// Creates an account. Names and addresses are unique without regard to case and surrounding white space.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        Data(state): Data<&AppState>,
        LoginFrom(client): LoginFrom,
        Json(request): Json<RegisterRequest>,
    ) -> Result<Created<Registered>, RegisterFailure> {
        let username = Username::parse(&request.username)?;
        let email = Email::parse(&request.email)?;
        let password = Password::parse_new(&SecretString::from(request.password))?;
        let account = state.accounts.register(username, email, password, client).await?;
        Ok(Created(Registered::new(AccountBody::new(account, &state.clock))))
    }
}

impl Example for RegisterRequest {
    fn example() -> Self {
        Self {
            username: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            password: "correct horse battery".to_owned(),
        }
    }
}
