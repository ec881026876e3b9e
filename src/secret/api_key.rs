//! API keys, and how they are told apart without being shown.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// Keys the fingerprints of this process. Random at each start, so that a fingerprint can be compared within one
/// process's answers but never looked up in a table made elsewhere.
static FINGERPRINT_KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// An API key. Its `Debug` shows the fingerprint, never a character of the key; it has no `Display`.
#[derive(Clone)]
pub struct ApiKey {
    text: SecretString,
    bearer: HeaderValue,
}

impl ApiKey {
    /// A key from text, surrounding blanks removed. `None` when it is blank, a placeholder from an example file, or
    /// cannot travel in an HTTP header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || is_placeholder(text) {
            return None;
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {text}")).ok()?;
        bearer.set_sensitive(true);
        Some(Self { text: SecretString::from(text), bearer })
    }

    /// The `Authorization` header's value, made once; marked sensitive, so HTTP libraries neither print nor index it.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        self.bearer.clone()
    }

    /// The key's length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key is never empty")]
    pub fn len(&self) -> usize {
        self.text.expose_secret().len()
    }

    /// Whether `word` has at least `length` consecutive bytes in common with the key.
    #[must_use]
    pub fn shares_part_with(&self, word: &str, length: usize) -> bool {
        let key = self.text.expose_secret().as_bytes();
        word.as_bytes().windows(length).any(|part| key.windows(length).any(|of_key| of_key == part))
    }

    /// Twelve hexadecimal digits of a keyed hash: equal for equal keys within one process, and no way back.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = FINGERPRINT_KEY.hash_one(self.text.expose_secret());
        format!("{:012x}", hash >> 16)
    }
}

impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }
}

impl Eq for ApiKey {}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.fingerprint())
    }
}

/// Whether the text is what example files write where a key belongs (`your_openai_api_key_here`, `<your key>`,
/// `sk-xxxx`, `changeme`).
fn is_placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let your_key = text.contains("your") && text.contains("key");
    let all_x =
        text.trim_start_matches("sk-").trim_start_matches("proj-").chars().all(|c| matches!(c, 'x' | '.' | '*' | '-'));
    your_key
        || all_x
        || text.starts_with('<')
        || text.contains("placeholder")
        || text.contains("changeme")
        || text.contains("change_me")
        || text.contains("api_key_here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_blanks_are_no_keys() {
        for text in [
            "",
            "   ",
            "your_openai_api_key_here",
            "your-api-key",
            "<your key>",
            "sk-xxxxxxxx",
            "sk-...",
            "changeme",
            "line\nbreak",
        ] {
            assert!(ApiKey::parse(text).is_none(), "{text:?} passed for a key");
        }
    }

    #[test]
    fn a_key_never_prints() {
        let key = ApiKey::parse("  sk-proj-abcdefghijklmnop ").unwrap();
        let shown = format!("{key:?} {:?}", key.bearer());
        for window in "sk-proj-abcdefghijklmnop".as_bytes().windows(5) {
            let piece = std::str::from_utf8(window).unwrap();
            assert!(!shown.contains(piece), "{piece} of the key is in {shown}");
        }
        assert_eq!(key.len(), 24);
        assert_eq!(key.bearer().to_str().unwrap(), "Bearer sk-proj-abcdefghijklmnop");
    }

    #[test]
    fn fingerprints_tell_keys_apart() {
        let one = ApiKey::parse("sk-one").unwrap();
        assert_eq!(one.fingerprint(), ApiKey::parse("sk-one").unwrap().fingerprint());
        assert_ne!(one.fingerprint(), ApiKey::parse("sk-two").unwrap().fingerprint());
        assert_eq!(one.fingerprint().len(), 12);
    }
}
