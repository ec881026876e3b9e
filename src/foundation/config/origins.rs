//! The websites whose pages may call from a browser.

use std::fmt;

use super::parse::{http_url, list};

/// What stands for a label of a host name.
const ANY_LABEL: &str = "*.";

/// An origin as browsers send it, or all origins that differ from one another in the first label of their host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// One origin: `https://shop.example`.
    One(String),
    /// `https://*.shop.example`: any origin with exactly one label where the asterisk is.
    AnyLabel {
        /// What stands before the label: `https://`.
        before: String,
        /// What stands behind it: `.shop.example`, with the port if it isn't the scheme's own.
        behind: String,
    },
}

/// Origins as browsers send them, or with an asterisk for their first label, comma-separated. `*` or nothing at all is
/// any origin, an empty list.
pub(super) fn parse(text: &str) -> Option<Vec<AllowedOrigin>> {
    let named = list(text).filter(|part| *part != "*").map(AllowedOrigin::parse).collect::<Option<Vec<_>>>()?;
    let any = list(text).any(|part| part == "*");
    Some(if any { Vec::new() } else { named })
}

impl AllowedOrigin {
    /// Parses the address of a website; its path counts for nothing. An asterisk must be a whole first label, with a
    /// domain of more than one label behind it, or `localhost`.
    fn parse(text: &str) -> Option<Self> {
        let url = http_url(text)?;
        let (origin, host) = (url.origin().ascii_serialization(), url.host_str()?);
        let Some(domain) = host.strip_prefix(ANY_LABEL) else {
            return (!host.contains('*')).then_some(Self::One(origin));
        };
        let is_registrable = domain == "localhost" || domain.trim_matches('.').contains('.');
        let (before, behind) = origin.split_once(ANY_LABEL)?;
        (is_registrable && !domain.contains('*'))
            .then(|| Self::AnyLabel { before: before.to_owned(), behind: format!(".{behind}") })
    }

    /// Whether this is, or includes, the origin that a browser has sent.
    #[must_use]
    pub fn includes(&self, origin: &str) -> bool {
        match self {
            Self::One(own) => own == origin,
            Self::AnyLabel { before, behind } => {
                let label = origin.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(behind.as_str()));
                label.is_some_and(is_label)
            }
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(origin) => f.write_str(origin),
            Self::AnyLabel { before, behind } => write!(f, "{before}*{behind}"),
        }
    }
}

/// Whether a text is one label of a host name, in the small letters that browsers send.
fn is_label(text: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        let site = "https://shop.example/, http://localhost:3001/page";
        let named = ["https://shop.example", "http://localhost:3001"].map(|it| AllowedOrigin::One(it.to_owned()));
        assert_eq!(parse(site), Some(named.to_vec()));
        assert_eq!(parse(""), Some(vec![]));
        assert_eq!(parse("https://*.shop.example, *"), Some(vec![]));
        assert_eq!(parse("shop.example"), None);
    }

    #[test]
    fn an_asterisk_stands_for_exactly_one_label() {
        let shops = AllowedOrigin::parse("https://*.Shop.example/").unwrap();
        assert_eq!(shops.to_string(), "https://*.shop.example");
        for origin in ["https://a.shop.example", "https://xn--bcher-kva.shop.example", "https://a-1_b.shop.example"] {
            assert!(shops.includes(origin), "{origin}");
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
            assert!(!shops.includes(origin), "{origin}");
        }
    }

    #[test]
    fn ports_belong_to_an_origin() {
        let local = AllowedOrigin::parse("http://*.localhost:3000").unwrap();
        assert!(local.includes("http://app.localhost:3000") && !local.includes("http://app.localhost"));
        let usual = AllowedOrigin::parse("https://*.shop.example:443").unwrap();
        assert!(usual.includes("https://a.shop.example"));
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
