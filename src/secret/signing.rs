//! The secrets that sign tokens.

use std::{collections::HashSet, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};

/// The key that signs tokens. It never prints.
#[derive(Clone)]
pub struct SigningSecret(SecretString);

impl SigningSecret {
    /// As many bytes as the signature has: fewer are easier to guess than that.
    const SHORTEST: usize = 32;

    /// Characters that have to differ. Even of 32 random hexadecimal digits nearly all sixteen occur.
    const FEWEST: usize = 8;

    /// The secret in a text, unless it is short, regular, or known from examples.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let strong = text.len() >= Self::SHORTEST && !is_regular(text) && !is_well_known(text);
        strong.then(|| Self(SecretString::from(text)))
    }

    /// A new one, of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretString::from(BASE64.encode(rand::random::<[u8; 32]>())))
    }

    /// One that was generated before.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself.
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

/// Whether a text has few different characters, repeats itself, or counts up or down.
fn is_regular(text: &str) -> bool {
    let bytes = text.as_bytes();
    let few = bytes.iter().collect::<HashSet<_>>().len() < SigningSecret::FEWEST;
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    few || repeats || steps > bytes.len() / 2
}

/// Whether hardly anything is left of a text without the words that examples and defaults are made of.
fn is_well_known(text: &str) -> bool {
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
    words.map(str::len).sum::<usize>() < SigningSecret::SHORTEST / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_or_well_known_secret_is_none() {
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
    fn a_random_secret_is_one_and_never_prints() {
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
