//! The words of a text, for searching: the same ones whichever database keeps them.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

/// Longest part of a word that counts, in characters.
const LONGEST: usize = 64;

/// So much of a text's words is kept, in bytes; what a database indexes has its limits.
const MOST: usize = 256 << 10;

/// The words of a text, each once, in the order of their first appearance: runs of letters and digits in lower case,
/// without accents. Where a script sets no blanks between words, each character counts as one.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut found = Found::default();
    // By way of capitals: only they tell that `Straße` is `STRASSE`.
    for c in text.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase) {
        if is_accent(c) {
            continue;
        }
        let stands_alone = stands_alone(c);
        if stands_alone || !is_of_word(c) {
            found.end_word();
        }
        if is_of_word(c) {
            found.push(c);
        }
        if stands_alone {
            found.end_word();
        }
        if found.size > MOST {
            break;
        }
    }
    found.end_word();
    found.words
}

#[derive(Default)]
struct Found {
    words: Vec<String>,
    seen: HashSet<String>,
    word: String,
    chars: usize,
    size: usize,
}

impl Found {
    fn push(&mut self, c: char) {
        self.chars += 1;
        if self.chars <= LONGEST {
            self.word.push(c);
        }
    }

    fn end_word(&mut self) {
        self.chars = 0;
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() && self.seen.insert(word.clone()) {
            self.size += word.len() + 1;
            self.words.push(word);
        }
    }
}

/// The marks that decomposing leaves behind a letter of an alphabet.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Whether it belongs to a script without blanks: of East Asia, Thailand, Laos, Burma, Cambodia.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_found_in_every_script() {
        assert_eq!(words("The Café, the CAFE\u{301}-bar; 42%"), ["the", "cafe", "bar", "42"]);
        assert_eq!(words("Straße ΟΔΟΣ"), words("STRASSE οδος"));
        assert_eq!(words("東京へ"), ["東", "京", "へ"]);
        assert_eq!(words("हिन्दी में"), ["हिन्दी", "में"]);
        assert_eq!(words(" … \u{0}"), Vec::<String>::new());
        assert_eq!(words(&"x".repeat(100))[0].len(), LONGEST);
    }

    proptest! {
        #[test]
        fn words_of_words_are_the_same(text in "\\PC{0,200}") {
            let once = words(&text);
            prop_assert_eq!(&words(&once.join(" ")), &once);
            for word in once {
                prop_assert!(!word.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '\0')));
            }
        }
    }
}
