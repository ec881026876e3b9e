//! Errors that refuse or end a turn for a reason outside the model.
//!
//! Most of them refuse a turn before it begins. Such a turn has no line in the session log, and its finish reason is
//! used by nothing.

use super::{
    kind::{Billing, RetryAfter, turn_error_rows},
    requests,
};
use crate::domain::finish::Finish;

turn_error_rows! {
    /// The client names a model that is neither `OPENAI_MODEL` nor among `ALLOWED_MODELS`.
    MODEL_NOT_ALLOWED {
        status: 400,
        code: "model_not_allowed",
        retry_after: RetryAfter::None,
        sentence: "This model may not be chosen here; leave `model` out, or the operator must add it to ALLOWED_MODELS",
        action: "Leave `model` out, or add the model to `ALLOWED_MODELS`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The visitor, the address, the site, the API key or all together have used what a limit allows. `details` name the limit
    /// (`visitor`, `address`, `site`, `key` or `total`), its unit and its window, and say when to come back.
    LIMIT_REACHED {
        status: 429,
        code: "limit_reached",
        retry_after: RetryAfter::Stated,
        sentence: "As many questions as are allowed here have been asked for now; please try again later",
        action: "Wait for the time in `Retry-After`, or raise the limit (`LIMIT_VISITOR`, `LIMIT_ADDRESS`, `LIMIT_KEY`, `LIMIT_TOTAL`, or that of the site).",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The operator has paused the site, by `paused = true` in the configuration file or by `POST /api/admin/sites/{id}/pause`; or all
    /// spending, by `POST /api/admin/pause`.
    SITE_PAUSED {
        status: 503,
        code: "site_paused",
        retry_after: RetryAfter::Seconds(60),
        sentence: "The chat is paused at the moment; please come back later",
        action: "Wait until the operator ends the pause.",
    } ends {
        finish: Finish::Stopped,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The money of the day is spent that a limit allows; `details` are those of `limit_reached`.
    BUDGET_SPENT {
        status: 429,
        code: "budget_spent",
        retry_after: RetryAfter::Stated,
        sentence: "What the questions of a day may cost here is spent; please come back tomorrow",
        action: "Wait until the next day (UTC), or raise the limit in dollars.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The question of a visitor without an account, with history and files, is larger than `LIMIT_ANONYMOUS_INPUT`.
    INPUT_TOO_LARGE {
        status: 413,
        code: "input_too_large",
        retry_after: RetryAfter::None,
        sentence: "The question is too large with its files and the conversation before it; shorten it, attach less, or start a \
                   new conversation",
        action: "Send less, or raise `LIMIT_ANONYMOUS_INPUT`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The owner's guard (`GUARD_URL`) rejects the message, the history or an attached file. Nothing was asked or stored. The guard
    /// may send a sentence of its own.
    REJECTED_BY_GUARD {
        status: 422,
        code: "rejected_by_guard",
        retry_after: RetryAfter::None,
        sentence: "This message cannot be answered here; please put it differently",
        action: "Write something else. The operator finds the verdict in the session log.",
    } ends {
        finish: Finish::ContentFilter,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The owner's guard (`GUARD_ANSWERS`) rejects the beginning of the answer, so that nothing of it is left. The guard may send a
    /// sentence of its own.
    ANSWER_REJECTED_BY_GUARD {
        status: 422,
        code: "rejected_by_guard",
        retry_after: RetryAfter::None,
        sentence: "The answer to this cannot be shown here; please ask for something else",
        action: "Ask for something else. The operator finds the verdict in the session log.",
    } ends {
        finish: Finish::ContentFilter,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The owner's guard (`GUARD_URL`) gave no verdict, and `GUARD_FAIL` is `closed`.
    GUARD_UNAVAILABLE {
        status: 503,
        code: "guard_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "Messages cannot be checked at the moment; please try again soon",
        action: "Check the guard with `al-chat check`; the diagnostics have the cause.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The image is not an `https://` address or an image in a supported format.
    NOT_AN_IMAGE {
        status: 400,
        code: "invalid_image",
        retry_after: RetryAfter::None,
        sentence: "An image must be an https:// address, or a PNG, JPEG, GIF or WebP image as a data: URL or in base64",
        action: "Send the image in a supported format.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The image or its address is too large.
    IMAGE_TOO_LARGE {
        status: 400,
        code: "invalid_image",
        retry_after: RetryAfter::None,
        sentence: "An image may have an address of at most 8 KiB, and a data: URL may hold 12 MiB",
        action: "Send a smaller image.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The images of one turn are on too many different hosts.
    TOO_MANY_IMAGE_HOSTS {
        status: 400,
        code: "invalid_image",
        retry_after: RetryAfter::None,
        sentence: "The images of one turn are on too many different hosts; send some as data: URLs",
        action: "Send some of the images as `data:` URLs.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The address of the image leads into a private network.
    IMAGE_NOT_PUBLIC {
        status: 400,
        code: "image_not_public",
        retry_after: RetryAfter::None,
        sentence: "The image's address is not on the public internet; use one that anybody can open, or a data: URL \
                   with the image itself",
        action: "Use a public address, or a `data:` URL.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The `Idempotency-Key` was used for another question.
    IDEMPOTENCY_KEY_REUSED {
        status: 422,
        code: "idempotency_key_reused",
        retry_after: RetryAfter::None,
        sentence: "This Idempotency-Key was used for another question; a new question needs a new key",
        action: "Use a new key for each question.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The turn of this `Idempotency-Key` was interrupted, and its answer is not known, so it is not repeated.
    TURN_INTERRUPTED {
        status: 409,
        code: "turn_interrupted",
        retry_after: RetryAfter::None,
        sentence: "The turn of this Idempotency-Key was cut off before it was answered; ask again with a new key",
        action: "Send the question again, with a new key.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The earlier turns of the same chat did not end in time, or more than 32 turns wait in it.
    CHAT_BUSY {
        status: 503,
        code: "chat_busy",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The messages before this one are still being answered; please try again in a moment",
        action: "Wait.",
    } ends {
        finish: Finish::Timeout,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The message does not fit beside what its account or visitor has stored (`MAX_STORED_BYTES`). `details.max_bytes` is the size.
    STORAGE_FULL {
        status: 409,
        code: "storage_full",
        retry_after: RetryAfter::None,
        sentence: "Your stored messages take all the room there is; delete or clear a chat to go on",
        action: "Delete messages or chats, or clear one, or raise `MAX_STORED_BYTES`.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The chat or the message was removed, or the message has been answered.
    CHAT_CHANGED {
        status: 409,
        code: "chat_changed",
        retry_after: RetryAfter::None,
        sentence: "The chat or the message was removed, or has been answered; please load the chat again",
        action: "Load the chat again.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// No permit of `MAX_TURNS` is free for this address, and the queue has no place for it or `TURN_QUEUE_TIMEOUT` has passed.
    TOO_BUSY {
        status: 503,
        code: "too_busy",
        retry_after: RetryAfter::Seconds(2),
        sentence: "Too many questions at once; please try again in a moment",
        action: "Wait. If it happens often, raise `MAX_TURNS`; behind a proxy, set `PROXIES`.",
    } ends {
        finish: Finish::Timeout,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// This process has no file descriptor left to call the model or Papita. Neither was asked.
    NO_DESCRIPTORS {
        status: 503,
        code: "too_busy",
        retry_after: RetryAfter::Seconds(2),
        sentence: "Too many questions at once; please try again in a moment",
        action: "Wait. If it happens often, raise the limit of open files (`ulimit -n`, `LimitNOFILE`).",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::Unbilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The service is shutting down. A running turn ends with this error when the drain timeout has passed.
    STOPPING {
        status: 503,
        code: "stopping",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The service is restarting; please try again in a moment",
        action: "Send the question again.",
    } ends {
        finish: Finish::Stopped,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The session log cannot be written, so nothing is answered.
    SESSION_LOG_UNAVAILABLE {
        status: 503,
        code: "session_log_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The session log cannot be written, so nothing can be answered; the operator must make room in its \
                   folder",
        action: "Make room in `SESSION_LOG_DIR`, or correct its permissions.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The database cannot be used.
    STORAGE_UNAVAILABLE {
        status: 503,
        code: "storage_unavailable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The database cannot be used at the moment; please try again soon",
        action: "Check the database of `DATABASE_URL`; the server's diagnostics have the cause.",
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The client closed the connection before the answer was complete. Only the log has this error.
    CLIENT_GONE {
        status: 499,
        code: "client_gone",
        retry_after: RetryAfter::None,
        sentence: "The client closed the connection",
        action: "Nothing.",
    } ends {
        finish: Finish::ClientGone,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The process ended during the turn, for example by `kill -9`. Only the log has this error.
    PROCESS_ENDED {
        status: 500,
        code: "turn_interrupted",
        retry_after: RetryAfter::None,
        sentence: "The service ended before the answer was complete",
        action: "See why the process ended.",
    } ends {
        finish: Finish::Interrupted,
        billing: Billing::Estimated,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }

    /// The task of the turn stopped because of a bug.
    TURN_TASK_FAILED {
        status: 500,
        code: "internal_error",
        retry_after: RetryAfter::None,
        sentence: requests::INTERNAL_ERROR.sentence,
        action: requests::INTERNAL_ERROR.action,
    } ends {
        finish: Finish::UpstreamError,
        billing: Billing::MaybeBilled,
        is_transient: false,
        should_fall_back: false,
        counts_against_breaker: false,
    }
}
