//! API keys, and fingerprints that identify a key without showing it.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::SigningSecret;

/// The key of the hash in `Debug` output. It is random in each process, so that nobody can look a hash up in a
/// precomputed table.
static DEBUG_HASH_KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// An API key. Its `Debug` output is a keyed hash, never a character of the key; it has no `Display`.
#[derive(Clone)]
pub struct ApiKey {
    text: SecretString,
    bearer: HeaderValue,
    /// The key alone, for headers other than `Authorization`.
    alone: HeaderValue,
}

/// The reason why a text is not an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// The text is blank.
    #[error("the text is blank")]
    Blank,
    /// The text is a placeholder from an example file.
    #[error("the text is a placeholder")]
    Placeholder,
    /// The text has characters that an HTTP header cannot hold.
    #[error("the text has control characters")]
    InvalidHeaderValue,
}

impl ApiKey {
    /// Parses an API key from text, without surrounding white space. Returns `None` for blank text, a placeholder from an
    /// example file, and characters that an HTTP header cannot hold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::try_parse(text).ok()
    }

    /// Parses an API key as [`Self::parse`] does, and returns the reason when the text is not one.
    pub fn try_parse(text: &str) -> Result<Self, InvalidApiKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidApiKey::Blank);
        }
        if is_placeholder(text) {
            return Err(InvalidApiKey::Placeholder);
        }
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| InvalidApiKey::InvalidHeaderValue)?;
        bearer.set_sensitive(true);
        let mut alone = HeaderValue::try_from(text).map_err(|_| InvalidApiKey::InvalidHeaderValue)?;
        alone.set_sensitive(true);
        Ok(Self { text: SecretString::from(text), bearer, alone })
    }

    /// Returns the `Authorization` header's value, `Bearer KEY`. It is built once, and marked as sensitive so that HTTP
    /// libraries neither print it nor add it to a compression table.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        self.bearer.clone()
    }

    /// Returns the value of a header that has the key alone, such as Azure's `api-key`; built and marked in the same way.
    #[must_use]
    pub fn alone(&self) -> HeaderValue {
        self.alone.clone()
    }

    /// Returns the header that carries the key: `name` with the key alone, or without a name `Authorization: Bearer KEY`.
    #[must_use]
    pub fn header(&self, name: Option<&HeaderName>) -> (HeaderName, HeaderValue) {
        name.map_or_else(|| (AUTHORIZATION, self.bearer()), |name| (name.clone(), self.alone()))
    }

    /// Returns the key's length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key is never empty")]
    pub fn len(&self) -> usize {
        self.text.expose_secret().len()
    }

    /// Whether `word` shares at least `length` consecutive bytes with the key.
    #[must_use]
    pub fn shares_part_with(&self, word: &str, length: usize) -> bool {
        let key = self.text.expose_secret().as_bytes();
        word.as_bytes().windows(length).any(|part| key.windows(length).any(|of_key| of_key == part))
    }

    /// Returns the key's fingerprint: twelve hexadecimal digits of its HMAC-SHA-256 with `key`.
    #[must_use]
    pub fn fingerprint(&self, key: &FingerprintKey) -> String {
        let tag = hmac::sign(&key.0, self.text.expose_secret().as_bytes());
        let start = tag.as_ref().iter().take(6).fold(0_u64, |start, byte| start << 8 | u64::from(*byte));
        format!("{start:012x}")
    }

    /// Returns twelve hexadecimal digits of a keyed hash. Equal keys have equal hashes within one process.
    #[must_use]
    pub fn debug_hash(&self) -> String {
        let hash = DEBUG_HASH_KEY.hash_one(self.text.expose_secret());
        format!("{:012x}", hash >> 16)
    }
}

/// The key of the fingerprints that people compare. It is stored in the database, so that all processes on one database
/// show equal fingerprints, and nobody else can look one up in a precomputed table.
#[derive(Clone, Debug)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// Creates the key from a secret.
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
        write!(f, "ApiKey({})", self.debug_hash())
    }
}

/// Whether the text is a placeholder, as example files have in place of a key (`your_openai_api_key_here`, `<your key>`,
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
    fn placeholders_and_blank_texts_are_not_api_keys() {
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
    fn debug_output_holds_no_part_of_the_key() {
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
    fn debug_hashes_differ_between_keys() {
        let one = ApiKey::parse("sk-one").unwrap();
        assert_eq!(one.debug_hash(), ApiKey::parse("sk-one").unwrap().debug_hash());
        assert_ne!(one.debug_hash(), ApiKey::parse("sk-two").unwrap().debug_hash());
        assert_eq!(one.debug_hash().len(), 12);
    }

    #[test]
    fn fingerprints_depend_on_key_and_secret() {
        let (key, secret) = (ApiKey::parse("sk-one").unwrap(), SigningSecret::generate());
        let shown = key.fingerprint(&FingerprintKey::new(&secret));
        assert_eq!(shown, key.fingerprint(&FingerprintKey::new(&SigningSecret::stored(secret.expose().to_owned()))));
        assert_ne!(shown, key.fingerprint(&FingerprintKey::new(&SigningSecret::generate())));
        assert_ne!(shown, ApiKey::parse("sk-two").unwrap().fingerprint(&FingerprintKey::new(&secret)));
        assert_eq!(shown.len(), 12);
    }
}
