//! The chain of the session log: a hash in each line over the line and the chain of the line before, so that no line can be
//! changed, removed, added or moved without a trace.
//!
//! The chain of a line is the first 16 bytes of the BLAKE3 hash of the predecessor's chain (16 bytes) and the line's bytes,
//! without its own `,"chain":"…"` and without the line feed. The first line of a process follows 16 zero bytes. With a key,
//! the hash is keyed.

use std::fmt;

use blake3::Hasher;

use crate::foundation::secret::SigningSecret;

/// The context from which BLAKE3 derives the key: unique in the world, and never changed.
const KEY_CONTEXT: &str = "AL-Chat 2026-11-30 chain of the session log";

/// The number of bytes of a chain.
const CHAIN_BYTES: usize = 16;

/// The number of hexadecimal digits of a chain.
pub const CHAIN_DIGITS: usize = 2 * CHAIN_BYTES;

/// The chain of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chain([u8; CHAIN_BYTES]);

impl Chain {
    /// The chain before the first line of a process.
    pub const START: Self = Self([0; CHAIN_BYTES]);

    /// Parses 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let digits = <&[u8; CHAIN_DIGITS]>::try_from(digits).ok()?;
        let mut bytes = [0; CHAIN_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// Appends the 32 hexadecimal digits.
    pub fn append_to(self, text: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        text.extend(self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]));
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Calculates chains, with a key or without. Its `Debug` output holds no part of the key.
#[derive(Clone)]
pub struct ChainHasher(Hasher);

impl ChainHasher {
    /// Calculates chains without a key: anybody can.
    #[must_use]
    pub fn without_key() -> Self {
        Self(Hasher::new())
    }

    /// Calculates chains with a key that is derived from a secret.
    #[must_use]
    pub fn with_key(secret: &SigningSecret) -> Self {
        Self(Hasher::new_keyed(&blake3::derive_key(KEY_CONTEXT, secret.expose().as_bytes())))
    }

    /// Returns the chain of a line that follows one with the chain `before`. The line comes in two parts: what is before its
    /// `,"chain":"…"`, and what is after, without the line feed.
    pub fn chain(&mut self, before: Chain, head: &[u8], rest: &[u8]) -> Chain {
        let hash = self.0.reset().update(&before.0).update(head).update(rest).finalize();
        let mut chain = Chain::START;
        chain.0.copy_from_slice(&hash.as_bytes()[..CHAIN_BYTES]);
        chain
    }
}

impl fmt::Debug for ChainHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::stored(text.to_owned())
    }

    #[test]
    fn a_chain_is_read_as_it_is_written() {
        let chain = ChainHasher::without_key().chain(Chain::START, b"{", b"}");
        let mut digits = Vec::new();
        chain.append_to(&mut digits);
        assert_eq!(String::from_utf8(digits.clone()).unwrap(), chain.to_string());
        assert_eq!(Chain::parse(&digits), Some(chain));
        let upper = digits.to_ascii_uppercase();
        for other in [&digits[1..], &[&digits[..], b"0"].concat(), &upper, b"+1234567890123456789012345678901"] {
            assert_eq!(Chain::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_chain_is_the_hash_that_the_documents_describe() {
        let line = br#"{"seq":2,"event":"chat"}"#;
        let before = Chain::parse(b"000102030405060708090a0b0c0d0e0f").unwrap();
        let hash = blake3::hash(&[&(0..16).collect::<Vec<u8>>()[..], line].concat());
        assert!(
            hash.to_hex().starts_with(&ChainHasher::without_key().chain(before, &line[..8], &line[8..]).to_string())
        );
    }

    #[test]
    fn the_chain_depends_on_the_key_the_line_and_its_predecessor() {
        let keyed = ChainHasher::with_key(&secret("one"));
        let base = keyed.clone().chain(Chain::START, b"ab", b"c");
        assert_eq!(keyed.clone().chain(Chain::START, b"a", b"bc"), base);
        assert_ne!(keyed.clone().chain(Chain::START, b"a", b"bd"), base);
        assert_ne!(keyed.clone().chain(base, b"ab", b"c"), base);
        assert_ne!(ChainHasher::with_key(&secret("two")).chain(Chain::START, b"ab", b"c"), base);
        assert_ne!(ChainHasher::without_key().chain(Chain::START, b"ab", b"c"), base);
        assert_eq!(format!("{keyed:?}"), "ChainHasher");
    }
}
