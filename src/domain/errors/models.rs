//! Errors of calls to the model.

use super::kind::{Billing, RetryAfter, turn_error_rows};
use crate::domain::finish::Finish;

/// The sentence for a failure of the provider, whatever its kind.
const PROVIDER_FAILED: &str = "The model's provider failed; please try again";

/// The sentence for a model that takes too long, whoever ends the wait.
const NOT_IN_TIME: &str = "The model did not answer in time; please try again";

turn_error_rows! {
    /// The provider does not accept the API key.
    INVALID_API_KEY {
        status: 401,
        code: "invalid_api_key",
        retry_after: RetryAfter::None,
        sentence: "The model's provider refuses the API key; the operator must put a valid one into Papita or \
                   OPENAI_API_KEY",
        action: "Put a valid key into Papita or `OPENAI_API_KEY`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The provider accepts the API key, but not for this use.
    MODEL_FORBIDDEN {
        status: 502,
        code: "model_forbidden",
        retry_after: RetryAfter::None,
        sentence: "The model's provider forbids this use of the API key; the operator must look into it",
        action: "Check the rights of the key at the provider.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The provider limits the rate of requests or tokens.
    RATE_LIMITED {
        status: 429,
        code: "rate_limited",
        retry_after: RetryAfter::StatedOr(10),
        sentence: "The model's provider limits the rate of requests; please try again a little later",
        action: "Wait; raise the limit at the provider.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The account at the provider has no credit left.
    QUOTA_EXHAUSTED {
        status: 429,
        code: "quota_exhausted",
        retry_after: RetryAfter::StatedOr(10),
        sentence: "The account at the model's provider has no credit left; the operator must add some",
        action: "Add credit at the provider.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The provider has no model of this name.
    MODEL_NOT_FOUND {
        status: 400,
        code: "model_not_found",
        retry_after: RetryAfter::None,
        sentence: "The model's provider has no model of that name; choose another, or the operator must correct \
                   OPENAI_MODEL",
        action: "Correct `OPENAI_MODEL`, or name another model.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The conversation is longer than the model can read.
    PROMPT_TOO_LONG {
        status: 400,
        code: "prompt_too_long",
        retry_after: RetryAfter::None,
        sentence: "The message, its files and the history are too long for the model; please shorten them",
        action: "Shorten the message, the files or the history.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The provider refuses the content or the parameters of the request (400 or 422).
    REQUEST_REFUSED {
        status: 400,
        code: "request_refused",
        retry_after: RetryAfter::None,
        sentence: "The model's provider refuses this request; please change it",
        action: "Change the request; the server's diagnostics have the provider's reason.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The provider refuses the request with another status.
    MODEL_REFUSED_REQUEST {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "See the provider's reason in the server's diagnostics.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The provider's filter refuses the conversation before an answer has begun.
    PROMPT_FILTERED {
        status: 400,
        code: "answer_withheld",
        retry_after: RetryAfter::None,
        sentence: "The model's provider withheld the answer to this; please ask for something else",
        action: "Ask for something else.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The provider's filter withholds the answer.
    ANSWER_FILTERED {
        status: 400,
        code: "answer_withheld",
        retry_after: RetryAfter::None,
        sentence: "The model's provider withheld the answer to this; please ask for something else",
        action: "Ask for something else.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The answer ended without text. A reasoning model may have used its token limit for reasoning.
    MODEL_ANSWER_EMPTY {
        status: 502,
        code: "model_answer_empty",
        retry_after: RetryAfter::None,
        sentence: "The model ended without a word; please ask again, or for something shorter",
        action: "Send the question again, or raise the limit of tokens (`MAX_ANSWER_TOKENS`, or `max_tokens` of the persona).",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The provider is overloaded.
    MODEL_OVERLOADED {
        status: 503,
        code: "model_overloaded",
        retry_after: RetryAfter::StatedOr(10),
        sentence: "The model is overloaded; please try again soon",
        action: "Wait.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The provider failed with status 500.
    MODEL_SERVER_ERROR {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "Send the question again.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The provider failed with status 501.
    MODEL_NOT_IMPLEMENTED {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "Check `OPENAI_BASE_URL`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// A server between this one and the model failed (502, or a status of 520 to 530 by Cloudflare). The model may
    /// have received the request.
    MODEL_GATEWAY_ERROR {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "Send the question again.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The provider failed with another status of 503 or above.
    MODEL_OTHER_SERVER_ERROR {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "Send the question again.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The provider answered with an unexpected status below 500, such as a redirection or a 404 of another server.
    MODEL_UNEXPECTED_STATUS {
        status: 502,
        code: "model_failed",
        retry_after: RetryAfter::None,
        sentence: PROVIDER_FAILED,
        action: "Check `OPENAI_BASE_URL`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// No connection to the provider could be opened.
    MODEL_UNREACHABLE {
        status: 502,
        code: "model_unreachable",
        retry_after: RetryAfter::None,
        sentence: "The model's provider cannot be reached; please try again",
        action: "Check `OPENAI_BASE_URL` and the network.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The connection ended before the answer was complete.
    MODEL_CONNECTION_LOST {
        status: 502,
        code: "model_connection_lost",
        retry_after: RetryAfter::None,
        sentence: "The connection to the model was lost; please try again",
        action: "Send the question again.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The provider's response is not an answer in a known format.
    MODEL_ANSWER_UNREADABLE {
        status: 502,
        code: "model_answer_unreadable",
        retry_after: RetryAfter::None,
        sentence: "The model's answer could not be understood; please try again",
        action: "Check `OPENAI_BASE_URL`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The answer is larger than `MODEL_RESPONSE_LIMIT`.
    MODEL_ANSWER_TOO_LARGE {
        status: 502,
        code: "model_answer_too_large",
        retry_after: RetryAfter::None,
        sentence: "The model's answer was too large; please ask for a shorter one",
        action: "Ask for a shorter answer, or raise `MODEL_RESPONSE_LIMIT`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The circuit breaker of the model is open after repeated failures, so the model is not asked.
    CIRCUIT_OPEN {
        status: 503,
        code: "model_unavailable",
        retry_after: RetryAfter::Stated,
        sentence: "The model failed too often of late and is left alone for a moment; please try again soon",
        action: "Wait; check the provider.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// The model did not answer within the time limit of the turn.
    MODEL_TIMEOUT {
        status: 504,
        code: "model_timeout",
        retry_after: RetryAfter::None,
        sentence: NOT_IN_TIME,
        action: "Send the question again, or raise `TURN_TIMEOUT`.",
    } ends {
        finish: Finish::Timeout,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: true,
    }

    /// The model sent no text within its share of the time limit while other models could be asked.
    MODEL_SLOW {
        status: 504,
        code: "model_timeout",
        retry_after: RetryAfter::None,
        sentence: NOT_IN_TIME,
        action: "Send the question again.",
    } ends {
        finish: Finish::Timeout,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: true,
        counts_against_breaker: false,
    }

    /// A server between this one and the model received no answer in time.
    GATEWAY_TIMEOUT {
        status: 504,
        code: "model_timeout",
        retry_after: RetryAfter::None,
        sentence: NOT_IN_TIME,
        action: "Send the question again.",
    } ends {
        finish: Finish::Timeout,
        billing: Billing::MaybeBilled,
        is_transient: true,
        should_fall_back: true,
        counts_against_breaker: true,
    }
}
