//! The token of the operator.

use std::fmt;

use sha2::{Digest, Sha256};

use super::signing::SigningSecret;

/// The token that operators send to operations that are for them only (`ADMIN_TOKEN`), of which just the hash is in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// Parses a token: at least 32 visible ASCII characters, as a header can hold, without a regular pattern.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let can_be_sent = text.bytes().all(|byte| byte.is_ascii_graphic());
        SigningSecret::parse(text).filter(|_| can_be_sent).map(|_| Self(Sha256::digest(text).into()))
    }

    /// Returns whether a text is the token. The time that this takes says nothing about the token, since hashes are compared.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0 == <[u8; 32]>::from(Sha256::digest(text))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe";

    #[test]
    fn a_token_matches_itself_only_and_is_not_printed() {
        let token = AdminToken::parse(TOKEN).unwrap();
        assert!(token.matches(TOKEN));
        for other in ["", "N3v2", &TOKEN[1..], &format!("{TOKEN}e"), &TOKEN.to_lowercase()] {
            assert!(!token.matches(other), "{other}");
        }
        assert_eq!(format!("{token:?}"), "AdminToken");
    }

    #[test]
    fn short_and_weak_tokens_and_those_no_header_holds_are_refused() {
        for text in ["", "secret", &TOKEN[1..], &"a".repeat(32), &format!("{TOKEN} {TOKEN}"), &format!("{TOKEN}é")] {
            assert!(AdminToken::parse(text).is_none(), "{text}");
        }
    }
}
