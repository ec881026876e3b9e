//! Keys that seal texts: encrypted and authenticated (AES-256-GCM).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// The context from which BLAKE3 derives the key of marks: unique in the world, and never changed.
const MARK_CONTEXT: &str = "AL-Chat 2026-11-30 marks of texts";

/// The length of a key in bytes.
const KEY_BYTES: usize = 32;

/// A key that seals texts. Whoever has lost it cannot open them. Its `Debug` output holds no part of it.
pub struct ContentKey(SecretBox<[u8; KEY_BYTES]>);

impl ContentKey {
    /// Generates a key of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretBox::new(Box::new(rand::random())))
    }

    /// Decodes a key as [`Self::encoded`] returns it; `None` for other texts.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        Some(Self(SecretBox::new(Box::new(BASE64.decode(text).ok()?.try_into().ok()?))))
    }

    /// Returns the key in base64.
    #[must_use]
    pub fn encoded(&self) -> SecretString {
        SecretString::from(BASE64.encode(self.0.expose_secret()))
    }

    /// Returns the key, prepared for the cipher.
    fn aead(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.0.expose_secret()).ok()?))
    }

    /// Seals bytes. Returns base64 of a random nonce (12 bytes), the encrypted bytes and the tag (16 bytes). They can be
    /// opened only with the same `context`, which is not secret. `None` for more bytes than the cipher allows (64 GiB).
    #[must_use]
    pub fn seal(&self, mut bytes: Vec<u8>, context: &str) -> Option<String> {
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = self.aead()?.seal_in_place_separate_tag(unique, Aad::from(context), &mut bytes).ok()?;
        Some(BASE64.encode([&nonce, bytes.as_slice(), tag.as_ref()].concat()))
    }

    /// Returns a hash by which a text is recognized, and which nobody can compute for a guessed text without the key.
    #[must_use]
    pub fn mark(&self, text: &str) -> String {
        let key = blake3::derive_key(MARK_CONTEXT, self.0.expose_secret());
        blake3::keyed_hash(&key, text.as_bytes()).to_hex().to_string()
    }

    /// Opens what [`Self::seal`] returned; `None` if another key or another context sealed it, or if it was altered.
    #[must_use]
    pub fn open(&self, sealed: &str, context: &str) -> Option<Vec<u8>> {
        let sealed = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let length = self.aead()?.open_in_place(nonce, Aad::from(context), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_with_their_key_and_context_only() {
        let key = ContentKey::generate();
        let sealed = key.seal(b"a text".to_vec(), "turn 1").unwrap();
        let stored = ContentKey::decode(key.encoded().expose_secret()).unwrap();
        assert_eq!(stored.open(&sealed, "turn 1").unwrap(), b"a text");
        assert_eq!(stored.open(&sealed, "turn 2"), None);
        assert_eq!(ContentKey::generate().open(&sealed, "turn 1"), None);
        for index in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(stored.open(&String::from_utf8(altered).unwrap(), "turn 1"), None, "{index}");
        }
        for text in ["", "A", "AAAA", "no base64!", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(stored.open(text, "turn 1"), None, "{text}");
        }
    }

    #[test]
    fn a_mark_depends_on_the_text_and_the_key() {
        let key = ContentKey::generate();
        assert_eq!(key.mark("a"), key.mark("a"));
        assert_ne!(key.mark("a"), key.mark("b"));
        assert_ne!(key.mark("a"), ContentKey::generate().mark("a"));
    }

    #[test]
    fn equal_bytes_are_sealed_differently() {
        let key = ContentKey::generate();
        assert_ne!(key.seal(b"a text".to_vec(), ""), key.seal(b"a text".to_vec(), ""));
    }

    #[test]
    fn a_key_is_32_bytes_and_is_not_printed() {
        let key = ContentKey::generate();
        assert_eq!(format!("{key:?}"), "ContentKey");
        assert_ne!(key.encoded().expose_secret(), ContentKey::generate().encoded().expose_secret());
        for text in ["", "AAAA", "no base64!"] {
            assert!(ContentKey::decode(text).is_none(), "{text}");
        }
    }
}
