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

    /// A request to an address for servers has no API key of this server: nothing, or the token of an account, a ticket, or
    /// another provider's key.
    API_KEY_REQUIRED {
        status: 401,
        code: "api_key_required",
        retry_after: RetryAfter::None,
        sentence: "This address needs an API key of this server, which begins with `alk_`; its operator can make one",
        action: "Make a key with `al-chat keys create`, and send it as `Authorization: Bearer …`.",
    }

    /// There are sites, and the request has neither a ticket of one of them nor another bearer.
    TICKET_REQUIRED {
        status: 401,
        code: "ticket_required",
        retry_after: RetryAfter::None,
        sentence: "The chat is not set up for this page: its owner must give the chat window the id of the site",
        action: "Set the site's id for the chat window, or request a ticket (`POST /api/embed/ticket`) and send it.",
    }

    /// The embed ticket was not issued by this server, or its site or origin is not in the configuration file any more.
    TICKET_INVALID {
        status: 401,
        code: "ticket_invalid",
        retry_after: RetryAfter::None,
        sentence: "The ticket of this page is not valid; please load the page again",
        action: "Request another ticket, without `previous`.",
    }

    /// The embed ticket has expired.
    TICKET_EXPIRED {
        status: 401,
        code: "ticket_expired",
        retry_after: RetryAfter::None,
        sentence: "The ticket of this page has expired; please load the page again",
        action: "Request another ticket, with this one as `previous`.",
    }

    /// The embed ticket was requested by a page of another origin than the request.
    TICKET_OF_OTHER_PAGE {
        status: 401,
        code: "ticket_of_other_page",
        retry_after: RetryAfter::None,
        sentence: "The ticket was requested by a page of another website",
        action: "Request a ticket from the page that uses it.",
    }

    /// There is no site with this id in the configuration file.
    SITE_NOT_FOUND {
        status: 404,
        code: "site_not_found",
        retry_after: RetryAfter::None,
        sentence: "There is no site with this id; the owner of this page must check the id that the chat window has",
        action: "Use the id of a site in `al-chat.toml`.",
    }

    /// The page that requests a ticket is of an origin that the site does not list, or the request names no origin.
    ORIGIN_NOT_LISTED {
        status: 403,
        code: "origin_not_listed",
        retry_after: RetryAfter::None,
        sentence: "The chat is not allowed on this website; its owner must add the website to the site's origins",
        action: "Add the page's origin to `origins` of the site in `al-chat.toml`.",
    }

    /// One address has requested more than 600 tickets in a minute.
    TOO_MANY_TICKETS {
        status: 429,
        code: "too_many_tickets",
        retry_after: RetryAfter::Stated,
        sentence: "Too many pages with the chat were loaded from here; please try again in a moment",
        action: "Wait for the time in `Retry-After`.",
    }

    /// A bearer was sent to an address of the portal, which takes none.
    BEARER_NOT_ACCEPTED {
        status: 401,
        code: "bearer_not_accepted",
        retry_after: RetryAfter::None,
        sentence: "This address takes no token, ticket or API key; it is for the pages of this server, by their cookie",
        action: "Ask at `POST /api/chat`, or send no `Authorization` header.",
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
