//! Tenants: the sites that embed the chat window, and the API keys of servers. A turn on behalf of a tenant has the tenant's
//! limits and models.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::foundation::config::{AllowedOrigin, LimitList};

/// On whose behalf a request asks, beside the visitor.
#[derive(Clone, Debug)]
pub enum Tenant {
    /// A site whose page embeds the chat window.
    Site(Arc<Site>),
    /// A server, by its API key.
    Key(Arc<ApiKeyTerms>),
}

/// A site whose pages embed the chat window.
#[derive(Debug)]
pub struct Site {
    /// The id, which no other site has.
    pub id: TenantName,
    /// The origins of the pages that may embed the window.
    pub origins: Vec<AllowedOrigin>,
    /// The id of the only persona that answers; `None` lets requests choose.
    pub persona: Option<String>,
    /// The models that may answer, at least one; `None` for all that clients may choose.
    pub models: Option<Vec<String>>,
    /// The site's own limits.
    pub limits: SiteLimits,
    /// Whether the site may not start turns for now.
    pub paused: bool,
}

/// The limits of one site.
#[derive(Clone, Debug, Default)]
pub struct SiteLimits {
    /// Of one visitor of the site, instead of `LIMIT_VISITOR`.
    pub visitor: Option<LimitList>,
    /// Of one address at the site, instead of `LIMIT_ADDRESS`.
    pub address: Option<LimitList>,
    /// Of the site as a whole.
    pub site: LimitList,
}

/// What an API key may do.
#[derive(Debug)]
pub struct ApiKeyTerms {
    /// The key's name, which no other key has.
    pub name: TenantName,
    /// The limits of the key, instead of `LIMIT_KEY`.
    pub limits: Option<LimitList>,
    /// The models that may answer, at least one; `None` for all that clients may choose.
    pub models: Option<Vec<String>>,
}

impl Tenant {
    /// Returns the id of the site or the name of the API key.
    #[must_use]
    pub fn name(&self) -> TenantName {
        match self {
            Self::Site(site) => site.id,
            Self::Key(terms) => terms.name,
        }
    }

    /// Returns the models that may answer; `None` for all that clients may choose.
    #[must_use]
    pub fn models(&self) -> Option<&[String]> {
        match self {
            Self::Site(site) => site.models.as_deref(),
            Self::Key(terms) => terms.models.as_deref(),
        }
    }
}

/// The id of a site or the name of an API key: lower-case letters, digits, hyphens, underscores and dots, of which the first
/// is a letter or a digit. It is held without an allocation, as each count of a tenant's usage has a copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenantName {
    /// The name, filled up with zeros.
    bytes: [u8; Self::MAX_LENGTH],
}

impl TenantName {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 40;

    /// Parses a name; `None` if it is too long or has other characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_valid = |byte: &u8| is_alphanumeric(byte) || matches!(byte, b'-' | b'_' | b'.');
        let (text, mut bytes) = (text.as_bytes(), [0; Self::MAX_LENGTH]);
        if !text.first().is_some_and(is_alphanumeric) || !text.iter().all(is_valid) {
            return None;
        }
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes })
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX_LENGTH);
        self.bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Hash for TenantName {
    /// Hashes the characters only: counts are looked up by names several times in a turn.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_shown() {
        let longest = "a".repeat(40);
        for name in ["shop", "a", "9-b_c.d", &longest] {
            let parsed = TenantName::parse(name).unwrap();
            assert_eq!((parsed.to_string().as_str(), format!("{parsed:?}")), (name, format!("{name:?}")));
        }
        for name in ["", "Shop", "-a", ".a", "a b", "a:b", "a@b", "é", "a\0", &"a".repeat(41)] {
            assert_eq!(TenantName::parse(name), None, "{name}");
        }
    }
}
