//! Texts of a log on a terminal. Clients choose names, and control characters would let them write anywhere on the screen.

use std::borrow::Cow;

/// Returns a text with its control characters, and those that change the direction of writing, replaced.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hidden) { text.replace(is_hidden, "\u{fffd}").into() } else { text.into() }
}

/// Returns a text with its line breaks, each of its lines as [`printable`] returns it.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn is_hidden(c: char) -> bool {
    let changes_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || changes_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("Zoë 🙂 <b>"), "Zoë 🙂 <b>");
        assert_eq!(printable("a\u{1b}[31m\nb\u{202e}c\u{85}"), "a\u{fffd}[31m\u{fffd}b\u{fffd}c\u{fffd}");
    }
}
