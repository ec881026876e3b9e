//! The API keys of servers: `alk_` and 32 random bytes in base62.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The number of random bytes in a key.
const BYTES: usize = 32;

/// The number of digits in base62 that hold as many bytes: all keys have the same length.
const DIGITS: usize = 43;

/// The digits of base62.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key in plain text. It is shown once, when it is made, and stored nowhere. `Debug` does not show it.
#[derive(Debug)]
pub struct ApiKeyText(SecretString);

impl ApiKeyText {
    /// The prefix of all keys.
    pub const PREFIX: &str = "alk_";

    /// Generates a random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretString::from(format!("{}{}", Self::PREFIX, base62(rand::random()))))
    }

    /// Returns the key in plain text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the hash of the key.
    #[must_use]
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of(self.expose())
    }
}

/// The SHA-256 hash of an API key, by which the database and the memory know it. A slow or keyed hash is not needed, since 256
/// random bits cannot be guessed. A look-up by the hash takes a time that says nothing about any key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// Returns the hash of a text that may be a key.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Parses the form of the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (high, low) = text.split_at_checked(32).filter(|_| is_hash)?;
        let half = |digits: &str| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes);
        <[u8; 32]>::try_from([half(high)?, half(low)?].concat()).ok().map(Self)
    }
}

impl fmt::Display for ApiKeyHash {
    /// Writes the form of the database, in hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Returns the digits of a number, the bytes of which begin with the most significant one.
fn base62(mut number: [u8; BYTES]) -> String {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            // The rest is below 62, so the quotient is below 256.
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_of_one_length_and_differ() {
        let [first, second] = [(); 2].map(|()| ApiKeyText::generate());
        for key in [&first, &second] {
            let digits = key.expose().strip_prefix("alk_").unwrap();
            assert!(digits.len() == 43 && digits.bytes().all(|digit| digit.is_ascii_alphanumeric()), "{digits}");
            assert_eq!(key.hash(), ApiKeyHash::of(key.expose()));
            assert!(!format!("{key:?}").contains(digits));
        }
        assert_ne!(first.expose(), second.expose());
        assert_ne!(first.hash(), second.hash());
    }

    #[test]
    fn the_hash_is_the_one_that_other_tools_compute() {
        let hash = "c3f5a31f80c348f2299591e850be92443cce676d899d4ab6dc0f406f5e3b8370";
        assert_eq!(ApiKeyHash::of("alk_test").to_string(), hash);
        assert_eq!(ApiKeyHash::parse(hash), Some(ApiKeyHash::of("alk_test")));
        for text in ["", &hash[1..], &format!("{hash}0"), &hash.replace('c', "x")] {
            assert_eq!(ApiKeyHash::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range_have_their_digits() {
        assert_eq!(base62([0; BYTES]), "0".repeat(DIGITS));
        let mut one_more = [0; BYTES];
        one_more[BYTES - 1] = 62;
        assert!(base62(one_more).ends_with("010"));
        let largest = base62([0xff; BYTES]);
        assert!(!largest.starts_with('0') && largest.len() == DIGITS);
    }

    proptest! {
        #[test]
        fn other_bytes_have_other_digits(first: [u8; BYTES], second: [u8; BYTES]) {
            // The order of numbers is that of their digits, as the alphabet is in the order of ASCII.
            prop_assert_eq!(first.cmp(&second), base62(first).cmp(&base62(second)));
        }
    }
}
