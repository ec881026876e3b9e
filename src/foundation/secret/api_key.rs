//! API keys, and how they are told apart without being shown.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use reqwest::header::HeaderValue;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::SigningSecret;

/// Keys the fingerprints of this process. Random at each start, so that a fingerprint can be compared within one
/// process's answers but never looked up in a table made elsewhere.
static FINGERPRINT_KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// An API key. Its `Debug` shows the fingerprint, never a character of the key; it has no `Display`.
#[derive(Clone)]
pub struct ApiKey {
    text: SecretString,
    bearer: HeaderValue,
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It is blank.
    #[error("the text is blank")]
    Blank,
    /// It is what an example file has where the key belongs.
    #[error("the text is a placeholder")]
    Placeholder,
    /// It cannot travel in an HTTP header.
    #[error("the text has control characters")]
    Unsendable,
}

impl ApiKey {
    /// A key from text, surrounding blanks removed. `None` when it is blank, a placeholder from an example file, or
    /// cannot travel in an HTTP header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::try_parse(text).ok()
    }

    /// The same, with the reason why it is none.
    pub fn try_parse(text: &str) -> Result<Self, NotAKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NotAKey::Blank);
        }
        if is_placeholder(text) {
            return Err(NotAKey::Placeholder);
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| NotAKey::Unsendable)?;
        bearer.set_sensitive(true);
        Ok(Self { text: SecretString::from(text), bearer })
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

    /// Twelve hexadecimal digits that are the same for the same key wherever the fingerprint's key is the same; there is
    /// no way back.
    #[must_use]
    pub fn fingerprint_by(&self, key: &FingerprintKey) -> String {
        let tag = hmac::sign(&key.0, self.text.expose_secret().as_bytes());
        let start = tag.as_ref().iter().take(6).fold(0_u64, |start, byte| start << 8 | u64::from(*byte));
        format!("{start:012x}")
    }

    /// Twelve hexadecimal digits of a keyed hash: equal for equal keys within one process, and no way back.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = FINGERPRINT_KEY.hash_one(self.text.expose_secret());
        format!("{:012x}", hash >> 16)
    }
}

/// Keys the fingerprints that people compare. It comes from the database, so that all who use that show the same ones,
/// and nobody else can look a fingerprint up.
#[derive(Clone, Debug)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// The key made of this secret.
    #[must_use]
    pub fn new(secret: &SigningSecret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
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
/// `sk-xxxx`, `changeme`, `${OPENAI_API_KEY}`).
fn is_placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let your_key = text.contains("your") && text.contains("key");
    let all_x =
        text.trim_start_matches("sk-").trim_start_matches("proj-").chars().all(|c| matches!(c, 'x' | '.' | '*' | '-'));
    let is_reference = text.starts_with("${") && text.ends_with('}');
    let words = ["placeholder", "changeme", "change_me", "change-me", "replace_me", "replace-me", "replaceme"];
    let endings = ["_key_here", "-key-here", "key here", "_token_here", "-token-here"];
    your_key
        || all_x
        || is_reference
        || text.starts_with('<')
        || words.iter().any(|word| text.contains(word))
        || endings.iter().any(|ending| text.ends_with(ending))
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
            "sk-replace-me",
            "insert_api_key_here",
            "${OPENAI_API_KEY}",
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

    #[test]
    fn comparable_fingerprints_depend_on_key_and_secret() {
        let (key, secret) = (ApiKey::parse("sk-one").unwrap(), SigningSecret::generate());
        let shown = key.fingerprint_by(&FingerprintKey::new(&secret));
        assert_eq!(shown, key.fingerprint_by(&FingerprintKey::new(&SigningSecret::kept(secret.expose().to_owned()))));
        assert_ne!(shown, key.fingerprint_by(&FingerprintKey::new(&SigningSecret::generate())));
        assert_ne!(shown, ApiKey::parse("sk-two").unwrap().fingerprint_by(&FingerprintKey::new(&secret)));
        assert_eq!(shown.len(), 12);
    }
}
