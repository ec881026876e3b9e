//! Errors of requests that cannot be read or are malformed.

use super::kind::{RetryAfter, error_rows};

error_rows! {
    /// The address has started too many sessions, or has stopped too many that are not known (`LIMIT_SESSIONS`); `details` name
    /// the window. Turns work without a session.
    SESSION_LIMIT_REACHED {
        status: 429,
        code: "session_limit_reached",
        retry_after: RetryAfter::Stated,
        sentence: "Too many sessions come from your network; questions work without one",
        action: "Go on without a session, or wait as long as `Retry-After` says.",
    }

    /// The address has asked for a person too often (`LIMIT_HANDOVERS`); `details` name the window.
    HANDOVER_LIMIT_REACHED {
        status: 429,
        code: "handover_limit_reached",
        retry_after: RetryAfter::Stated,
        sentence: "Too many requests for a person come from your network; please wait",
        action: "Wait as long as `Retry-After` says.",
    }

    /// The address has rated answers too often (`LIMIT_FEEDBACK`); `details` name the window.
    FEEDBACK_LIMIT_REACHED {
        status: 429,
        code: "feedback_limit_reached",
        retry_after: RetryAfter::Stated,
        sentence: "Too many ratings come from your network; please wait",
        action: "Wait as long as `Retry-After` says.",
    }

    /// The feedback on this turn was changed 20 times. The last one stays.
    FEEDBACK_CHANGES_USED_UP {
        status: 409,
        code: "feedback_changes_used_up",
        retry_after: RetryAfter::None,
        sentence: "This answer was rated too often; its last rating stays as it is",
        action: "Don't send further feedback on this turn.",
    }

    /// As many events wait for `EVENTS_URL` as `EVENTS_QUEUE_LIMIT` allows, so that the request for a person cannot be passed on.
    EVENT_QUEUE_FULL {
        status: 503,
        code: "event_queue_full",
        retry_after: RetryAfter::Seconds(60),
        sentence: "Your request cannot be passed on at the moment; please try again later",
        action: "Check the receiver at `EVENTS_URL`.",
    }

    /// No resource has this address.
    NOT_FOUND {
        status: 404,
        code: "not_found",
        retry_after: RetryAfter::None,
        sentence: "There is nothing at this address; /docs lists what there is",
        action: "Correct the path.",
    }

    /// The address does not accept this method.
    METHOD_NOT_ALLOWED {
        status: 405,
        code: "method_not_allowed",
        retry_after: RetryAfter::None,
        sentence: "This address does not take this method",
        action: "Use a method of the `Allow` header.",
    }

    /// The request is invalid in a way that has no code of its own. The status may be another 4xx.
    BAD_REQUEST {
        status: 400,
        code: "bad_request",
        retry_after: RetryAfter::None,
        sentence: "The request could not be understood",
        action: "Compare the request with the contract.",
    }

    /// The request is not valid HTTP.
    MALFORMED_REQUEST {
        status: 400,
        code: "malformed_request",
        retry_after: RetryAfter::None,
        sentence: "The request is not valid HTTP",
        action: "Use an HTTP library to build the request.",
    }

    /// The request line is longer than the server reads.
    URI_TOO_LONG {
        status: 414,
        code: "uri_too_long",
        retry_after: RetryAfter::None,
        sentence: "The address of the request is too long",
        action: "Shorten the path and the query.",
    }

    /// The headers are larger or more numerous than the server reads.
    HEADERS_TOO_LARGE {
        status: 431,
        code: "headers_too_large",
        retry_after: RetryAfter::None,
        sentence: "The request's headers are too large or too many; fewer cookies may help",
        action: "Send fewer or smaller headers, cookies above all.",
    }

    /// The request uses an HTTP version other than 1.0 and 1.1.
    HTTP_VERSION_NOT_SUPPORTED {
        status: 505,
        code: "http_version_not_supported",
        retry_after: RetryAfter::None,
        sentence: "This server speaks HTTP/1.1; a proxy in front of it may speak other versions",
        action: "Use HTTP/1.1.",
    }

    /// The `Host` header is missing, repeated or malformed.
    INVALID_HOST {
        status: 400,
        code: "invalid_host",
        retry_after: RetryAfter::None,
        sentence: "The request has no Host header",
        action: "Send one `Host` header with a host name or an address.",
    }

    /// The request has a `Transfer-Encoding` beside a `Content-Length`, or names `chunked` more than once.
    INVALID_TRANSFER_ENCODING {
        status: 400,
        code: "invalid_transfer_encoding",
        retry_after: RetryAfter::None,
        sentence: "The request has both a Content-Length and a Transfer-Encoding; only one can be true",
        action: "Send one of the two headers. If a proxy adds the other one, correct the proxy.",
    }

    /// The request has a `Transfer-Encoding` other than `chunked`.
    UNSUPPORTED_TRANSFER_ENCODING {
        status: 501,
        code: "unsupported_transfer_encoding",
        retry_after: RetryAfter::None,
        sentence: "This server takes no Transfer-Encoding but chunked",
        action: "Send the body with a `Content-Length` or as `chunked`.",
    }

    /// The connection ended before the whole body had arrived.
    BODY_INCOMPLETE {
        status: 400,
        code: "body_incomplete",
        retry_after: RetryAfter::None,
        sentence: "The connection broke off in the middle of the body",
        action: "Send the request again.",
    }

    /// The body did not arrive within the time limit (`BODY_TIMEOUT`).
    BODY_TIMEOUT {
        status: 408,
        code: "body_timeout",
        retry_after: RetryAfter::None,
        sentence: "The body took too long to arrive; please try again",
        action: "Send the request again.",
    }

    /// The bodies of other requests occupy the memory for large ones (`BODY_MEMORY`).
    BODY_MEMORY_USED_UP {
        status: 503,
        code: "body_memory_used_up",
        retry_after: RetryAfter::Seconds(2),
        sentence: "Too many large requests at once; please try again in a moment",
        action: "Send the request again, or a smaller body. If it happens often, raise `BODY_MEMORY`.",
    }

    /// The body, or the text in it, is larger than the address accepts. `details.limit_bytes` is the limit.
    BODY_TOO_LARGE {
        status: 413,
        code: "body_too_large",
        retry_after: RetryAfter::None,
        sentence: "The body is larger than this address takes",
        action: "Send a smaller body.",
    }

    /// The body's media type is not JSON.
    UNSUPPORTED_MEDIA_TYPE {
        status: 415,
        code: "unsupported_media_type",
        retry_after: RetryAfter::None,
        sentence: "The body must be JSON, with Content-Type: application/json",
        action: "Send JSON, with `Content-Type: application/json`.",
    }

    /// The body's media type is neither JSON nor that of a form, at an address that accepts both.
    NEITHER_JSON_NOR_FORM {
        status: 415,
        code: "unsupported_media_type",
        retry_after: RetryAfter::None,
        sentence: "The body must be JSON or a form, with Content-Type application/json, multipart/form-data or \
                   application/x-www-form-urlencoded",
        action: "Send JSON or a form, with its `Content-Type`.",
    }

    /// The body, or a field of a form, is not valid JSON. The sentence names the place.
    INVALID_JSON {
        status: 400,
        code: "invalid_json",
        retry_after: RetryAfter::None,
        sentence: "The body is not valid JSON",
        action: "Correct the JSON.",
    }

    /// A field or a parameter has a wrong type or value. `details.field` names it, unless the whole body is meant.
    INVALID_REQUEST {
        status: 400,
        code: "invalid_request",
        retry_after: RetryAfter::None,
        sentence: "the body must be a JSON object",
        action: "Correct the field; the sentence says what is expected.",
    }

    /// A parameter of a request in OpenAI's form is not known here, or cannot be honoured.
    UNSUPPORTED_PARAMETER {
        status: 400,
        code: "unsupported_parameter",
        retry_after: RetryAfter::None,
        sentence: "The request has a parameter that is not supported here; leave it out",
        action: "Leave the parameter out that `param` names.",
    }

    /// The body is not a valid form. The sentence says why.
    INVALID_FORM {
        status: 400,
        code: "invalid_form",
        retry_after: RetryAfter::None,
        sentence: "The body is not a valid form",
        action: "Correct the form.",
    }

    /// The `before` parameter of a list is not a cursor of this list.
    INVALID_CURSOR {
        status: 400,
        code: "invalid_cursor",
        retry_after: RetryAfter::None,
        sentence: "`before` is not from a Link header of this list; without it the list begins at its start",
        action: "Take the address of the next page from the `Link` header.",
    }

    /// The server has a bug, or a part of it failed in an unexpected way.
    INTERNAL_ERROR {
        status: 500,
        code: "internal_error",
        retry_after: RetryAfter::None,
        sentence: "The server made a mistake; please report it with this request id",
        action: "Report it with the request id; the server's diagnostics have the cause.",
    }

    /// A background task of the server has stopped (health check).
    NOT_ALIVE {
        status: 503,
        code: "not_alive",
        retry_after: RetryAfter::None,
        sentence: "A part of this server has died; it must be restarted",
        action: "Restart the service.",
    }

    /// `MAX_CONNECTIONS` connections are open, or those of this address's share. Beyond them, only requests of monitoring systems are answered.
    TOO_MANY_CONNECTIONS {
        status: 503,
        code: "too_busy",
        retry_after: RetryAfter::Seconds(1),
        sentence: "Too many connections at once; please try again in a moment",
        action: "Wait. If it happens often, raise `MAX_CONNECTIONS` and the limit of open files.",
    }

    /// The service is starting. After a crash it may have to count turns of the session log first.
    STARTING {
        status: 503,
        code: "starting",
        retry_after: RetryAfter::Seconds(1),
        sentence: "The service is starting; please try again in a moment",
        action: "Send the request again. `/api/health/ready` shows what the start is doing.",
    }

    /// The server should receive no traffic now (health check). `details.parts` names the parts.
    NOT_READY {
        status: 503,
        code: "not_ready",
        retry_after: RetryAfter::Seconds(1),
        sentence: "This server should not be sent traffic now; see details.parts",
        action: "Send traffic to another replica until the check succeeds.",
    }
}
