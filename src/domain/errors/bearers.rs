//! Errors of the three kinds of bearers: account tokens, API keys and embed tickets.

use super::kind::{RetryAfter, error_rows};

error_rows! {
    /// This server has no such API key, or the key is malformed.
    API_KEY_UNKNOWN {
        status: 401,
        code: "api_key_unknown",
        retry_after: RetryAfter::None,
        sentence: "This server has no such API key",
        action: "Send a key as `al-chat keys create` has printed it. One that was just made is accepted within two seconds.",
    }

    /// The API key was revoked.
    API_KEY_REVOKED {
        status: 401,
        code: "api_key_revoked",
        retry_after: RetryAfter::None,
        sentence: "This API key was revoked",
        action: "Make another one with `al-chat keys create`.",
    }

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
