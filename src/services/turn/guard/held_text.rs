//! The text of an answer that is not judged yet, and its division into pieces.

use std::mem;

/// The length from which a text without the end of a sentence is divided between two words, in bytes.
const LONG_SENTENCE: usize = 600;

/// The length from which a text without white space is divided anywhere, in bytes.
const LONG_WORD: usize = 4 << 10;

/// The bytes that stay when a long text is divided, so that what they are a part of, such as a number, is rarely divided.
const TAIL: usize = 100;

/// The most bytes that wait for their judgement before no more is read from the model.
const MAX_HELD: usize = 16 << 10;

/// The text that is not judged yet.
#[derive(Debug, Default)]
pub(super) struct HeldText(String);

impl HeldText {
    pub(super) fn add(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Whether more text may be added.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX_HELD
    }

    /// Takes all whole sentences; a part of a very long one. The beginning of the next one always stays, so that the last piece
    /// of an answer is known to be the last. Returns `None` while there is no whole sentence.
    pub(super) fn take_piece(&mut self) -> Option<String> {
        let rest = self.0.split_off(piece_end(&self.0)?);
        Some(mem::replace(&mut self.0, rest))
    }

    /// Takes all of it.
    pub(super) fn take_all(&mut self) -> String {
        mem::take(&mut self.0)
    }
}

/// Returns the byte offset at which the last whole sentence ends: behind the white space after it, where another sentence
/// begins.
fn piece_end(text: &str) -> Option<usize> {
    let (mut following, mut last_word) = (None, None);
    for (index, c) in text.char_indices().rev() {
        let end = index + c.len_utf8();
        if following.is_some_and(|next: char| !next.is_whitespace()) {
            if c.is_whitespace() {
                if ends_sentence(&text[..end]) {
                    return Some(end);
                }
                if text.len() - end >= TAIL {
                    last_word.get_or_insert(end);
                }
            } else if matches!(c, '。' | '！' | '？') && following.is_some_and(char::is_alphanumeric) {
                return Some(end);
            }
        }
        following = Some(c);
    }
    if text.len() >= LONG_SENTENCE && last_word.is_some() {
        last_word
    } else if text.len() >= LONG_WORD {
        Some(text.floor_char_boundary(text.len() - TAIL))
    } else {
        None
    }
}

/// Whether a text that ends in white space ends with a whole sentence or paragraph. A line alone may end within an address.
fn ends_sentence(text: &str) -> bool {
    let words = text.trim_end();
    let is_paragraph = text[words.len()..].matches('\n').count() > 1;
    let closing = |c: char| matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '*' | '_' | '」' | '』');
    is_paragraph || words.trim_end_matches(closing).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str) -> (Vec<String>, String) {
        let mut held = HeldText::default();
        held.add(text);
        let pieces = std::iter::from_fn(|| held.take_piece()).collect();
        (pieces, held.take_all())
    }

    #[test]
    fn whole_sentences_are_taken_and_a_beginning_stays() {
        for (text, piece, rest) in [
            ("Hello. How are", "Hello. ", "How are"),
            ("One! Two? Three", "One! Two? ", "Three"),
            ("(He said \"no.\") Then", "(He said \"no.\") ", "Then"),
            ("# Title\n\nText", "# Title\n\n", "Text"),
            ("你好。再见", "你好。", "再见"),
        ] {
            assert_eq!(pieces(text), (vec![piece.to_owned()], rest.to_owned()), "{text}");
        }
        for text in [
            "",
            "Hello",
            "Hello.",
            "Hello. ",
            "write to joe@shop.example now",
            "version 1.2",
            "- one\n- two",
            "\n\n",
            "好。",
        ] {
            assert_eq!(pieces(text), (Vec::new(), text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_very_long_sentence_is_divided_between_words() {
        let text = format!("{}tail", "word ".repeat(120));
        assert_eq!(pieces(&text), (vec!["word ".repeat(100)], format!("{}tail", "word ".repeat(20))));
        assert_eq!(pieces(&"é".repeat(2048)), (vec!["é".repeat(1998)], "é".repeat(50)));
    }

    proptest! {
        #[test]
        fn no_text_is_lost_or_repeated(
            parts in proptest::collection::vec("[a-z.!?。 \\n\"é]{0,9}|x{500}", 0..60),
            takes in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let (mut held, mut taken) = (HeldText::default(), String::new());
            for (part, take) in parts.iter().zip(takes) {
                held.add(part);
                if take && let Some(piece) = held.take_piece() {
                    prop_assert!(!piece.is_empty() && !held.0.is_empty());
                    let is_between = piece.ends_with(char::is_whitespace) || piece.ends_with('。');
                    prop_assert!(is_between || piece.len() + 2 * TAIL > LONG_WORD, "{}", piece);
                    taken.push_str(&piece);
                }
            }
            taken.push_str(&held.take_all());
            prop_assert_eq!(taken, parts.concat());
        }
    }
}
