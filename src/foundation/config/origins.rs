//! Origins whose pages may call the service from a browser (`FRONTEND_URL`).

use std::fmt;

use super::parse::{http_url, list};

/// The wildcard for the first label of a host name.
const WILDCARD: &str = "*.";

/// An allowed origin, or a pattern of origins with a wildcard for the first label of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// One origin, such as `https://shop.example`.
    Exact(String),
    /// A pattern such as `https://*.shop.example`, which matches origins with exactly one label in place of the asterisk.
    Wildcard {
        /// The part before the label: `https://`.
        prefix: String,
        /// The part after the label: `.shop.example`, with the port unless it is the scheme's default.
        suffix: String,
    },
}

/// Parses `FRONTEND_URL`: a comma-separated list of origins, with or without a wildcard. `*` and empty text allow any
/// origin, which is an empty list.
pub(super) fn parse(text: &str) -> Option<Vec<AllowedOrigin>> {
    let named = list(text).filter(|part| *part != "*").map(AllowedOrigin::parse).collect::<Option<Vec<_>>>()?;
    let any = list(text).any(|part| part == "*");
    Some(if any { Vec::new() } else { named })
}

impl AllowedOrigin {
    /// Parses the URL of a website; its path is ignored. An asterisk must be the whole first label, before a domain of more
    /// than one label, or before `localhost`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = http_url(text)?;
        let (origin, host) = (url.origin().ascii_serialization(), url.host_str()?);
        if !host.bytes().all(is_of_host) {
            return None;
        }
        let Some(domain) = host.strip_prefix(WILDCARD) else {
            return (!host.contains('*')).then_some(Self::Exact(origin));
        };
        let is_registrable = domain == "localhost" || domain.trim_matches('.').contains('.');
        let (prefix, suffix) = origin.split_once(WILDCARD)?;
        (is_registrable && !domain.contains('*'))
            .then(|| Self::Wildcard { prefix: prefix.to_owned(), suffix: format!(".{suffix}") })
    }

    /// Whether an `Origin` header that a browser sent matches.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(own) => own == origin,
            Self::Wildcard { prefix, suffix } => {
                let label = origin.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()));
                label.is_some_and(is_label)
            }
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(origin) => f.write_str(origin),
            Self::Wildcard { prefix, suffix } => write!(f, "{prefix}*{suffix}"),
        }
    }
}

/// Whether a byte can be in the host of a website, or of a pattern. Others would end an origin in a header that lists several.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.*[:]".contains(&byte)
}

/// Whether a text is one label of a host name in lower case, as browsers send it.
fn is_label(text: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_parsed_as_browsers_send_them() {
        let site = "https://shop.example/, http://localhost:3001/page";
        let named = ["https://shop.example", "http://localhost:3001"].map(|it| AllowedOrigin::Exact(it.to_owned()));
        assert_eq!(parse(site), Some(named.to_vec()));
        assert_eq!(parse(""), Some(vec![]));
        assert_eq!(parse("https://*.shop.example, *"), Some(vec![]));
        assert_eq!(parse("shop.example"), None);
    }

    #[test]
    fn an_asterisk_matches_exactly_one_label() {
        let shops = AllowedOrigin::parse("https://*.Shop.example/").unwrap();
        assert_eq!(shops.to_string(), "https://*.shop.example");
        for origin in ["https://a.shop.example", "https://xn--bcher-kva.shop.example", "https://a-1_b.shop.example"] {
            assert!(shops.matches(origin), "{origin}");
        }
        for origin in [
            "https://shop.example",
            "https://.shop.example",
            "https://a.b.shop.example",
            "http://a.shop.example",
            "https://ashop.example",
            "https://a.shop.example:8443",
            "https://a.shop.example.evil.example",
            "https://evil.example/.shop.example",
            "https://evil.example#.shop.example",
            "https://u@a.shop.example",
            "https://*.shop.example",
            "https://A.shop.example",
            "null",
            "",
        ] {
            assert!(!shops.matches(origin), "{origin}");
        }
    }

    #[test]
    fn ports_belong_to_an_origin() {
        let local = AllowedOrigin::parse("http://*.localhost:3000").unwrap();
        assert!(local.matches("http://app.localhost:3000") && !local.matches("http://app.localhost"));
        let usual = AllowedOrigin::parse("https://*.shop.example:443").unwrap();
        assert!(usual.matches("https://a.shop.example"));
    }

    #[test]
    fn characters_that_no_website_has_are_refused() {
        for text in ["https://a;b.example", "https://a,b.example", "https://*.a'b.example", "https://a b.example"] {
            assert_eq!(AllowedOrigin::parse(text), None, "{text}");
        }
        assert!(AllowedOrigin::parse("http://[::1]:3000").is_some());
    }

    #[test]
    fn other_asterisks_are_refused() {
        for text in [
            "https://*",
            "https://*.com",
            "https://*.example.",
            "https://*shop.example",
            "https://shop*.example",
            "https://a.*.shop.example",
            "https://*.*.shop.example",
            "https://shop.*",
            "*.shop.example",
            "http*://shop.example",
            "https://*.shop.example:*",
            "https://*.127.0.0.1",
        ] {
            assert_eq!(AllowedOrigin::parse(text), None, "{text}");
        }
    }
}
