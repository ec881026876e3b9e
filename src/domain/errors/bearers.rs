//! Errors of the three kinds of bearers: account tokens, API keys and embed tickets.

use super::kind::{RetryAfter, error_rows};

error_rows! {
    /// An API key was sent to an address that takes none.
    API_KEY_NOT_ACCEPTED {
        status: 401,
        code: "api_key_not_accepted",
        retry_after: RetryAfter::None,
        sentence: "This address takes no API key; it is for the token of an account",
        action: "Send the token of an account, or use an address for servers.",
    }

    /// An embed ticket was sent to an address that takes none.
    TICKET_NOT_ACCEPTED {
        status: 401,
        code: "ticket_not_accepted",
        retry_after: RetryAfter::None,
        sentence: "This address takes no embed ticket; it is for the token of an account",
        action: "Send the token of an account.",
    }
}
