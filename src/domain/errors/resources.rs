//! Errors of requests that name a resource which is missing, or send content that is not accepted.

use super::kind::{RetryAfter, error_rows};

error_rows! {
    /// The request has neither a message nor a file nor an image.
    MESSAGE_REQUIRED {
        status: 400,
        code: "message_required",
        retry_after: RetryAfter::None,
        sentence: "Message or attachment is required",
        action: "Send a message, a file or an image.",
    }

    /// The message to the portal is blank.
    EMPTY_PORTAL_MESSAGE {
        status: 400,
        code: "message_required",
        retry_after: RetryAfter::None,
        sentence: "Message cannot be empty",
        action: "Send a message.",
    }

    /// The message to the portal has more than 4000 characters.
    MESSAGE_TOO_LONG {
        status: 400,
        code: "message_too_long",
        retry_after: RetryAfter::None,
        sentence: "The message has more than 4000 characters; please shorten it",
        action: "Shorten the message.",
    }

    /// The message for a stored chat has neither text nor image.
    TEXT_REQUIRED {
        status: 400,
        code: "text_required",
        retry_after: RetryAfter::None,
        sentence: "A text or an image is required",
        action: "Send a text or an image.",
    }

    /// The request for the description of an image has no image.
    IMAGE_REQUIRED {
        status: 400,
        code: "image_required",
        retry_after: RetryAfter::None,
        sentence: "No image provided",
        action: "Send an image.",
    }

    /// The session id is malformed.
    INVALID_SESSION_ID {
        status: 400,
        code: "invalid_session_id",
        retry_after: RetryAfter::None,
        sentence: "A session id has 1 to 128 letters, digits, dots, colons, dashes or underscores",
        action: "Send the id that the start of a session returns.",
    }

    /// The folder or a file of the session log cannot be read, so that it cannot be reported.
    SESSION_LOG_UNREADABLE {
        status: 503,
        code: "session_log_unreadable",
        retry_after: RetryAfter::Seconds(5),
        sentence: "The session log cannot be read; the operator must look at its folder",
        action: "Correct the permissions of `SESSION_LOG_DIR`, or mend its disk; the diagnostics name the file.",
    }

    /// Nobody gets requests for a person: `EVENTS_URL` is not set.
    HANDOVER_NOT_AVAILABLE {
        status: 404,
        code: "handover_not_available",
        retry_after: RetryAfter::None,
        sentence: "Nobody can be asked here; this server passes no requests on",
        action: "Set `EVENTS_URL`, or show no button: the start of a session says whether there is a person (`handover`).",
    }

    /// The `Idempotency-Key` is malformed.
    INVALID_IDEMPOTENCY_KEY {
        status: 400,
        code: "invalid_idempotency_key",
        retry_after: RetryAfter::None,
        sentence: "An Idempotency-Key has 1 to 255 visible ASCII characters",
        action: "Use a random UUID.",
    }

    /// The `Last-Event-ID` is not the id of an event of this turn.
    INVALID_LAST_EVENT_ID {
        status: 400,
        code: "invalid_last_event_id",
        retry_after: RetryAfter::None,
        sentence: "The Last-Event-ID is not that of an event of this turn",
        action: "Send the id of the last event that was received, or none to read from the start.",
    }

    /// The title of a chat is blank or too long.
    INVALID_TITLE {
        status: 400,
        code: "invalid_title",
        retry_after: RetryAfter::None,
        sentence: "A title has 1 to 200 characters",
        action: "Send a title of 1 to 200 characters.",
    }

    /// No persona has this name.
    PERSONA_NOT_FOUND {
        status: 400,
        code: "persona_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no persona of that name; GET /api/personas lists them",
        action: "Use a name that `GET /api/personas` lists.",
    }

    /// A server names a model or a persona that is not there, or that its API key may not use.
    NO_SUCH_MODEL {
        status: 404,
        code: "model_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no such model for this API key; GET /v1/models lists those that there are",
        action: "Choose a model of `GET /v1/models`. The operator can add one to `ALLOWED_MODELS`, or to those of the key.",
    }

    /// The persona of a stored chat was removed.
    PERSONA_GONE {
        status: 409,
        code: "persona_gone",
        retry_after: RetryAfter::None,
        sentence: "Who speaks in this chat isn't there any more; it can be read, and another one begun",
        action: "Begin another chat.",
    }

    /// The caller has no chat with this id.
    CHAT_NOT_FOUND {
        status: 404,
        code: "chat_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no such chat",
        action: "Load the list of chats again.",
    }

    /// The account has as many chats as it may store (`MAX_CHATS`). `details.max_chats` is the number.
    TOO_MANY_CHATS {
        status: 409,
        code: "too_many_chats",
        retry_after: RetryAfter::None,
        sentence: "You have as many chats as can be stored; delete one to begin another",
        action: "Delete a chat (`DELETE /api/chat/{chat_id}/delete`), or raise `MAX_CHATS`.",
    }

    /// Other clients read large messages or lists of many chats, and occupy the memory for them (`BODY_MEMORY`).
    LIST_MEMORY_USED_UP {
        status: 503,
        code: "list_memory_used_up",
        retry_after: RetryAfter::Seconds(2),
        sentence: "Too many long lists are being read at once; please try again in a moment",
        action: "Try again. If it happens often, raise `BODY_MEMORY`.",
    }

    /// The caller has no message with this id.
    MESSAGE_NOT_FOUND {
        status: 404,
        code: "message_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no such message",
        action: "Load the chat again.",
    }

    /// There is no text to erase of this session and this caller: none was sealed in the session log, and no answer or stream is
    /// kept for repetitions; or all was erased before.
    CONTENT_NOT_FOUND {
        status: 404,
        code: "content_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no text of this session to erase",
        action: "Check the id; a text is erased only once. In the session log, only texts can be erased that \
                 `SESSION_LOG_CONTENT=on` has logged.",
    }

    /// Nobody has used anything of a limit under this id, or its window is over.
    LIMIT_COUNT_NOT_FOUND {
        status: 404,
        code: "limit_count_not_found",
        retry_after: RetryAfter::None,
        sentence: "Nothing is counted under this id",
        action: "Take the id from `GET /api/admin/limits`.",
    }

    /// A retry was requested for a message that has not failed.
    NOT_FAILED {
        status: 409,
        code: "not_failed",
        retry_after: RetryAfter::None,
        sentence: "Only a message that has failed can be tried again",
        action: "Load the chat again; the message may have been answered.",
    }

    /// No turn of this process and this caller has this id, or it ended too long ago. A rating needs an answered turn of the caller
    /// of the last seven days, of any replica.
    TURN_NOT_FOUND {
        status: 404,
        code: "turn_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no such turn here, or it ended too long ago",
        action: "Send the question again; give up a rating.",
    }

    /// A page of another website used the portal. `details.hint` says what the operator can do.
    FOREIGN_ORIGIN {
        status: 403,
        code: "foreign_origin",
        retry_after: RetryAfter::None,
        sentence: "The chat cannot be used from this page at the moment; please tell the people who run this website",
        action: "Behind a proxy, set what the server's diagnostics name; on another website, embed the chat window.",
    }

    /// The portal is switched off, and there are sites, so that its visitors would ask outside of all of them.
    PORTAL_OFF {
        status: 403,
        code: "portal_off",
        retry_after: RetryAfter::None,
        sentence: "This server has no portal; its operator has switched it off",
        action: "Ask on a page of a site, with a ticket, or with an account; or have the operator set `PORTAL=on`.",
    }
}
