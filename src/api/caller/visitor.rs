//! The portal's cookie: who has it is the visitor whose chat goes on.

use std::time::Duration;

use poem::{
    Request, RequestBody,
    http::{HeaderMap, HeaderValue, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::own_page::{ensure_own_page, is_by_tls, is_own_page};
use crate::{
    api::{portal_paths::is_personal, problem::Problem},
    services::visitors::VisitorToken,
};

/// The cookie's name.
const COOKIE: &str = "al_chat_visitor";

/// Its name where the visitor has come by TLS. With this prefix, browsers take it by TLS and from this very host alone,
/// so that nobody can plant one whose visitor they know.
const HOST_COOKIE: &str = "__Host-al_chat_visitor";

/// The name of this way to be known, in the contract.
pub(super) const SCHEME: &str = "visitorCookie";

/// A request that a visitor makes by a page of ours: by the cookie that came with it, or by the one that goes with the
/// answer. The latter is so with every answer, errors included, so that the next request is the same visitor's.
#[derive(Clone, Debug)]
pub(in crate::api) struct Visit {
    token: VisitorToken,
    is_by_tls: bool,
}

impl Visit {
    /// The visit that a request is, if it is one.
    pub(in crate::api) fn of(request: &Request) -> Option<Self> {
        let headers = request.headers();
        let is_visit = is_personal(request.uri().path()) && is_own_page(headers);
        is_visit.then(|| {
            let is_by_tls = is_by_tls(headers);
            Self { token: in_cookies(headers, is_by_tls).unwrap_or_else(VisitorToken::generate), is_by_tls }
        })
    }

    /// Adds the cookie to an answer, to last for so long.
    pub(in crate::api) fn mark(&self, headers: &mut HeaderMap, retention: Duration) {
        let (token, seconds) = (self.token.expose(), retention.as_secs().max(1));
        let (name, secure) = if self.is_by_tls { (HOST_COOKIE, "; Secure") } else { (COOKIE, "") };
        let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
            cookie.set_sensitive(true);
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    /// Who makes it.
    pub(in crate::api) fn token(&self) -> &VisitorToken {
        &self.token
    }
}

/// The token of the visitor whose cookie came with a request. One that another website's page has sent counts for
/// nothing.
pub(super) fn shown(headers: &HeaderMap) -> Option<VisitorToken> {
    in_cookies(headers, is_by_tls(headers)).filter(|_| is_own_page(headers))
}

/// The token among the cookies; by TLS, only the one that cannot be planted counts.
fn in_cookies(headers: &HeaderMap, is_by_tls: bool) -> Option<VisitorToken> {
    in_cookie(headers, HOST_COOKIE).or_else(|| in_cookie(headers, COOKIE).filter(|_| !is_by_tls))
}

/// The first token among the cookies of this name: others may have been set for part of the host.
fn in_cookie(headers: &HeaderMap, name: &str) -> Option<VisitorToken> {
    headers.get_all(header::COOKIE).iter().find_map(|cookies| {
        // Whatever bytes other cookies have.
        let cookies = String::from_utf8_lossy(cookies.as_bytes());
        let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
        let mut own = pairs.filter(|(it, _)| it.trim() == name);
        own.find_map(|(_, value)| VisitorToken::parse(value.trim()))
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
        Ok(request.data::<Self>().cloned().ok_or_else(Problem::internal)?)
    }
}

/// Tells the contract of the cookie.
pub(super) fn register(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "apiKey",
        description: Some(
            "The portal's cookie, for its own pages alone; who has none gets one. By TLS its name begins with `__Host-`.",
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
        in_cookies(&headers, false).map(|token| token.expose().to_owned())
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
    fn by_tls_only_a_cookie_of_this_very_host_counts() {
        let [own, planted] = [(); 2].map(|()| VisitorToken::generate().expose().to_owned());
        let found = |cookies: &str, is_by_tls| {
            let headers = [(header::COOKIE, HeaderValue::from_str(cookies).unwrap())].into_iter().collect();
            in_cookies(&headers, is_by_tls).map(|token| token.expose().to_owned())
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
        fn whatever_is_in_a_cookie_is_a_token_or_nothing(cookie in "[ -~]{0,80}", value in "[ -~]{0,60}") {
            prop_assert!(found(&[cookie.as_bytes()]).is_none_or(|token| token.len() == 43));
            let named = format!("{COOKIE}={value}");
            prop_assert!(found(&[named.as_bytes()]).is_none_or(|token| value.contains(&token)));
        }
    }
}
