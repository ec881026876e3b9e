//! An account in answers of the API.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use crate::{domain::account::Account, foundation::clock::Clock};

/// A token for examples, which was never issued.
pub(super) const EXAMPLE_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl";

/// An account.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Account", example)]
pub(super) struct AccountBody {
    /// The account's id.
    id: i64,
    /// The account's name, as it was registered.
    pub(super) username: String,
    /// The account's e-mail address.
    pub(super) email: String,
    /// The time of the registration, RFC 3339.
    created_at: String,
}

impl AccountBody {
    pub(super) fn new(account: Account, clock: &Clock) -> Self {
        let Account { id, username, email, created_at } = account;
        Self { id: id.0, username, email, created_at: clock.rfc3339(created_at) }
    }
}

impl Example for AccountBody {
    fn example() -> Self {
        Self {
            id: 7,
            username: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            created_at: "2026-11-21T09:30:00.417000+01:00".to_owned(),
        }
    }
}
