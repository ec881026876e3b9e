//! Accounts: owners of chats, usernames, e-mail addresses and passwords, with the rules that each has to meet.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::{
    errors::{ErrorKind, accounts as errors},
    precis::{entered_password, folded_name, is_visible, shown_name},
};

/// The id of an owner of chats: of an account, or of a visitor without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerId(pub i64);

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A registered user account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id, which is also the id of the owner of its chats.
    pub id: OwnerId,
    /// The username as it was registered.
    pub username: String,
    /// The e-mail address as it was registered.
    pub email: String,
    /// The time of the registration.
    pub created_at: Timestamp,
}

/// The reason why a username, an e-mail address or a password is not valid for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccount {
    /// The username is missing or blank.
    #[error("{}", errors::USERNAME_REQUIRED.sentence)]
    NoUsername,
    /// The username is too long, has an `@`, or has characters that cannot be seen.
    #[error("{}", errors::INVALID_USERNAME.sentence)]
    Username,
    /// The e-mail address is missing or blank.
    #[error("{}", errors::EMAIL_REQUIRED.sentence)]
    NoEmail,
    /// The e-mail address is malformed or too long.
    #[error("{}", errors::INVALID_EMAIL.sentence)]
    Email,
    /// The password is missing.
    #[error("{}", errors::PASSWORD_REQUIRED.sentence)]
    NoPassword,
    /// The new password is too short to withstand guessing.
    #[error("{}", errors::PASSWORD_TOO_SHORT.sentence)]
    ShortPassword,
    /// The new password is too long to hash.
    #[error("{}", errors::PASSWORD_TOO_LONG.sentence)]
    LongPassword,
}

impl InvalidAccount {
    /// Returns the row of the error table for this failure.
    #[must_use]
    pub fn kind(self) -> &'static ErrorKind {
        match self {
            Self::NoUsername => &errors::USERNAME_REQUIRED,
            Self::Username => &errors::INVALID_USERNAME,
            Self::NoEmail => &errors::EMAIL_REQUIRED,
            Self::Email => &errors::INVALID_EMAIL,
            Self::NoPassword => &errors::PASSWORD_REQUIRED,
            Self::ShortPassword => &errors::PASSWORD_TOO_SHORT,
            Self::LongPassword => &errors::PASSWORD_TOO_LONG,
        }
    }
}

/// A valid username. It has no `@`, so that no username can be taken for an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// The maximum length of a username, in characters.
    const MAX_CHARS: usize = 80;

    /// Parses a username: 1 to 80 visible characters without `@`. White space around it is removed.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidAccount::NoUsername);
        }
        let name = shown_name(text).ok_or(InvalidAccount::Username)?;
        let is_name = (1..=Self::MAX_CHARS).contains(&name.chars().count()) && !name.contains('@');
        if is_name { Ok(Self(name)) } else { Err(InvalidAccount::Username) }
    }

    /// Returns the username as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which usernames are compared: without differences of case.
    #[must_use]
    pub fn folded(&self) -> String {
        folded_name(&self.0)
    }
}

/// A syntactically valid e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The maximum length of an e-mail address that mail servers accept (RFC 5321), in bytes.
    const MAX_BYTES: usize = 254;

    /// Parses an e-mail address: a name, one `@` and a domain, without white space inside. White space around it is
    /// removed. Whether a mailbox exists at the address is not checked.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidAccount::NoEmail);
        }
        let (name, domain) = text.split_once('@').ok_or(InvalidAccount::Email)?;
        let has_gap = text.chars().any(char::is_whitespace) || !is_visible(text);
        let is_domain = domain.split('.').all(|label| !label.is_empty()) && !domain.contains('@');
        let is_address = !name.is_empty() && is_domain && !has_gap && text.len() <= Self::MAX_BYTES;
        if is_address { Ok(Self(text.to_owned())) } else { Err(InvalidAccount::Email) }
    }

    /// Returns the e-mail address as it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which e-mail addresses are compared: without differences of case.
    #[must_use]
    pub fn folded(&self) -> String {
        folded_name(&self.0)
    }
}

/// The identifier entered at a login, in the form in which it is compared with accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LoginName {
    /// A valid username.
    Username(String),
    /// A valid e-mail address.
    Email(String),
    /// A text that is neither a valid username nor a valid e-mail address, so that no account matches it.
    Invalid(String),
}

impl LoginName {
    /// Parses a login name as a username or an e-mail address. Fails only for a blank text, so that an invalid name
    /// gets the same answer as an unknown one.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        match (Username::parse(text), Email::parse(text)) {
            (Err(InvalidAccount::NoUsername), _) => Err(InvalidAccount::NoUsername),
            (Ok(name), _) => Ok(Self::Username(name.folded())),
            (_, Ok(email)) => Ok(Self::Email(email.folded())),
            _ => Ok(Self::Invalid(folded_name(text))),
        }
    }
}

