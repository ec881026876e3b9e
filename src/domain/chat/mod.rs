//! What is said, and by whom.

mod image;

use std::fmt;

pub use self::image::{Image, InvalidImage};
use crate::domain::account::{Account, OwnerId};

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The visitor.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// What was shown with it; only a visitor shows something.
    pub image: Option<Image>,
}

impl Message {
    /// A message of words alone.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), image: None }
    }

    /// Whether nothing is said and nothing shown.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.image.is_none() && self.content.trim().is_empty()
    }

    /// The message for a model that isn't shown the image: a line in its place says that there is one.
    #[must_use]
    pub fn in_words(&self) -> InWords<'_> {
        InWords { content: &self.content, has_image: self.image.is_some() }
    }
}

/// A message as a text alone.
#[derive(Clone, Copy, Debug)]
pub struct InWords<'a> {
    content: &'a str,
    has_image: bool,
}

impl<'a> InWords<'a> {
    /// What stands in the place of an image.
    pub const UNSEEN: &'static str = "[An image was attached, which you cannot see.]";

    /// The words of a message with an image, which itself isn't needed for them.
    #[must_use]
    pub fn of_image(content: &'a str) -> Self {
        Self { content, has_image: true }
    }
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.content, self.has_image) {
            (content, false) => f.write_str(content),
            (content, true) if content.trim().is_empty() => f.write_str(Self::UNSEEN),
            (content, true) => write!(f, "{content}\n\n{}", Self::UNSEEN),
        }
    }
}

/// The person who asks: the account of a token, or else what the client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user name; `guest` when none was given.
    pub username: String,
    /// Whether the person is a guest rather than a user of the site.
    pub is_guest: bool,
    /// The account of the token that came with the question; none where the name is only a claim.
    pub account: Option<OwnerId>,
}

impl Caller {
    const GUEST: &str = "guest";

    /// The speaker a client names. Who has no name, or the name `guest`, is a guest whatever the client claims; who
    /// has one is a guest unless the client says otherwise.
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

    /// The speaker with this account.
    #[must_use]
    pub fn of_account(account: &Account) -> Self {
        Self { username: account.username.clone(), is_guest: false, account: Some(account.id) }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model said all it had to say.
    Complete,
    /// The model reached its limit of tokens.
    Length,
    /// The provider's filter cut the answer after it had begun.
    ContentFilter,
    /// The client had left before the answer was complete, or before it was read to its end for its count alone.
    ClientGone,
    /// The turn was stopped before the answer was complete.
    Stopped,
    /// The model, or the way to it, failed.
    UpstreamError,
    /// The time for the turn was over.
    Timeout,
}

impl Finish {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::Complete,
        Self::Length,
        Self::ContentFilter,
        Self::ClientGone,
        Self::Stopped,
        Self::UpstreamError,
        Self::Timeout,
    ];

    /// The finish of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finish| finish.as_str() == name)
    }

    /// The name used on the wire and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ClientGone => "client_gone",
            Self::Stopped => "stopped",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_not_shown_is_told_of() {
        let image = Image::parse("https://a.example/cat.png").ok();
        let words = |content, image| Message { image, ..Message::new(Role::User, content) }.in_words().to_string();
        assert_eq!(words(" hi\n", None), " hi\n");
        assert_eq!(words("Who is it?", image.clone()), format!("Who is it?\n\n{}", InWords::UNSEEN));
        assert_eq!(words(" ", image), InWords::UNSEEN);
    }

    #[test]
    fn only_a_named_speaker_can_be_more_than_a_guest() {
        let guest = |name, claim| Caller::new(name, claim).is_guest;
        assert!(guest(None, Some(false)));
        assert!(guest(Some("  "), Some(false)));
        assert!(guest(Some("Guest"), Some(false)));
        assert!(guest(Some("ada"), None));
        assert!(!guest(Some("ada"), Some(false)));
        assert_eq!(Caller::new(Some(" "), None).username, "guest");
    }
}
