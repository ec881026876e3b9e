//! What a stored chat is called.

/// A chat's title: one line, not blank, of at most 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

/// This cannot be a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A title has 1 to 200 characters")]
pub struct InvalidTitle;

impl Title {
    /// The title of a chat in which nothing has been said.
    pub const NEW: &str = "New Chat";

    const LONGEST: usize = 200;

    /// So many characters of a message tell what it is about.
    const TELLING: usize = 60;

    /// The title somebody gives, without the blanks around it.
    pub fn parse(text: &str) -> Result<Self, InvalidTitle> {
        let line = one_line(text);
        let is_title = (1..=Self::LONGEST).contains(&line.chars().count());
        if is_title { Ok(Self(line)) } else { Err(InvalidTitle) }
    }

    /// The title made of a message: its beginning, up to the end of a word. `None` when it says nothing.
    #[must_use]
    pub fn of_message(text: &str) -> Option<Self> {
        // Enough of it to tell; the rest may be long.
        let start = text.trim_start().chars().take(Self::TELLING * 4).collect::<String>();
        let line = one_line(&start);
        if line.is_empty() {
            return None;
        }
        let Some((end, _)) = line.char_indices().nth(Self::TELLING) else { return Some(Self(line)) };
        let word_end = line[..end].rfind(' ').filter(|place| *place > end / 2).unwrap_or(end);
        Some(Self(format!("{}…", &line[..word_end])))
    }

    /// The title's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text in one line, each run of what cannot be seen a single blank.
fn one_line(text: &str) -> String {
    let words = text.split(is_unseen).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Blanks, control characters, and those that turn the direction of what stands behind them.
fn is_unseen(c: char) -> bool {
    let is_invisible = matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    let is_turn = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_whitespace() || c.is_control() || is_invisible || is_turn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_gives_its_beginning() {
        let title = |text: &str| Title::of_message(text).map(|title| title.0);
        assert_eq!(title("  What is\n\tPython? "), Some("What is Python?".to_owned()));
        assert_eq!(title(" \n "), None);
        let long = "How do I get the juice of a dozen lemons out of a carpet that my grandmother wove herself?";
        assert_eq!(title(long).unwrap(), "How do I get the juice of a dozen lemons out of a carpet…");
        assert_eq!(title(&"x".repeat(99)).unwrap().chars().count(), 61);
    }

    #[test]
    fn blank_and_endless_titles_are_none() {
        assert_eq!(Title::parse(" Trip\nto Rome "), Ok(Title("Trip to Rome".to_owned())));
        assert_eq!(Title::parse(" \u{0}\u{200b}"), Err(InvalidTitle));
        assert_eq!(Title::parse(&"x".repeat(201)), Err(InvalidTitle));
    }

    proptest! {
        #[test]
        fn every_message_gives_a_title_or_says_nothing(text in "\\PC{0,300}") {
            if let Some(title) = Title::of_message(&text) {
                prop_assert_eq!(Title::parse(title.as_str()), Ok(title.clone()));
            }
        }
    }
}
