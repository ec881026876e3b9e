//! The check that a request to the portal comes from the portal's own pages. Pages of other websites must not use the
//! visitor's cookie (cross-site request forgery).

use poem::{
    Request,
    http::{HeaderMap, header},
};
use url::{Host, Url};

use crate::{
    api::{AppState, problem::Problem, public_path::public_url},
    domain::errors::resources,
    foundation::config::PublicUrl,
};

/// Whether a request comes from a page of this server, or from no page at all.
pub(in crate::api) fn is_own_page(headers: &HeaderMap, public: Option<&PublicUrl>) -> bool {
    // `Sec-Fetch-Site` counts first: the browser compares the addresses before any proxy changes `Host`.
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    origin.is_some_and(|origin| is_own_origin(headers, public, &origin))
}

/// Whether a request names a page of this server as its sender. Without the headers of a browser, it names none; without the
/// portal, this server has no pages.
pub(in crate::api) fn is_sent_by_own_page(state: &AppState, headers: &HeaderMap) -> bool {
    state.config.server.portal
        && headers.contains_key(header::ORIGIN)
        && is_own_page(headers, state.config.server.public_url.as_ref())
}

/// Fails with `foreign_origin` if a request comes from a page of another website.
pub(in crate::api) fn ensure_own_page(request: &Request) -> Result<(), Problem> {
    if is_own_page(request.headers(), public_url(request)) {
        return Ok(());
    }
    let hint = "The portal is for its own pages. Behind a proxy, the server's log says what to set there; another website \
                embeds the chat window, which uses no cookies (/embed-demo)";
    let cause = described(request.headers());
    Err(Problem::new(&resources::FOREIGN_ORIGIN).with_detail("hint", hint.into()).with_cause(cause))
}

/// Whether an origin is that of the public address, or has the host and port by which the request addressed this server.
fn is_own_origin(headers: &HeaderMap, public: Option<&PublicUrl>, origin: &Url) -> bool {
    public.is_some_and(|public| public.origin() == origin.origin()) || has_own_host(headers, origin)
}

/// Whether an origin has the host and port by which the request addressed this server. Headers of proxies are trusted:
/// no page can set them, since no CORS preflight allows them.
fn has_own_host(headers: &HeaderMap, origin: &Url) -> bool {
    let names = [header::HOST.as_str(), "x-forwarded-host"].into_iter().flat_map(|name| listed(headers, name));
    let names = names.chain(forwarded(headers, "host"));
    // Some proxies send the port in a header of its own.
    let port = listed(headers, "x-forwarded-port").next().and_then(|port| port.parse().ok());
    // Parsed with the origin's scheme, so that an omitted port equals the scheme's default port.
    let mut addresses = names.filter_map(|name| Url::parse(&format!("{}://{name}", origin.scheme())).ok());
    let has_host = |own: &Url| own.host_str() == origin.host_str();
    let has_port = |port: Option<u16>| port.is_some() && port == origin.port_or_known_default();
    let is_same = |own: &Url| has_host(own) && (has_port(own.port_or_known_default()) || has_port(port));
    origin.has_host() && addresses.any(|own| is_same(&own))
}

/// Returns the compared headers as text for the diagnostics, with advice for an operator whose proxy omits some.
fn described(headers: &HeaderMap) -> String {
    let names = ["sec-fetch-site", "origin", "host", "x-forwarded-host", "x-forwarded-port", "forwarded"];
    let values = names.iter().filter_map(|name| Some(format!("{name} {:?}", headers.get(*name)?)));
    let values = values.collect::<Vec<_>>().join(", ");
    // If the browser itself names another website, the proxy is not the cause.
    if headers.contains_key("sec-fetch-site") || headers.get(header::ORIGIN).is_some_and(|origin| origin == "null") {
        return values;
    }
    format!(
        "{values}; if this is the portal's own page, set PUBLIC_URL to its address, or have the proxy pass on Host with its port \
         (nginx: proxy_set_header Host $http_host), or X-Forwarded-Host and X-Forwarded-Port"
    )
}

/// Whether the visitor's browser uses TLS, according to the public address or the headers of the proxy or of the browser.
pub(super) fn is_by_tls(headers: &HeaderMap, public: Option<&PublicUrl>) -> bool {
    let proxy = listed(headers, "x-forwarded-proto").next().is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    let forwarded = forwarded(headers, "proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    // Browsers send the page's address in `Origin`, or in `Referer` for requests without a body.
    let pages = [header::ORIGIN, header::REFERER];
    let mut pages = pages.iter().filter_map(|name| Url::parse(headers.get(name)?.to_str().ok()?).ok());
    let page = pages.any(|page| page.scheme() == "https" && has_own_host(headers, &page));
    public.is_some_and(PublicUrl::is_by_tls) || proxy || forwarded || page || is_trusted(headers)
}

/// Whether the browser treats the connection as secure: it sends `Sec-Fetch-Site` to secure origins only, which include
/// its own machine even without TLS.
fn is_trusted(headers: &HeaderMap) -> bool {
    let is_loopback = called_host(headers).is_none_or(|host| match host {
        Host::Domain(name) => is_localhost(&name),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    });
    headers.contains_key("sec-fetch-site") && !is_loopback
}

/// Whether the server is called by an address or as `localhost`. A page that was loaded under a name which was then pointed at
/// this machine (DNS rebinding) calls it by that name, and the browser takes it for a page of the server.
pub(super) fn is_called_by_no_foreign_name(headers: &HeaderMap) -> bool {
    called_host(headers).is_none_or(|host| match host {
        Host::Domain(name) => is_localhost(&name),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    })
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Returns the host in `Host`.
fn called_host(headers: &HeaderMap) -> Option<Host> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    Url::parse(&format!("http://{host}")).ok()?.host().map(|host| host.to_owned())
}

/// Returns a parameter of the first element of a `Forwarded` header (RFC 7239), which is the outermost proxy's.
fn forwarded<'a>(headers: &'a HeaderMap, parameter: &str) -> Option<&'a str> {
    let mut pairs = listed(headers, "forwarded").next()?.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(parameter))?;
    Some(value.trim().trim_matches('"'))
}

