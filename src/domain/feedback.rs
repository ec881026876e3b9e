//! What people think of an answer: a rating, and perhaps a comment.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// How often the feedback on one turn can change. Each change is a line in the session log, and an event.
pub const MAX_CHANGES: u32 = 20;

/// Whether an answer was good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rating {
    /// It was good.
    Up,
    /// It was bad.
    Down,
}

impl Rating {
    /// Both ratings.
    pub const ALL: [Self; 2] = [Self::Up, Self::Down];

    /// Returns the name used on the wire, in the log and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rating| rating.as_str() == name)
    }
}

/// What somebody has written about an answer. It is personal, so its `Debug` output has nothing of it.
#[derive(Clone)]
pub struct Comment(SecretString);

/// The error for a comment that is too long, or has characters that nobody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "comment must have at most {} characters, and no control characters but line breaks and tabs",
    Comment::MAX_CHARS
)]
pub struct InvalidComment;

impl Comment {
    /// The most characters of a comment.
    pub const MAX_CHARS: usize = 2000;

    /// Parses a comment. Returns `None` for a blank one. Line breaks become line feeds.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidComment> {
        let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
        let is_unusual = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if text.chars().count() > Self::MAX_CHARS || text.contains(is_unusual) {
            return Err(InvalidComment);
        }
        Ok((!text.is_empty()).then(|| Self(SecretString::from(text))))
    }

    /// Returns the comment as text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Comment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_trimmed_bounded_and_not_printed() {
        let comment = Comment::parse(" wrong\r\nprice\t\r").unwrap().unwrap();
        assert_eq!((comment.expose(), format!("{comment:?}")), ("wrong\nprice", "Comment".to_owned()));
        assert!(Comment::parse(" \n ").unwrap().is_none());
        assert!(Comment::parse(&"é".repeat(2000)).is_ok_and(|comment| comment.is_some()));
        for text in [&"é".repeat(2001), "a\u{0}", "\u{1b}[2J."] {
            assert_eq!(Comment::parse(text).unwrap_err(), InvalidComment);
        }
    }

    #[test]
    fn ratings_are_parsed_from_their_names() {
        assert_eq!(Rating::ALL.map(Rating::as_str).map(Rating::parse), Rating::ALL.map(Some));
        assert_eq!(Rating::parse("UP"), None);
    }
}