/// A password in plain text, which `Debug` does not show.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// The minimum length of a new password, in characters.
    const MIN_CHARS: usize = 6;
    /// The maximum length of a new password, in bytes.
    const MAX_BYTES: usize = 1024;

    /// Parses a password that is to be set: 6 characters to 1024 bytes. White space around it is part of it.
    pub fn parse_new(text: &SecretString) -> Result<Self, InvalidAccount> {
        let password = Self::parse_entered(text)?;
        match password.expose() {
            text if text.chars().count() < Self::MIN_CHARS => Err(InvalidAccount::ShortPassword),
            text if text.len() > Self::MAX_BYTES => Err(InvalidAccount::LongPassword),
            _ => Ok(password),
        }
    }

    /// Parses a password that is to be verified. Only an empty text fails, since the limits for new passwords may have
    /// been different when the password was set.
    pub fn parse_entered(text: &SecretString) -> Result<Self, InvalidAccount> {
        match text.expose_secret() {
            "" => Err(InvalidAccount::NoPassword),
            text => Ok(Self(SecretString::from(entered_password(text)))),
        }
    }

    /// Returns the password in plain text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The stored hash of a password, which `Debug` does not show.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Wraps a hash in the PHC string format, such as `$argon2id$v=19$…`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Returns the hash in the PHC string format.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn password(text: &str) -> Result<Password, InvalidAccount> {
        Password::parse_new(&SecretString::from(text))
    }

    #[test]
    fn usernames_are_compared_without_case_and_white_space() {
        for same in ["Ada Lovelace", " ada lovelace\t", "ADA LOVELACE"] {
            assert_eq!(Username::parse(same).unwrap().folded(), "ada lovelace");
        }
        let folded = |text| Username::parse(text).unwrap().folded();
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ"), folded("οδυσσευς"));
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ"), folded("οδυσσευσ"));
        assert_ne!(folded("ada"), folded("adam"));
    }

    #[test]
    fn usernames_with_at_signs_or_invisible_characters_fail() {
        let invalid = ["ada@example.org", "a\u{0}da", "ada\nb", "ada\u{200b}", "\u{202e}ada", &"x".repeat(81)];
        for text in invalid {
            assert_eq!(Username::parse(text), Err(InvalidAccount::Username), "{text:?}");
        }
        assert_eq!(Username::parse(" \t "), Err(InvalidAccount::NoUsername));
        assert!(Username::parse(&"é".repeat(80)).is_ok());
    }

    #[test]
    fn an_email_has_a_name_and_a_domain() {
        for text in ["ada", "ada@", "@example.org", "a@b@c", "a da@example.org", "ada@example..org", "ada@.org"] {
            assert_eq!(Email::parse(text), Err(InvalidAccount::Email), "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@example.org", "x".repeat(250))), Err(InvalidAccount::Email));
        assert_eq!(Email::parse(" "), Err(InvalidAccount::NoEmail));
        assert_eq!(Email::parse(" Ada+chat@Example.ORG ").unwrap().folded(), "ada+chat@example.org");
        assert!(Email::parse("ada@localhost").is_ok());
    }

    #[test]
    fn a_password_has_a_length_and_is_not_shown_by_debug() {
        assert_eq!(password("").unwrap_err(), InvalidAccount::NoPassword);
        assert_eq!(password("fünf5").unwrap_err(), InvalidAccount::ShortPassword);
        assert_eq!(password(&"x".repeat(1025)).unwrap_err(), InvalidAccount::LongPassword);
        let password = password(" hunter2 ").unwrap();
        assert_eq!(password.expose(), " hunter2 ");
        assert!(!format!("{password:?} {:?}", PasswordHash::new("hunter2".to_owned())).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn a_registered_name_parses_to_a_matching_login_name(text in "\\PC{1,20}") {
            match (Username::parse(&text), Email::parse(&text)) {
                (Ok(name), Err(_)) => prop_assert_eq!(LoginName::parse(&text), Ok(LoginName::Username(name.folded()))),
                (Err(_), Ok(email)) => prop_assert_eq!(LoginName::parse(&text), Ok(LoginName::Email(email.folded()))),
                (Err(_), Err(_)) => {
                    prop_assert!(!matches!(LoginName::parse(&text), Ok(LoginName::Username(_) | LoginName::Email(_))));
                }
                (Ok(_), Ok(_)) => prop_assert!(false, "a username is also an e-mail address"),
            }
        }
    }
}
