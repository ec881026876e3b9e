//! Visitor tokens: random secrets that identify visitors by their cookie.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The length of a token in bytes, before encoding. All of them are random.
const TOKEN_BYTES: usize = 32;

/// A visitor's token: 256 random bits in URL-safe Base64. Only the visitor's browser stores it, and `Debug` does not show
/// it.
#[derive(Clone)]
pub struct VisitorToken(SecretString);

impl VisitorToken {
    /// Generates a random token.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretString::from(BASE64.encode(rand::random::<[u8; TOKEN_BYTES]>())))
    }

    /// Parses a token: 32 bytes in URL-safe Base64 without padding.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = BASE64.decode(text).is_ok_and(|bytes| bytes.len() == TOKEN_BYTES);
        is_token.then(|| Self(SecretString::from(text)))
    }

    /// Returns the token in plain text, for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the SHA-256 hash under which the database stores the visitor. A slow hash is not needed, since 256 random
    /// bits cannot be guessed.
    #[must_use]
    pub fn hash(&self) -> String {
        BASE64.encode(Sha256::digest(self.expose()))
    }
}

impl fmt::Debug for VisitorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorToken")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_parses_and_is_not_in_debug_output_or_hash() {
        let token = VisitorToken::generate();
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 43);
        assert_eq!(VisitorToken::parse(&text).unwrap().expose(), text);
        assert_eq!(format!("{token:?}"), "VisitorToken");
        assert!(!token.hash().contains(&text));
        assert_ne!(VisitorToken::generate().expose(), text);
    }

    #[test]
    fn the_hash_is_of_the_encoded_token() {
        let token = VisitorToken::parse(&"A".repeat(43)).unwrap();
        assert_eq!(token.hash(), "DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo");
    }

    proptest! {
        #[test]
        fn only_32_bytes_in_canonical_base64_are_a_token(text in ".{0,60}", bytes: Vec<u8>) {
            prop_assert!(VisitorToken::parse(&text).is_none_or(|token| BASE64.decode(token.expose()).is_ok()));
            let encoded = BASE64.encode(&bytes);
            prop_assert_eq!(VisitorToken::parse(&encoded).is_some(), bytes.len() == 32);
        }

        #[test]
        fn a_changed_token_has_another_hash_or_is_invalid(bytes: [u8; 32], index in 0..43_usize, other in "[A-Za-z0-9_=. +/-]") {
            let text = BASE64.encode(bytes);
            let changed = format!("{}{other}{}", &text[..index], &text[index + 1..]);
            let token = VisitorToken::parse(&text).unwrap();
            if changed != text && let Some(changed) = VisitorToken::parse(&changed) {
                prop_assert_ne!(changed.hash(), token.hash());
            }
        }
    }
}
