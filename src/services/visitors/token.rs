//! What a visitor is known by.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Bytes of a token, all of them random.
const BYTES: usize = 32;

/// A visitor's token: 256 random bits, which only the visitor's browser has. It never prints.
#[derive(Clone)]
pub struct VisitorToken(SecretString);

impl VisitorToken {
    /// A new one.
    #[must_use]
    pub fn mint() -> Self {
        Self(SecretString::from(BASE64.encode(rand::random::<[u8; BYTES]>())))
    }

    /// The token in a text; `None` for whatever else is there.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = BASE64.decode(text).is_ok_and(|bytes| bytes.len() == BYTES);
        is_token.then(|| Self(SecretString::from(text)))
    }

    /// The token itself, for the browser.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the database knows the visitor by. From so many random bits, no slow hash is needed to hide them.
    pub(super) fn hash(&self) -> String {
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
    fn a_minted_token_is_read_again_and_neither_printed_nor_kept() {
        let token = VisitorToken::mint();
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 43);
        assert_eq!(VisitorToken::parse(&text).unwrap().expose(), text);
        assert_eq!(format!("{token:?}"), "VisitorToken");
        assert!(!token.hash().contains(&text));
        assert_ne!(VisitorToken::mint().expose(), text);
    }

    #[test]
    fn a_hash_is_that_of_the_text() {
        let token = VisitorToken::parse(&"A".repeat(43)).unwrap();
        assert_eq!(token.hash(), "DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo");
    }

    proptest! {
        #[test]
        fn only_32_bytes_in_their_one_spelling_are_a_token(text in ".{0,60}", bytes: Vec<u8>) {
            prop_assert!(VisitorToken::parse(&text).is_none_or(|token| BASE64.decode(token.expose()).is_ok()));
            let encoded = BASE64.encode(&bytes);
            prop_assert_eq!(VisitorToken::parse(&encoded).is_some(), bytes.len() == 32);
        }

        #[test]
        fn a_changed_token_is_another_or_none(bytes: [u8; 32], place in 0..43_usize, other in "[A-Za-z0-9_=. +/-]") {
            let text = BASE64.encode(bytes);
            let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            let token = VisitorToken::parse(&text).unwrap();
            if changed != text && let Some(changed) = VisitorToken::parse(&changed) {
                prop_assert_ne!(changed.hash(), token.hash());
            }
        }
    }
}
