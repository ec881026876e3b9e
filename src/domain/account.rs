//! Who chats belong to, and what an account is made of.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// Whoever chats belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerId(pub i64);

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person who has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id, also that of the owner of its chats.
    pub id: OwnerId,
    /// Its name, as it was registered.
    pub username: String,
    /// Its e-mail address, as it was registered.
    pub email: String,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What was given can be no part of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccount {
    /// No user name.
    #[error("A username is required")]
    NoUsername,
    /// A user name that is too long, or hard to tell from another.
    #[error("A username has at most 80 characters, no @ and none that cannot be seen")]
    Username,
    /// No e-mail address.
    #[error("An email is required")]
    NoEmail,
    /// An e-mail address that cannot be one.
    #[error("The email must be an address such as ada@example.org")]
    Email,
    /// No password.
    #[error("A password is required")]
    NoPassword,
    /// A password that is soon guessed.
    #[error("A password has at least 6 characters")]
    ShortPassword,
    /// A password that nobody types.
    #[error("A password has at most 1024 bytes")]
    LongPassword,
}

/// A name that somebody chose. It has no `@`: names and e-mail addresses are never taken for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    const LONGEST: usize = 80;

    /// The name in a text, without the blanks around it.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidAccount::NoUsername);
        }
        let is_name = text.chars().count() <= Self::LONGEST && !text.chars().any(|c| c == '@' || is_unseen(c));
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidAccount::Username) }
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text for all names that count as one.
    #[must_use]
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// An e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// As mail servers take them, in bytes.
    const LONGEST: usize = 254;

    /// The address in a text, without the blanks around it. Only sending a mail would tell whether it is anybody's.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidAccount::NoEmail);
        }
        let (name, domain) = text.split_once('@').ok_or(InvalidAccount::Email)?;
        let has_blank = text.chars().any(|c| c.is_whitespace() || is_unseen(c));
        let is_domain = domain.split('.').all(|label| !label.is_empty()) && !domain.contains('@');
        let is_address = !name.is_empty() && is_domain && !has_blank && text.len() <= Self::LONGEST;
        if is_address { Ok(Self(text.to_owned())) } else { Err(InvalidAccount::Email) }
    }

    /// The address's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text for all addresses that count as one.
    #[must_use]
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// What somebody gives to say which account is theirs, folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LoginName {
    /// A user name.
    Username(String),
    /// An e-mail address.
    Email(String),
    /// What no account can have.
    Nobodys(String),
}

impl LoginName {
    /// The name in a text that isn't blank.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        match (Username::parse(text), Email::parse(text)) {
            (Err(InvalidAccount::NoUsername), _) => Err(InvalidAccount::NoUsername),
            (Ok(name), _) => Ok(Self::Username(name.folded())),
            (_, Ok(email)) => Ok(Self::Email(email.folded())),
            _ => Ok(Self::Nobodys(folded(text))),
        }
    }
}

/// A password. It never prints.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    const SHORTEST: usize = 6;
    const LONGEST: usize = 1024;

    /// A password to be set. Blanks around it belong to it.
    pub fn choose(text: SecretString) -> Result<Self, InvalidAccount> {
        let length = text.expose_secret().chars().count();
        match Self::give(text)? {
            _ if length < Self::SHORTEST => Err(InvalidAccount::ShortPassword),
            Self(text) if text.expose_secret().len() > Self::LONGEST => Err(InvalidAccount::LongPassword),
            password => Ok(password),
        }
    }

    /// A password to be compared with one that was set, whatever may be set today.
    pub fn give(text: SecretString) -> Result<Self, InvalidAccount> {
        if text.expose_secret().is_empty() { Err(InvalidAccount::NoPassword) } else { Ok(Self(text)) }
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What is kept of a password. It never prints.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// A hash as it is kept.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The hash itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Case and the blanks around a text make no difference. Up and down again, since some letters have two small forms,
/// such as the sigma at a word's end.
fn folded(text: &str) -> String {
    text.trim().to_uppercase().to_lowercase()
}

/// Whether a character leaves no mark, or changes the order of its neighbours: a name with it looks like another one.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn password(text: &str) -> Result<Password, InvalidAccount> {
        Password::choose(SecretString::from(text))
    }

    #[test]
    fn names_differ_in_more_than_case_and_blanks() {
        for same in ["Ada Lovelace", " ada lovelace\t", "ADA LOVELACE"] {
            assert_eq!(Username::parse(same).unwrap().folded(), "ada lovelace");
        }
        let folded = |text| Username::parse(text).unwrap().folded();
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ"), folded("οδυσσευς"));
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ"), folded("οδυσσευσ"));
        assert_ne!(folded("ada"), folded("adam"));
    }

    #[test]
    fn a_name_can_be_seen_and_is_no_address() {
        let unseen = ["ada@example.org", "a\u{0}da", "ada\nb", "ada\u{200b}", "\u{202e}ada", &"x".repeat(81)];
        for text in unseen {
            assert_eq!(Username::parse(text), Err(InvalidAccount::Username), "{text:?}");
        }
        assert_eq!(Username::parse(" \t "), Err(InvalidAccount::NoUsername));
        assert!(Username::parse(&"é".repeat(80)).is_ok());
    }

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for text in ["ada", "ada@", "@example.org", "a@b@c", "a da@example.org", "ada@example..org", "ada@.org"] {
            assert_eq!(Email::parse(text), Err(InvalidAccount::Email), "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@example.org", "x".repeat(250))), Err(InvalidAccount::Email));
        assert_eq!(Email::parse(" "), Err(InvalidAccount::NoEmail));
        assert_eq!(Email::parse(" Ada+chat@Example.ORG ").unwrap().folded(), "ada+chat@example.org");
        assert!(Email::parse("ada@localhost").is_ok());
    }

    #[test]
    fn a_password_has_a_length_and_never_prints() {
        assert_eq!(password("").unwrap_err(), InvalidAccount::NoPassword);
        assert_eq!(password("fünf5").unwrap_err(), InvalidAccount::ShortPassword);
        assert_eq!(password(&"x".repeat(1025)).unwrap_err(), InvalidAccount::LongPassword);
        let password = password(" hunter2 ").unwrap();
        assert_eq!(password.expose(), " hunter2 ");
        assert!(!format!("{password:?} {:?}", PasswordHash::new("hunter2".to_owned())).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn what_is_registered_is_found_by_login(text in "\\PC{1,20}") {
            match (Username::parse(&text), Email::parse(&text)) {
                (Ok(name), Err(_)) => prop_assert_eq!(LoginName::parse(&text), Ok(LoginName::Username(name.folded()))),
                (Err(_), Ok(email)) => prop_assert_eq!(LoginName::parse(&text), Ok(LoginName::Email(email.folded()))),
                (Err(_), Err(_)) => {
                    prop_assert!(!matches!(LoginName::parse(&text), Ok(LoginName::Username(_) | LoginName::Email(_))));
                }
                (Ok(_), Ok(_)) => prop_assert!(false, "a name passes for an address"),
            }
        }

        #[test]
        fn case_and_blanks_around_make_no_difference(text in "\\PC{0,20}") {
            let lower = text.to_lowercase();
            let padded = format!("\t{text} ");
            prop_assert_eq!(folded(&text), folded(&padded));
            prop_assert_eq!(folded(&text), folded(&folded(&text)));
            prop_assert_eq!(folded(&lower), folded(&lower.to_uppercase()));
        }
    }
}
