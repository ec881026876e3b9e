//! Messages of a conversation, and the caller who asks.

mod image;

use std::fmt;

pub use self::image::{Image, InvalidImage};
use crate::domain::account::{Account, OwnerId};
pub use crate::domain::finish::Finish;

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The visitor.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// Returns the name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
    /// The image sent with the text; only messages of the visitor have one.
    pub image: Option<Image>,
}

impl Message {
    /// Creates a message without an image.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), image: None }
    }

    /// Whether the message has neither text nor an image.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.image.is_none() && self.content.trim().is_empty()
    }

    /// Returns the message as text for a model without vision: a line replaces the image.
    #[must_use]
    pub fn as_text(&self) -> MessageText<'_> {
        MessageText { content: &self.content, has_image: self.image.is_some() }
    }
}

/// A message as text, with a line in place of its image. Its `Display` output is the text.
#[derive(Clone, Copy, Debug)]
pub struct MessageText<'a> {
    content: &'a str,
    has_image: bool,
}

impl<'a> MessageText<'a> {
    /// The line that replaces an image.
    pub const IMAGE_PLACEHOLDER: &'static str = "[An image was attached, which you cannot see.]";

    /// Creates the text of a message that has an image. The image itself is not needed.
    #[must_use]
    pub fn with_image(content: &'a str) -> Self {
        Self { content, has_image: true }
    }
}

impl fmt::Display for MessageText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.content, self.has_image) {
            (content, false) => f.write_str(content),
            (content, true) if content.trim().is_empty() => f.write_str(Self::IMAGE_PLACEHOLDER),
            (content, true) => write!(f, "{content}\n\n{}", Self::IMAGE_PLACEHOLDER),
        }
    }
}

/// The person who asks a question: the account of an access token, or the name that the client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user name; `guest` if the client sends none.
    pub username: String,
    /// Whether the person is a guest of the website, and not a registered user.
    pub is_guest: bool,
    /// The account of the access token; `None` if the name is only claimed by the client.
    pub account: Option<OwnerId>,
}

impl Caller {
    const GUEST: &str = "guest";

    /// Creates a caller from the client's claims. Without a name, or with the name `guest`, the caller is a guest; with
    /// another name, the caller is one unless the client claims otherwise.
    #[must_use]
    pub fn new(username: Option<&str>, is_guest: Option<bool>) -> Self {
        let username = username.map_or("", str::trim);
        let unnamed = username.is_empty() || username.eq_ignore_ascii_case(Self::GUEST);
        Self {
            username: if unnamed { Self::GUEST } else { username }.to_owned(),
            is_guest: unnamed || is_guest.unwrap_or(true),
            account: None,
        }
    }

    /// Creates a caller from an account.
    #[must_use]
    pub fn of_account(account: &Account) -> Self {
        Self { username: account.username.clone(), is_guest: false, account: Some(account.id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_replaces_an_image() {
        let image = Image::parse("https://a.example/cat.png").ok();
        let words = |content, image| Message { image, ..Message::new(Role::User, content) }.as_text().to_string();
        assert_eq!(words(" hi\n", None), " hi\n");
        assert_eq!(words("Who is it?", image.clone()), format!("Who is it?\n\n{}", MessageText::IMAGE_PLACEHOLDER));
        assert_eq!(words(" ", image), MessageText::IMAGE_PLACEHOLDER);
    }

    #[test]
    fn only_a_caller_with_a_name_can_be_a_user() {
        let guest = |name, claim| Caller::new(name, claim).is_guest;
        assert!(guest(None, Some(false)));
        assert!(guest(Some("  "), Some(false)));
        assert!(guest(Some("Guest"), Some(false)));
        assert!(guest(Some("ada"), None));
        assert!(!guest(Some("ada"), Some(false)));
        assert_eq!(Caller::new(Some(" "), None).username, "guest");
    }
}
