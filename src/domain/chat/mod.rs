//! Messages of a conversation, and the caller who asks.

mod image;

use std::fmt;

pub use self::image::{Image, ImageDetail, InvalidImage};
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
    /// The images sent with the text; only messages of the visitor have any.
    pub images: Vec<Image>,
}

impl Message {
    /// Creates a message without an image.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), images: Vec::new() }
    }

    /// Adds images.
    #[must_use]
    pub fn with_images(mut self, images: impl IntoIterator<Item = Image>) -> Self {
        self.images.extend(images);
        self
    }

    /// Whether the message has neither text nor an image.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.images.is_empty() && self.content.trim().is_empty()
    }

    /// Returns the message as text for a model without vision: a line replaces each image.
    #[must_use]
    pub fn as_text(&self) -> MessageText<'_> {
        MessageText { content: &self.content, images: self.images.len() }
    }
}

/// A message as text, with a line in place of each image. Its `Display` output is the text.
#[derive(Clone, Copy, Debug)]
pub struct MessageText<'a> {
    content: &'a str,
    /// The number of images.
    images: usize,
}

impl<'a> MessageText<'a> {
    /// The text between the text and the lines.
    const SEPARATOR: &'static str = "\n\n";

    /// The line that replaces an image.
    pub const IMAGE_PLACEHOLDER: &'static str = "[An image was attached, which you cannot see.]";

    /// Creates the text of a message that has an image. The image itself is not needed.
    #[must_use]
    pub fn with_image(content: &'a str) -> Self {
        Self { content, images: 1 }
    }
}

impl fmt::Display for MessageText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if self.images == 0 || !self.content.trim().is_empty() {
            f.write_str(self.content)?;
            separator = Self::SEPARATOR;
        }
        for _ in 0..self.images {
            write!(f, "{separator}{}", Self::IMAGE_PLACEHOLDER)?;
            separator = Self::SEPARATOR;
        }
        Ok(())
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
    fn a_line_replaces_each_image() {
        let image = Image::parse("https://a.example/cat.png").unwrap();
        let words = |content, images: usize| {
            Message::new(Role::User, content).with_images(vec![image.clone(); images]).as_text().to_string()
        };
        let line = MessageText::IMAGE_PLACEHOLDER;
        assert_eq!(words(" hi\n", 0), " hi\n");
        assert_eq!(words("Who is it?", 1), format!("Who is it?\n\n{line}"));
        assert_eq!(words(" ", 2), format!("{line}\n\n{line}"));
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
