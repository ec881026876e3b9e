//! The names of tenants: ids of sites, and names of API keys.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

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
