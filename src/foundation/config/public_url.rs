//! The address at which browsers reach the service (`PUBLIC_URL`).

use std::{fmt, sync::Arc};

use url::{Origin, Url};

use super::parse::exact_http_url;

/// What is expected of the setting.
pub(super) const EXPECTED: &str = "the address of this service for browsers, such as https://shop.example/chat/, without a query; its path \
     has letters, digits, - . _ and ~ only, and does not begin with /api/, /v1/ or /personas/, as AL-Chat has such paths itself";

/// The first parts of paths below which the service has paths of its own: with such a prefix, a path with it could not be told from
/// one without it.
const OWN_FOLDERS: [&str; 3] = ["api", "v1", "personas"];

/// The address at which browsers reach the service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PublicUrl(Arc<Url>);

impl PublicUrl {
    /// Parses an address. A missing slash at its end is added.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut url = exact_http_url(text)?;
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut folders = path.split('/').skip(1).peekable();
        let is_own = folders.peek().is_some_and(|first| OWN_FOLDERS.contains(first));
        let is_of_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        let is_plain = path.bytes().all(is_of_path) && !path.contains("//");
        let is_address = url.query().is_none() && url.fragment().is_none();
        (is_plain && !is_own && is_address).then(|| Self(Arc::new(url)))
    }

    /// Returns the path, which begins and ends with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns the origin of the pages there.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin()
    }

    /// Whether browsers use TLS.
    #[must_use]
    pub fn is_by_tls(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_a_slash_at_their_end() {
        for (text, url) in [
            ("https://shop.example", "https://shop.example/"),
            ("https://Shop.example:443/chat", "https://shop.example/chat/"),
            ("http://127.0.0.1:5000/a/b-c.d/", "http://127.0.0.1:5000/a/b-c.d/"),
            ("https://shop.example/apis/", "https://shop.example/apis/"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().to_string(), url);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "shop.example/chat/",
            "ftp://shop.example/",
            "https://me@shop.example/",
            "https://shop.example/?a=b",
            "https://shop.example/#a",
            "https://shop.example/api",
            "https://shop.example/api/chat/",
            "https://shop.example/v1/",
            "https://shop.example/personas/",
            "https://shop.example//chat/",
            "https://shop.example/a%20b/",
            "https://shop.example/{a}/",
        ] {
            assert!(PublicUrl::parse(text).is_none(), "{text}");
        }
    }
}
