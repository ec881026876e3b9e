//! Errors of accounts, logins and tokens.

use super::kind::{RetryAfter, error_rows};

error_rows! {
    /// The username is missing or blank.
    USERNAME_REQUIRED {
        status: 400,
        code: "username_required",
        retry_after: RetryAfter::None,
        sentence: "A username is required",
        action: "Send a username.",
    }

    /// The username is too long, or has an `@` or invisible characters.
    INVALID_USERNAME {
        status: 400,
        code: "invalid_username",
        retry_after: RetryAfter::None,
        sentence: "A username has at most 80 characters, no @ and none that cannot be seen",
        action: "Choose another username.",
    }

    /// The e-mail address is missing or blank.
    EMAIL_REQUIRED {
        status: 400,
        code: "email_required",
        retry_after: RetryAfter::None,
        sentence: "An email is required",
        action: "Send an e-mail address.",
    }

    /// The e-mail address is malformed or too long.
    INVALID_EMAIL {
        status: 400,
        code: "invalid_email",
        retry_after: RetryAfter::None,
        sentence: "The email must be an address such as ada@example.org",
        action: "Correct the e-mail address.",
    }

    /// The password is missing.
    PASSWORD_REQUIRED {
        status: 400,
        code: "password_required",
        retry_after: RetryAfter::None,
        sentence: "A password is required",
        action: "Send a password.",
    }

    /// The new password is too short.
    PASSWORD_TOO_SHORT {
        status: 400,
        code: "password_too_short",
        retry_after: RetryAfter::None,
        sentence: "A password has at least 6 characters",
        action: "Choose a longer password.",
    }

    /// The new password is too long.
    PASSWORD_TOO_LONG {
        status: 400,
        code: "password_too_long",
        retry_after: RetryAfter::None,
        sentence: "A password has at most 1024 bytes",
        action: "Choose a shorter password.",
    }

    /// Another account has this username.
    USERNAME_TAKEN {
        status: 409,
        code: "username_taken",
        retry_after: RetryAfter::None,
        sentence: "Username already exists",
        action: "Choose another username, or log in.",
    }

    /// Another account has this e-mail address.
    EMAIL_TAKEN {
        status: 409,
        code: "email_taken",
        retry_after: RetryAfter::None,
        sentence: "Email already exists",
        action: "Log in, or use another e-mail address.",
    }

    /// No account has this name and this password.
    WRONG_LOGIN {
        status: 401,
        code: "wrong_login",
        retry_after: RetryAfter::None,
        sentence: "Invalid username or password",
        action: "Correct the username or the password.",
    }

    /// The current password, which a change of the password requires, is wrong.
    WRONG_PASSWORD {
        status: 403,
        code: "wrong_password",
        retry_after: RetryAfter::None,
        sentence: "The current password is not right",
        action: "Correct the current password.",
    }

    /// The operation requires an account, and the request has no token.
    TOKEN_MISSING {
        status: 401,
        code: "token_missing",
        retry_after: RetryAfter::None,
        sentence: "Please log in first: no token was sent",
        action: "Log in and send the token as `Authorization: Bearer …`.",
    }

    /// The operation is the operator's, and `ADMIN_TOKEN` was not sent. Without that setting, the request comes from another
    /// machine, through a proxy, or from a page of another server.
    OPERATOR_ONLY {
        status: 401,
        code: "operator_only",
        retry_after: RetryAfter::None,
        sentence: "This is for the operator: send ADMIN_TOKEN as a bearer token; where it is not set, only requests of the server's own \
                   machine are answered",
        action: "Send `ADMIN_TOKEN` as `Authorization: Bearer …`, or set it.",
    }

    /// The token was not issued by this server, or is malformed.
    TOKEN_INVALID {
        status: 401,
        code: "token_invalid",
        retry_after: RetryAfter::None,
        sentence: "The token is not a valid one; please log in again",
        action: "Log in again.",
    }

    /// The token has expired.
    TOKEN_EXPIRED {
        status: 401,
        code: "token_expired",
        retry_after: RetryAfter::None,
        sentence: "The token has expired; please log in again",
        action: "Log in again.",
    }

    /// The token was revoked by a logout, a new password or the deletion of the account.
    TOKEN_ENDED {
        status: 401,
        code: "token_ended",
        retry_after: RetryAfter::None,
        sentence: "The token was ended; please log in again",
        action: "Log in again.",
    }

    /// Too many wrong passwords were sent from this address for this account, or from this address or its network for others.
    TOO_MANY_ATTEMPTS {
        status: 429,
        code: "too_many_attempts",
        retry_after: RetryAfter::Stated,
        sentence: "Too many wrong passwords; please try again in a moment",
        action: "Wait.",
    }

    /// Too many accounts were registered from this address or its network.
    TOO_MANY_REGISTRATIONS {
        status: 429,
        code: "too_many_registrations",
        retry_after: RetryAfter::Stated,
        sentence: "Too many accounts were registered from here; please try again later",
        action: "Wait.",
    }

    /// Too many passwords wait to be hashed, also of other clients.
    TOO_MANY_LOGINS {
        status: 503,
        code: "too_busy",
        retry_after: RetryAfter::Seconds(2),
        sentence: "Too many people log in at once; please try again in a moment",
        action: "Wait.",
    }
}
