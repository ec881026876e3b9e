//! Sessions: the time that a visitor spends at a chat window, from its start to its stop.

use std::fmt;

use jiff::Zoned;
use rand::RngExt;

use crate::{domain::errors::resources, foundation::secret::SigningSecret};

/// The context from which BLAKE3 derives the key of session ids: unique in the world, and never changed.
const KEY_CONTEXT: &str = "AL-Chat 2026-11-30 ids of sessions";

/// A session id. Ids generated here are `session_YYYYMMDD_HHMMSS_`, a random suffix and a mark of that. Clients may send ids
/// of their own, such as those without a suffix that an older server issued.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// The error for a malformed session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", resources::INVALID_SESSION_ID.sentence)]
pub struct InvalidSessionId;

/// The key of the marks by which ids that were generated here are told from others, without a look into the database. All
/// replicas have the same.
#[derive(Clone, Debug)]
pub struct SessionKey(blake3::Hasher);

impl SessionKey {
    /// Derives the key from a secret.
    #[must_use]
    pub fn new(secret: &SigningSecret) -> Self {
        Self(blake3::Hasher::new_keyed(&blake3::derive_key(KEY_CONTEXT, secret.expose().as_bytes())))
    }

    /// Returns the mark of an id without one.
    fn mark(&self, id: &str) -> impl Iterator<Item = char> + use<> {
        let hash = *self.0.clone().update(id.as_bytes()).finalize().as_bytes();
        hash.into_iter().take(SessionId::MARK_CHARS).map(|byte| SessionId::character(byte % 32))
    }
}

impl SessionId {
    /// The number of characters of a mark, 40 bits: whoever guesses one is counted as the address, as without it.
    const MARK_CHARS: usize = 8;
    /// The number of random characters in an id: 16 out of an alphabet of 32, 80 bits, against guesses and
    /// collisions.
    const SUFFIX_CHARS: usize = 16;
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

    fn character(index: u8) -> char {
        Self::ALPHABET.get(usize::from(index)).copied().map_or('a', char::from)
    }

    /// Generates the id of a session that starts at the local time `now`.
    #[must_use]
    pub fn generate(now: &Zoned, key: &SessionKey) -> Self {
        let mut id = now.strftime("session_%Y%m%d_%H%M%S_").to_string();
        let mut random = rand::rng();
        id.extend((0..Self::SUFFIX_CHARS).map(|_| Self::character(random.random_range(0..32))));
        id.extend(key.mark(&id));
        Self(id)
    }

    /// Whether the id was generated with this key.
    #[must_use]
    pub fn was_generated_with(&self, key: &SessionKey) -> bool {
        let split = self.0.len().checked_sub(Self::MARK_CHARS).and_then(|middle| self.0.split_at_checked(middle));
        split.is_some_and(|(id, mark)| {
            // All characters are compared, so that the time says nothing about the first one that differs.
            mark.len() == Self::MARK_CHARS
                && key.mark(id).zip(mark.chars()).filter(|(own, sent)| own != sent).count() == 0
        })
    }

    /// Parses a session id sent by a client: 1 to 128 ASCII letters, digits, `.`, `:`, `-` or `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b':' | b'-' | b'_');
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSessionId)
        }
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reason why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client stopped the session.
    Client,
    /// The server closed the session after too long a time without a turn.
    IdleTimeout,
}

impl ClosedBy {
    /// Returns the name used in the session log and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::IdleTimeout => "idle_timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn generated_ids_have_the_documented_form_and_are_unique() {
        let now = date(2026, 3, 29).at(1, 59, 59, 0).in_tz("Europe/Berlin").unwrap();
        let key = SessionKey::new(&SigningSecret::generate());
        let ids = (0..1000).map(|_| SessionId::generate(&now, &key).0).collect::<HashSet<_>>();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert!(id.starts_with("session_20260329_015959_"), "{id}");
            assert_eq!(SessionId::parse(&id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn only_ids_that_were_generated_with_the_key_have_its_mark() {
        let now = date(2026, 3, 29).at(12, 0, 0, 0).in_tz("UTC").unwrap();
        let secret = SigningSecret::generate();
        let key = SessionKey::new(&secret);
        let id = SessionId::generate(&now, &key);
        assert!(id.was_generated_with(&SessionKey::new(&SigningSecret::stored(secret.expose().to_owned()))));
        assert!(!id.was_generated_with(&SessionKey::new(&SigningSecret::generate())));
        let text = id.as_str();
        let other = if text.ends_with('a') { 'b' } else { 'a' };
        for made_up in
            ["x".to_owned(), text[..40].to_owned(), format!("{text}a"), format!("{}{other}", &text[..text.len() - 1])]
        {
            assert!(!SessionId::parse(&made_up).unwrap().was_generated_with(&key), "{made_up}");
        }
    }

    #[test]
    fn ids_without_a_suffix_are_valid_and_other_texts_are_not() {
        assert!(SessionId::parse("session_20240115_103000").is_ok());
        for text in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert_eq!(SessionId::parse(text), Err(InvalidSessionId), "{text:?}");
        }
    }
}
