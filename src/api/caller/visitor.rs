//! The portal's cookie, whose token identifies a visitor.

use std::time::Duration;

use poem::{
    Request, RequestBody,
    http::{HeaderMap, HeaderValue, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::{
    bearer::has_bearer,
    own_page::{ensure_own_page, is_by_tls, is_own_page},
};
use crate::{
    api::{portal_paths::is_personal, problem::Problem, public_path::public_url},
    domain::errors::bearers,
    foundation::config::PublicUrl,
    services::visitors::VisitorToken,
};

/// The cookie's name over plain HTTP.
const COOKIE: &str = "al_chat_visitor";

/// The cookie's name over TLS. Browsers accept a cookie with this prefix only over TLS and from this very host, so that
/// nobody else can set one with a token that they know.
const HOST_COOKIE: &str = "__Host-al_chat_visitor";

/// The cookie's name over TLS if it is for a path alone, that of `PUBLIC_URL`. Browsers accept a cookie with this prefix only over
/// TLS.
const SECURE_COOKIE: &str = "__Secure-al_chat_visitor";

/// The name of the cookie's security scheme in the contract.
pub(super) const SCHEME: &str = "visitorCookie";

/// The visitor of a request from one of the portal's pages: the one of the cookie, or a new one. Each response, errors
/// included, sets the cookie, so that the next request comes from the same visitor.
#[derive(Clone, Debug)]
pub(in crate::api) struct Visit {
    token: VisitorToken,
    is_by_tls: bool,
    public_url: Option<PublicUrl>,
}

impl Visit {
    /// Returns the visitor of a request to a path that concerns a visitor. `None` at other paths, and for pages of other
    /// websites.
    pub(in crate::api) fn of(request: &Request) -> Option<Self> {
        let (headers, public_url) = (request.headers(), public_url(request));
        let is_visit = is_personal(request.uri().path()) && is_own_page(headers, public_url);
        is_visit.then(|| {
            let is_by_tls = is_by_tls(headers, public_url);
            let token =
                token_in_cookies(headers, is_by_tls, has_path(public_url)).unwrap_or_else(VisitorToken::generate);
            Self { token, is_by_tls, public_url: public_url.cloned() }
        })
    }

    /// Adds the cookie to the headers of a response. It expires after `retention`.
    pub(in crate::api) fn set_cookie(&self, headers: &mut HeaderMap, retention: Duration) {
        let (token, seconds) = (self.token.expose(), retention.as_secs().max(1));
        let path = self.public_url.as_ref().map_or("/", PublicUrl::path);
        let (name, secure) = match (self.is_by_tls, path) {
            (true, "/") => (HOST_COOKIE, "; Secure"),
            (true, _) => (SECURE_COOKIE, "; Secure"),
            (false, _) => (COOKIE, ""),
        };
        // Formatted here, so that the attributes keep the order that clients have always received.
        let cookie = format!("{name}={token}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
            cookie.set_sensitive(true);
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    /// Returns the visitor's token.
    pub(in crate::api) fn token(&self) -> &VisitorToken {
        &self.token
    }
}

/// Returns the visitor's token in the cookies of a request. Cookies on requests from other websites' pages are ignored.
pub(super) fn token_of(request: &Request) -> Option<VisitorToken> {
    let (headers, public_url) = (request.headers(), public_url(request));
    let (is_by_tls, has_path) = (is_by_tls(headers, public_url), has_path(public_url));
    token_in_cookies(headers, is_by_tls, has_path).filter(|_| is_own_page(headers, public_url))
}

/// Whether the public address has a path, for which alone the cookie is then.
fn has_path(public_url: Option<&PublicUrl>) -> bool {
    public_url.is_some_and(|url| url.path() != "/")
}

/// Returns the token in the cookies. Over TLS, only a cookie with the `__Host-` prefix counts and, if the public address has a
/// path, one with the prefix `__Secure-`. The former is then that of a visitor who came before.
fn token_in_cookies(headers: &HeaderMap, is_by_tls: bool, has_path: bool) -> Option<VisitorToken> {
    let secure = || token_in_cookie(headers, SECURE_COOKIE).filter(|_| has_path);
    let plain = || token_in_cookie(headers, COOKIE).filter(|_| !is_by_tls);
    token_in_cookie(headers, HOST_COOKIE).or_else(secure).or_else(plain)
}

/// Returns the first valid token in cookies of a name. Several may have been set, for different paths or domains.
fn token_in_cookie(headers: &HeaderMap, name: &str) -> Option<VisitorToken> {
    headers.get_all(header::COOKIE).iter().find_map(|cookies| {
        // Other cookies may have any bytes.
        let cookies = String::from_utf8_lossy(cookies.as_bytes());
        let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
        let mut named = pairs.filter(|(own, _)| own.trim() == name);
        named.find_map(|(_, value)| VisitorToken::parse(value.trim()))
    })
}

impl<'a> ApiExtractor<'a> for Visit {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        ensure_own_page(request)?;
        // Whoever sends one believes to be known. Another scheme may be that of a proxy in front, which browsers send to all pages.
        if has_bearer(request) {
            return Err(Problem::of_auth(&bearers::BEARER_NOT_ACCEPTED).into());
        }
        Ok(request.data::<Self>().cloned().ok_or_else(Problem::internal)?)
    }
}

/// Adds the cookie's security scheme to the contract.
pub(super) fn register(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "apiKey",
        description: Some(
            "The portal's cookie, for its own pages only. A request without one gets one. With TLS its name begins with `__Host-`, or with `__Secure-` below a path.",
        ),
        name: Some(COOKIE),
        key_in: Some("cookie"),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme(SCHEME, scheme);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(cookies: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookies in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookies).unwrap());
        }
        token_in_cookies(&headers, false, false).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let token = VisitorToken::generate().expose().to_owned();
        let other = VisitorToken::generate().expose().to_owned();
        let rows = [
            format!("al_chat_visitor={token}"),
            format!("a=b; al_chat_visitor={token}; c=\"d;=\""),
            format!("a;;=;al_chat_visitor = {token} "),
            format!("al_chat_visitor=; al_chat_visitor=x; al_chat_visitor={token}; al_chat_visitor={other}"),
        ];
        for row in &rows {
            assert_eq!(found(&[row.as_bytes()]).as_ref(), Some(&token), "{row}");
            assert_eq!(found(&[b"a=\xff; b=1", row.as_bytes()]).as_ref(), Some(&token), "{row}");
        }
        let beside = [&b"a=\xff; "[..], rows[0].as_bytes()].concat();
        assert_eq!(found(&[&beside]), Some(token.clone()));
        for row in ["", "al_chat_visitor", "al_chat_visitor=", "al_chat_visitor=x", "AL_CHAT_VISITOR=", ";"] {
            assert_eq!(found(&[row.as_bytes()]), None, "{row}");
        }
        assert_eq!(found(&[format!("xal_chat_visitor={token}").as_bytes()]), None);
        assert_eq!(found(&[format!("al_chat_visitor={token}x").as_bytes()]), None);
    }

    #[test]
    fn over_tls_only_the_cookie_with_the_host_prefix_counts() {
        let [own, planted] = [(); 2].map(|()| VisitorToken::generate().expose().to_owned());
        let found = |cookies: &str, is_by_tls| {
            let headers = [(header::COOKIE, HeaderValue::from_str(cookies).unwrap())].into_iter().collect();
            token_in_cookies(&headers, is_by_tls, false).map(|token| token.expose().to_owned())
        };
        let planted = format!("al_chat_visitor={planted}");
        for cookies in [format!("__Host-al_chat_visitor={own}"), format!("{planted}; __Host-al_chat_visitor={own}")] {
            assert_eq!(found(&cookies, true).as_ref(), Some(&own));
            assert_eq!(found(&cookies, false).as_ref(), Some(&own));
        }
        assert_eq!(found(&planted, true), None);
        assert!(found(&planted, false).is_some());
    }

    proptest! {
        #[test]
        fn only_tokens_are_taken_from_cookies(cookie in "[ -~]{0,80}", value in "[ -~]{0,60}") {
            prop_assert!(found(&[cookie.as_bytes()]).is_none_or(|token| token.len() == 43));
            let named = format!("{COOKIE}={value}");
            prop_assert!(found(&[named.as_bytes()]).is_none_or(|token| value.contains(&token)));
        }
    }
}
