//! Addresses of other servers, whose query may hold a secret.

use std::{fmt, ops::Deref};

use url::Url;

/// The URL of a server that is called. Some servers take a key in the query, so its `Display` and `Debug` output has none.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl From<Url> for ServerUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl Deref for ServerUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_and_not_shown() {
        let url = ServerUrl::from(Url::parse("https://model.example/v1?key=Secret#Secret").unwrap());
        assert_eq!(url.query(), Some("key=Secret"));
        assert_eq!(format!("{url} {url:?}"), "https://model.example/v1 ServerUrl(https://model.example/v1)");
    }
}
