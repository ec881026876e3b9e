//! Splits a text into search terms, in the same way for every database.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

/// The number of characters after which a search term is cut off.
const MAX_TERM_CHARS: usize = 64;

/// The limit for the search terms of one text in bytes, because databases limit what they index. Further terms are left
/// out.
const MAX_TERMS_BYTES: usize = 256 << 10;

/// Returns the search terms of a text, each once, in the order of their first appearance. A term is a run of letters and
/// digits, in lower case and without accents. In scripts without spaces between words, each character is a term.
#[must_use]
pub fn search_terms(text: &str) -> Vec<String> {
    let mut collector = TermCollector::default();
    // To upper case in between: only there do `Straße` and `STRASSE` become the same. To lower case first, because the
    // capital `ẞ` is its own upper case.
    let folded = text.nfkd().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    for c in folded {
        if is_accent(c) {
            continue;
        }
        let is_own_term = is_own_term(c);
        if is_own_term || !is_in_term(c) {
            collector.end_term();
        }
        if is_in_term(c) {
            collector.push(c);
        }
        if is_own_term {
            collector.end_term();
        }
        if collector.bytes > MAX_TERMS_BYTES {
            break;
        }
    }
    collector.end_term();
    collector.terms
}

/// The terms of the part of a text that has been read.
#[derive(Default)]
struct TermCollector {
    terms: Vec<String>,
    seen: HashSet<String>,
    /// The term that is being read.
    current: String,
    /// The characters of that term, also those that are cut off.
    chars: usize,
    bytes: usize,
}

impl TermCollector {
    fn push(&mut self, c: char) {
        self.chars += 1;
        if self.chars <= MAX_TERM_CHARS {
            self.current.push(c);
        }
    }

    fn end_term(&mut self) {
        self.chars = 0;
        let term = std::mem::take(&mut self.current);
        if !term.is_empty() && self.seen.insert(term.clone()) {
            self.bytes += term.len() + 1;
            self.terms.push(term);
        }
    }
}

/// Returns whether a character is a combining accent, into which the decomposition (NFKD) splits an accented letter.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn is_in_term(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Returns whether a character belongs to a script without spaces between words: of East Asia, Thailand, Laos, Burma,
/// Cambodia.
fn is_own_term(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_in_every_script_are_split() {
        assert_eq!(search_terms("The Café, the CAFE\u{301}-bar; 42%"), ["the", "cafe", "bar", "42"]);
        assert_eq!(search_terms("Straße ΟΔΟΣ"), search_terms("STRASSE οδος"));
        assert_eq!(search_terms("東京へ"), ["東", "京", "へ"]);
        assert_eq!(search_terms("हिन्दी में"), ["हिन्दी", "में"]);
        assert_eq!(search_terms(" … \u{0}"), Vec::<String>::new());
        assert_eq!(search_terms(&"x".repeat(100))[0].len(), MAX_TERM_CHARS);
    }

    #[test]
    fn the_term_of_each_character_is_its_own_term() {
        assert_eq!(search_terms("STRAẞE"), ["strasse"]);
        for c in '\0'..=char::MAX {
            let once = search_terms(&c.to_string());
            assert_eq!(search_terms(&once.join(" ")), once, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn the_terms_of_terms_are_the_same(text in "\\PC{0,200}") {
            let once = search_terms(&text);
            prop_assert_eq!(&search_terms(&once.join(" ")), &once);
            for term in once {
                prop_assert!(!term.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '\0')));
            }
        }
    }
}
