//! Errors of turns for which there is no API key.
//!
//! Their finish reason is `upstream_error`: none of the log's reasons names a missing key, and the key is a part of the
//! connection to the model. The code in the same log line says that the key is missing.

use super::kind::{Billing, RetryAfter, turn_error_rows};
use crate::domain::finish::Finish;

turn_error_rows! {
    /// No source of an API key is configured.
    NO_API_KEY {
        status: 503,
        code: "no_api_key",
        retry_after: RetryAfter::Seconds(5),
        sentence: "No API key is configured; the operator must set PAPITA_API_URL or OPENAI_API_KEY",
        action: "Set `PAPITA_API_URL` or `OPENAI_API_KEY`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// `OPENAI_API_KEY` is a placeholder, and no other source of an API key is configured.
    PLACEHOLDER_API_KEY {
        status: 503,
        code: "no_api_key",
        retry_after: RetryAfter::Seconds(5),
        sentence: "OPENAI_API_KEY holds a placeholder, not a key; the operator must put a real one there or into \
                   Papita",
        action: "Set `OPENAI_API_KEY` to a real key, or put one into Papita.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The source that the configuration file names for the key of the model's provider holds none.
    NO_KEY_OF_PROVIDER {
        status: 503,
        code: "no_api_key",
        retry_after: RetryAfter::Seconds(5),
        sentence: "No API key is set for the model's provider; the operator must set the one that the configuration file \
                   names",
        action: "Set the variable that the configuration file names as the provider's `key`, or put the key into Papita \
                 under that name.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// Papita is unreachable or overloaded, and there is no local key.
    CREDENTIALS_UNAVAILABLE {
        status: 503,
        code: "credentials_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "No API key could be had from the credential broker; please try again soon",
        action: "Wait; check that Papita runs.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// Papita answers without a usable key, and there is no local key.
    NO_USABLE_CREDENTIALS {
        status: 503,
        code: "credentials_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The credential broker has no usable API key; the operator must put one into Papita or \
                   OPENAI_API_KEY",
        action: "Put a key into Papita or `OPENAI_API_KEY`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// No Papita has ever answered at `PAPITA_API_URL`, and there is no local key.
    BROKER_NOT_FOUND {
        status: 503,
        code: "credentials_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "No credential broker was found at PAPITA_API_URL; the operator must correct it or set \
                   OPENAI_API_KEY",
        action: "Correct `PAPITA_API_URL`, or set `OPENAI_API_KEY`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }
}
