//! The codes of all errors, for programs: stable, and never used for anything else. `problem` and the resources assign
//! them; the contract shows them as an enum.

use super::word::{Word, WordList};

/// A new code needs its line here; without it, the tests that meet it fail.
const CODES: &[&str] = &[
    "answer_withheld",
    "bad_request",
    "body_incomplete",
    "body_timeout",
    "body_too_large",
    "chat_busy",
    "chat_changed",
    "chat_not_found",
    "client_gone",
    "credentials_unavailable",
    "email_required",
    "email_taken",
    "foreign_origin",
    "headers_too_large",
    "http_version_not_supported",
    "idempotency_key_reused",
    "image_not_public",
    "image_required",
    "internal_error",
    "invalid_api_key",
    "invalid_cursor",
    "invalid_email",
    "invalid_form",
    "invalid_host",
    "invalid_idempotency_key",
    "invalid_image",
    "invalid_json",
    "invalid_last_event_id",
    "invalid_request",
    "invalid_session_id",
    "invalid_title",
    "invalid_transfer_encoding",
    "invalid_username",
    "malformed_request",
    "message_not_found",
    "message_required",
    "message_too_long",
    "method_not_allowed",
    "model_answer_empty",
    "model_answer_too_large",
    "model_answer_unreadable",
    "model_connection_lost",
    "model_failed",
    "model_forbidden",
    "model_not_allowed",
    "model_not_found",
    "model_overloaded",
    "model_timeout",
    "model_unavailable",
    "model_unreachable",
    "no_api_key",
    "not_alive",
    "not_failed",
    "not_found",
    "not_ready",
    "password_required",
    "password_too_long",
    "password_too_short",
    "persona_gone",
    "persona_not_found",
    "prompt_too_long",
    "quota_exhausted",
    "rate_limited",
    "request_refused",
    "session_log_unavailable",
    "stopping",
    "storage_unavailable",
    "text_required",
    "token_ended",
    "token_expired",
    "token_invalid",
    "token_missing",
    "too_busy",
    "too_many_attempts",
    "too_many_registrations",
    "turn_interrupted",
    "turn_not_found",
    "unsupported_media_type",
    "unsupported_transfer_encoding",
    "uri_too_long",
    "username_required",
    "username_taken",
    "wrong_login",
    "wrong_password",
];

/// A code in a body.
pub(super) type ErrorCode = Word<ErrorCodes>;

/// The list as the contract shows it.
pub(super) struct ErrorCodes;

impl WordList for ErrorCodes {
    const NAME: &'static str = "ErrorCode";
    const DESCRIPTION: &'static str =
        "What went wrong, for programs. Codes are never renamed; later versions may add some.";

    fn words() -> Vec<&'static str> {
        CODES.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_snake_case_sorted_and_unique() {
        assert!(CODES.is_sorted_by(|one, next| one < next));
        assert!(CODES.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}
