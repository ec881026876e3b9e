//! What is said, and by whom.

use serde::{Deserialize, Serialize};

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// The person in front of the chat window, as far as the client tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The user name; `guest` when none was given.
    pub username: String,
    /// Whether the person is a guest rather than a user of the site.
    pub is_guest: bool,
}

impl Speaker {
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
        }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model said all it had to say.
    Complete,
    /// The model reached its limit of tokens.
    Length,
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
    pub const ALL: [Self; 6] =
        [Self::Complete, Self::Length, Self::ClientGone, Self::Stopped, Self::UpstreamError, Self::Timeout];

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
    fn only_a_named_speaker_can_be_more_than_a_guest() {
        let guest = |name, claim| Speaker::new(name, claim).is_guest;
        assert!(guest(None, Some(false)));
        assert!(guest(Some("  "), Some(false)));
        assert!(guest(Some("Guest"), Some(false)));
        assert!(guest(Some("ada"), None));
        assert!(!guest(Some("ada"), Some(false)));
        assert_eq!(Speaker::new(Some(" "), None).username, "guest");
    }
}
