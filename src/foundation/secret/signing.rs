//! Secrets that sign access tokens and prove the session log.

use std::{collections::HashSet, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};

/// A secret that signs access tokens (HMAC), or of which the key of the session log's chain is derived. Its `Debug` output holds no part of it.
#[derive(Clone)]
pub struct SigningSecret(SecretString);

impl SigningSecret {
    /// The shortest secret, in bytes: the size of the signature, as RFC 7518, 3.2, demands.
    const MIN_BYTES: usize = 32;

    /// The smallest number of different characters in a secret. Of 32 random hexadecimal digits nearly all sixteen occur.
    const MIN_DISTINCT_CHARACTERS: usize = 8;

    /// Parses a secret. Returns `None` for a text that is too short, has a regular pattern, or is known from examples.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let strong = text.len() >= Self::MIN_BYTES && !is_regular(text) && !is_from_examples(text);
        strong.then(|| Self(SecretString::from(text)))
    }

    /// Parses comma-separated secrets, in which `\,` is a comma. The first one signs, all of them verify.
    ///
    /// When no part is strong enough, the whole text is parsed as one secret that contains commas. When only some parts
    /// are, the result is `None`: as one secret, the text would invalidate all tokens without a notice.
    #[must_use]
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        let parts = split_list(text);
        let secrets = parts.iter().map(|part| Self::parse(part)).collect::<Vec<_>>();
        if secrets.iter().all(Option::is_none) {
            return Some(vec![Self::parse(text)?]);
        }
        let mut secrets = secrets.into_iter().collect::<Option<Vec<_>>>()?;
        // Tokens may have been signed with the whole text as one secret.
        secrets.extend(Self::parse(text).filter(|_| text.contains(',')));
        Some(secrets)
    }

    /// Generates a secret of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretString::from(BASE64.encode(rand::random::<[u8; 32]>())))
    }

    /// Creates the secret from text that [`Self::generate`] made and the database stores.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Returns the secret as text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// Splits a text at commas that have no backslash before them. Parts are trimmed; blank ones are left out.
fn split_list(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next_if_eq(&',') } else { None };
        match (c, parts.last_mut()) {
            (',', _) => parts.push(String::new()),
            (c, Some(part)) => part.push(escaped.unwrap_or(c)),
            (_, None) => {}
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Whether a text has few different characters, repeats itself, or counts up or down.
fn is_regular(text: &str) -> bool {
    let bytes = text.as_bytes();
    let few = bytes.iter().collect::<HashSet<_>>().len() < SigningSecret::MIN_DISTINCT_CHARACTERS;
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    few || repeats || steps > bytes.len() / 2
}

/// Whether a text consists mostly of words that occur in example secrets and defaults.
fn is_from_examples(text: &str) -> bool {
    const PARTS: [&str; 16] = [
        "placeholder",
        "production",
        "development",
        "characters",
        "something",
        "password",
        "example",
        "default",
        "minimum",
        "string",
        "secret",
        "change",
        "random",
        "secure",
        "please",
        "super",
    ];
    const WORDS: [&str; 32] = [
        "a", "and", "app", "at", "be", "bit", "bits", "chars", "dev", "for", "here", "in", "is", "it", "jwt", "key",
        "least", "long", "me", "must", "my", "not", "of", "strong", "test", "the", "this", "to", "token", "use",
        "very", "your",
    ];
    let rest = PARTS.iter().fold(text.to_ascii_lowercase(), |rest, part| rest.replace(part, " "));
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !WORDS.contains(word));
    words.map(str::len).sum::<usize>() < SigningSecret::MIN_BYTES / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_well_known_secrets_are_refused() {
        for text in [
            "",
            "secret",
            "0f4a9c31d27be85f6a1c0d9e8b7a6f5",
            "your_secret_key_here_your_secret_key_here",
            "change-this-to-something-else-in-production-7cd1",
            "a-string-secret-at-least-256-bits-long",
            "super_secret_jwt_key_for_my_app_2024_x9",
            "SuperSecretKeyChangeThisInProduction",
            "<put 32 random characters here, please>",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abababababababababababababababababababab",
            "correcthorsebatterycorrecthorsebattery",
            "0123456789012345678901234567890123456789",
            "abcdefghijklmnopqrstuvwxyz0123456789",
        ] {
            assert!(SigningSecret::parse(text).is_none(), "{text:?} passed for a secret");
        }
    }

    #[test]
    fn a_list_is_distinguished_from_one_secret_with_commas() {
        let (one, two) = ("9f86d081884c7d659a2feaa0c55ad015", "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe");
        let list = |text: &str| {
            let secrets = SigningSecret::parse_list(text)?;
            Some(secrets.iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>())
        };
        let expect = |secrets: &[&str]| Some(secrets.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(list(one), expect(&[one]));
        let both = format!("{two}, {one}");
        assert_eq!(list(&both), expect(&[two, one, &both]));
        let single = "9f86d081884c7d,659a2feaa0,c55ad015";
        assert_eq!(list(single), expect(&[single]));
        assert_eq!(
            list(&format!("{two},9f86d081884c7d\\,659a2feaa0\\,c55ad015")).map(|list| list[1].clone()),
            Some(single.to_owned())
        );
        for text in [&format!("{two},{single}"), &format!("{one},changeme"), "secret,", ",", "", "your_secret_key_here"]
        {
            assert_eq!(list(text), None, "{text}");
        }
    }

    #[test]
    fn random_secrets_are_accepted_and_not_printed() {
        for text in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe",
            "secret for the shop: 7Jx0Lk2mZb9Vv4Tt6Nw3",
        ] {
            let secret = SigningSecret::parse(text).unwrap();
            assert_eq!(secret.expose(), text);
            assert!(!format!("{secret:?}").contains(&text[..4]));
        }
        for _ in 0..1000 {
            let made = SigningSecret::generate();
            assert!(SigningSecret::parse(made.expose()).is_some(), "{}", made.expose());
        }
    }
}
