//! How a visitor wants to be reached.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What a visitor has given to be reached by, such as an address or a number. It is personal, so its `Debug` output has nothing
/// of it.
#[derive(Clone)]
pub struct Contact(SecretString);

/// The error for a contact that is too long, or has characters that nobody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contact must have at most {} characters, and no control characters", Contact::MAX_CHARS)]
pub struct InvalidContact;

impl Contact {
    /// The most characters of a contact.
    pub const MAX_CHARS: usize = 200;

    /// Parses a contact. Returns `None` for a blank one.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidContact> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARS || text.contains(char::is_control) {
            return Err(InvalidContact);
        }
        Ok((!text.is_empty()).then(|| Self(SecretString::from(text))))
    }

    /// Returns the contact as text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_trimmed_bounded_and_not_printed() {
        let contact = Contact::parse(" ada@shop.example ").unwrap().unwrap();
        assert_eq!((contact.expose(), format!("{contact:?}")), ("ada@shop.example", "Contact".to_owned()));
        assert!(Contact::parse(" \n ").unwrap().is_none());
        assert!(Contact::parse(&"é".repeat(200)).is_ok_and(|contact| contact.is_some()));
        for text in [&"é".repeat(201), "0170\n1234", "a\u{0}"] {
            assert_eq!(Contact::parse(text).unwrap_err(), InvalidContact);
        }
    }
}
