//! Titles of stored chats.

use crate::domain::errors::resources;

/// The title of a stored chat: one line of 1 to 200 characters, not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

/// The error for a title that is blank or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", resources::INVALID_TITLE.sentence)]
pub struct InvalidTitle;

impl Title {
    /// The title of a chat without messages.
    pub const NEW: &str = "New Chat";

    /// The maximum length of a title, in characters.
    const MAX_CHARS: usize = 200;

    /// The maximum length of a title made from a message, in characters, without the ellipsis.
    const MAX_CHARS_FROM_MESSAGE: usize = 60;

    /// Parses a title entered by a user: 1 to 200 characters, after all runs of white space and invisible characters
    /// became single spaces.
    pub fn parse(text: &str) -> Result<Self, InvalidTitle> {
        let line = one_line(text);
        let is_title = (1..=Self::MAX_CHARS).contains(&line.chars().count());
        if is_title { Ok(Self(line)) } else { Err(InvalidTitle) }
    }

    /// Makes a title from the beginning of a message, cut after a word. Returns `None` for a blank message.
    #[must_use]
    pub fn from_message(text: &str) -> Option<Self> {
        // A message may be much longer than a title; white space in it may be removed.
        let start = text.trim_start().chars().take(Self::MAX_CHARS_FROM_MESSAGE * 4).collect::<String>();
        let line = one_line(&start);
        if line.is_empty() {
            return None;
        }
        let Some((end, _)) = line.char_indices().nth(Self::MAX_CHARS_FROM_MESSAGE) else { return Some(Self(line)) };
        let word_end = line[..end].rfind(' ').filter(|word_end| *word_end > end / 2).unwrap_or(end);
        Some(Self(format!("{}…", &line[..word_end])))
    }

    /// Returns the title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Joins a text into one line: each run of white space and invisible characters becomes a single space.
fn one_line(text: &str) -> String {
    let words = text.split(is_blank).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a character is white space, a control character, invisible, or a mark of text direction.
fn is_blank(c: char) -> bool {
    let is_invisible = matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    let is_direction_mark = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_whitespace() || c.is_control() || is_invisible || is_direction_mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_is_the_beginning_of_a_message() {
        let title = |text: &str| Title::from_message(text).map(|title| title.0);
        assert_eq!(title("  What is\n\tPython? "), Some("What is Python?".to_owned()));
        assert_eq!(title(" \n "), None);
        let long = "How do I get the juice of a dozen lemons out of a carpet that my grandmother wove herself?";
        assert_eq!(title(long).unwrap(), "How do I get the juice of a dozen lemons out of a carpet…");
        assert_eq!(title(&"x".repeat(99)).unwrap().chars().count(), 61);
    }

    #[test]
    fn blank_and_overlong_titles_are_invalid() {
        assert_eq!(Title::parse(" Trip\nto Rome "), Ok(Title("Trip to Rome".to_owned())));
        assert_eq!(Title::parse(" \u{0}\u{200b}"), Err(InvalidTitle));
        assert_eq!(Title::parse(&"x".repeat(201)), Err(InvalidTitle));
    }

    proptest! {
        #[test]
        fn every_title_made_from_a_message_is_valid(text in "\\PC{0,300}") {
            if let Some(title) = Title::from_message(&text) {
                prop_assert_eq!(Title::parse(title.as_str()), Ok(title.clone()));
            }
        }
    }
}
