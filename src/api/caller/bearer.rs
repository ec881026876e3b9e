//! The bearer of a request: what its `Authorization: Bearer …` header holds (RFC 6750). Its form tells which of the three kinds
//! it is.

use poem::{Request, http::header};

use crate::{
    api::problem::Problem,
    domain::{api_key::ApiKeyText, errors::bearers},
    services::{accounts::AccountFailure, sites::TICKET_PREFIX},
};

/// The bearer of a request. Whether it is valid is not known yet.
#[derive(Clone, Copy)]
pub(super) enum Bearer<'a> {
    /// The token of an account, or a text in no known form.
    AccountToken(&'a str),
    /// An API key, for servers.
    ApiKey(&'a str),
    /// An embed ticket, for a visitor of a website with the chat window.
    Ticket(&'a str),
}

impl<'a> Bearer<'a> {
    /// Returns the bearer of a request; `None` without an `Authorization` header. Fails if that header is malformed, has another
    /// scheme or is there twice: whoever sends it believes to be known, and is never treated as an anonymous visitor.
    pub(super) fn of(request: &'a Request) -> Result<Option<Self>, Problem> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let text = bearer_text(request).ok_or(AccountFailure::InvalidToken)?;
        Ok(Some(match text {
            _ if text.starts_with(ApiKeyText::PREFIX) => Self::ApiKey(text),
            _ if text.starts_with(TICKET_PREFIX) => Self::Ticket(text),
            _ => Self::AccountToken(text),
        }))
    }

    /// Returns the token of an account. Fails if the bearer is of another kind.
    pub(super) fn account_token(self) -> Result<&'a str, Problem> {
        match self {
            Self::AccountToken(token) => Ok(token),
            Self::ApiKey(_) => Err(Problem::of_auth(&bearers::API_KEY_NOT_ACCEPTED)),
            Self::Ticket(_) => Err(Problem::of_auth(&bearers::TICKET_NOT_ACCEPTED)),
        }
    }
}

/// Returns what follows `Bearer`, whatever its kind; `None` without an `Authorization` header, with two, or with another scheme.
pub(super) fn bearer_text(request: &Request) -> Option<&str> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    let credentials = headers.next()?;
    if headers.next().is_some() {
        return None;
    }
    let (scheme, text) = credentials.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(text.trim())
}

/// Whether an `Authorization` header of a request has a bearer, whatever follows.
pub(super) fn has_bearer(request: &Request) -> bool {
    let schemes = request.headers().get_all(header::AUTHORIZATION).iter().map(|value| {
        let scheme = value.as_bytes().trim_ascii().split(u8::is_ascii_whitespace).next();
        scheme.unwrap_or_default()
    });
    schemes.into_iter().any(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}
