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

    /// The secrets in a comma-separated text, where `\,` is a comma within one. The first one signs, all verify.
    ///
    /// A text whose parts are all too weak for secrets is a single one that happens to hold commas; one of which just
    /// some parts are secrets is `None`: taken for a single secret, it would end all tokens unseen.
    #[must_use]
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        let parts = split_list(text);
        let secrets = parts.iter().map(|part| Self::parse(part)).collect::<Vec<_>>();
        if secrets.iter().all(Option::is_none) {
            return Some(vec![Self::parse(text)?]);
        }
        let mut secrets = secrets.into_iter().collect::<Option<Vec<_>>>()?;
        // It may have been a single one until now.
        secrets.extend(Self::parse(text).filter(|_| text.contains(',')));
        Some(secrets)
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

/// The parts between commas that no backslash stands before, trimmed, blank ones left out.
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
    fn several_secrets_are_told_from_one_with_a_comma() {
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
