//! Texts of hooks that are shown to visitors: one line of plain text.

/// Returns a text as one line of plain text of at most so many characters; `None` if it is blank.
pub(super) fn plain_line(text: &str, longest: usize) -> Option<String> {
    // A few characters of the Unicode category Cf change the direction of what follows.
    let is_shown = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let words = text.split_whitespace().map(|word| word.chars().filter(is_shown).collect::<String>());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    Some(words.chars().take(longest).collect::<String>()).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_a_visitor_is_one_short_line() {
        let line = |text| plain_line(text, 300);
        assert_eq!(line(" Not\there,\n\u{1b}[31m please.\u{0} "), Some("Not here, [31m please.".to_owned()));
        assert_eq!(line("a\u{202e}b"), Some("ab".to_owned()));
        assert_eq!(line(" \n\u{7} "), None);
        assert_eq!(line(&"é".repeat(999)).map(|text| text.chars().count()), Some(300));
    }
}
