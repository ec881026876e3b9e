//! Deprecated fields in the answers of a registration and a login, for older clients.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::body::AccountBody;

/// An account that has just been registered.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RegisteredAccount", example)]
pub(super) struct Registered {
    #[serde(flatten)]
    #[oai(flatten)]
    account: AccountBody,
    /// The confirmation of the registration as a sentence.
    #[oai(deprecated)]
    message: String,
    /// The same account.
    #[oai(deprecated)]
    user: AccountBody,
}

/// Fields that older clients look for in the answer of a login.
#[derive(Object, Serialize)]
pub(super) struct LoginAliases {
    /// The same as `access_token`.
    #[oai(deprecated)]
    token: String,
    /// The account's name.
    #[oai(deprecated)]
    username: String,
    /// The account's e-mail address.
    #[oai(deprecated)]
    email: String,
    /// The confirmation of the login as a sentence.
    #[oai(deprecated)]
    message: String,
}

impl Registered {
    pub(super) fn new(account: AccountBody) -> Self {
        Self { user: account.clone(), account, message: "User registered successfully".to_owned() }
    }
}

impl LoginAliases {
    pub(super) fn new(token: &str, user: &AccountBody) -> Self {
        Self {
            token: token.to_owned(),
            username: user.username.clone(),
            email: user.email.clone(),
            message: "Login successful".to_owned(),
        }
    }
}

impl Example for Registered {
    fn example() -> Self {
        Self::new(AccountBody::example())
    }
}