/// Returns the elements of a header that is a comma-separated list, those of the outermost proxy first.
fn listed<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn an_own_page_has_the_servers_host_and_port() {
        let own = [
            ("http://shop.example", "shop.example"),
            ("https://shop.example", "Shop.Example:443"),
            ("http://shop.example:80", "shop.example"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("http://[::1]:5000", "[::1]:5000"),
        ];
        for (origin, host) in own {
            assert!(is_own_page(&headers(&[("origin", origin), ("host", host)]), None), "{origin} at {host}");
        }
        let foreign = [
            ("null", "shop.example"),
            ("", "shop.example"),
            ("https://evil.example", "shop.example"),
            ("https://shop.example.evil.example", "shop.example"),
            ("https://chat.shop.example", "shop.example"),
            ("http://shop.example:5001", "shop.example:5000"),
            ("http://shop.example", "shop.example:443"),
            ("file:///shop.example", "shop.example"),
        ];
        for (origin, host) in foreign {
            assert!(!is_own_page(&headers(&[("origin", origin), ("host", host)]), None), "{origin} at {host}");
        }
        assert!(!is_own_page(&headers(&[("origin", "https://shop.example")]), None));
    }

    #[test]
    fn behind_a_proxy_an_own_page_has_the_proxys_host() {
        let origin = ("origin", "https://shop.example");
        let host = ("host", "10.0.0.7:5000");
        assert!(is_own_page(&headers(&[origin, host, ("x-forwarded-host", "shop.example, inner.example")]), None));
        assert!(!is_own_page(&headers(&[origin, host, ("x-forwarded-host", "other.example")]), None));
        assert!(is_own_page(
            &headers(&[origin, host, ("forwarded", "for=10.0.0.9;Host=\"shop.example:443\", for=10.0.0.8")]),
            None
        ));
        assert!(!is_own_page(&headers(&[origin, host, ("forwarded", "for=10.0.0.9, host=shop.example")]), None));
        let at_port = [("origin", "http://192.168.1.5:8080"), ("host", "192.168.1.5")];
        assert!(!is_own_page(&headers(&at_port), None));
        assert!(is_own_page(&headers(&[at_port[0], at_port[1], ("x-forwarded-port", "8080")]), None));
        assert!(!is_own_page(&headers(&[at_port[0], at_port[1], ("x-forwarded-port", "8081")]), None));
    }

    #[test]
    fn sec_fetch_site_takes_precedence_over_origin() {
        let at_home = [("origin", "http://shop.example"), ("host", "shop.example")];
        let away = [("origin", "https://evil.example"), ("host", "shop.example")];
        for (site, expected) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            for lines in [at_home, away] {
                let headers = headers(&[lines[0], lines[1], ("sec-fetch-site", site)]);
                assert_eq!(is_own_page(&headers, None), expected, "{site} {lines:?}");
            }
            assert_eq!(is_own_page(&headers(&[("sec-fetch-site", site)]), None), expected, "{site}");
        }
        assert!(is_own_page(&HeaderMap::new(), None));
    }

    #[test]
    fn tls_is_detected_by_headers_of_proxy_or_browser() {
        let over_tls = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-proto", "HTTPS, http"),
            ("forwarded", "for=10.0.0.7;proto=https, for=10.0.0.8"),
            ("forwarded", "Proto=\"HTTPS\""),
            ("origin", "https://shop.example"),
            ("referer", "https://shop.example/"),
            ("sec-fetch-site", "cross-site"),
        ];
        for line in over_tls {
            assert!(is_by_tls(&headers(&[line, ("host", "shop.example")]), None), "{line:?}");
        }
        let over_http = [
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-proto", ""),
            ("forwarded", "for=10.0.0.7, proto=https"),
            ("forwarded", "for=\"proto=https\""),
            ("origin", "http://shop.example"),
            ("origin", "https://evil.example"),
            ("referer", "https://evil.example/shop.example"),
            ("origin", "null"),
        ];
        for line in over_http {
            assert!(!is_by_tls(&headers(&[line, ("host", "shop.example")]), None), "{line:?}");
        }
        for host in ["127.0.0.1:5000", "localhost:5000", "[::1]:5000", "al-chat.localhost"] {
            assert!(!is_by_tls(&headers(&[("sec-fetch-site", "same-origin"), ("host", host)]), None), "{host}");
        }
    }

    const HOST: &str = "[a-z]{1,2}(\\.[a-z]{2})?(:[1-9][0-9]?)?";

    proptest! {
        #[test]
        fn a_page_is_own_only_if_it_has_the_servers_host(page in HOST, host in HOST) {
            let is_own = |page: &str| is_own_page(&headers(&[("origin", &format!("http://{page}")), ("host", &host)]), None);
            let whole = |name: &str| if name.contains(':') { name.to_owned() } else { format!("{name}:80") };
            prop_assert!(is_own(&host));
            prop_assert_eq!(is_own(&page), whole(&page) == whole(&host));
        }
    }
}
