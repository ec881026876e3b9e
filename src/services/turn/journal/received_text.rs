//! What a model has sent of an answer that a guard judges, as far as its tokens are counted.

use crate::domain::cost::estimate;

/// The bytes of text whose tokens are estimated together. Rounding to whole tokens hardly matters then.
const SEGMENT_BYTES: usize = 4 << 10;

/// The text that a model has sent, whatever the guard lets go on of it. Only the latest part is kept, for the next estimate.
#[derive(Debug, Default)]
pub(super) struct ReceivedText {
    /// The estimated tokens of the text before the segment.
    tokens: u64,
    /// The latest text.
    segment: String,
    /// The number of pieces in which the segment has arrived.
    pieces: usize,
}

impl ReceivedText {
    pub(super) fn add(&mut self, text: &str) {
        let begins_word = text.starts_with(char::is_whitespace);
        if self.segment.len() >= if begins_word { SEGMENT_BYTES } else { 2 * SEGMENT_BYTES } {
            self.forget_text();
        }
        self.segment.push_str(text);
        self.pieces += 1;
    }

    /// Returns the estimated tokens of all text.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens.saturating_add(estimate::answer_tokens(&self.segment, self.pieces))
    }

    /// Keeps the number of tokens alone.
    pub(super) fn forget_text(&mut self) {
        *self = Self { tokens: self.tokens(), ..Self::default() };
    }

    /// Returns the memory of the text, in bytes.
    pub(super) fn memory_size(&self) -> usize {
        self.segment.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(pieces: &[&str]) -> ReceivedText {
        let mut received = ReceivedText::default();
        for piece in pieces {
            received.add(piece);
        }
        received
    }

    #[test]
    fn the_estimate_is_that_of_the_whole_text() {
        // Pieces of half a word: one token each would be twice too many.
        let long = ["Under", "standing", " be", "gins", " here"].repeat(1000);
        for pieces in [&[][..], &["Hello", " wor", "ld"], &["He", "llo"], &long] {
            let expected = estimate::answer_tokens(&pieces.concat(), pieces.len());
            let found = received(pieces).tokens();
            assert!(found.abs_diff(expected) <= expected / 500, "{found} of {expected}");
        }
    }

    #[test]
    fn tokens_are_kept_without_their_text() {
        let mut text = received(&["Hello", " wor", "ld"]);
        let tokens = text.tokens();
        text.forget_text();
        assert_eq!((text.tokens(), text.memory_size()), (tokens, 0));
        text.add(" again");
        assert_eq!(text.tokens(), tokens + 1);
    }

    #[test]
    fn little_text_is_kept() {
        for piece in [" word", "好"] {
            assert!(received(&vec![piece; 20_000]).memory_size() <= 4 * SEGMENT_BYTES, "{piece}");
        }
    }
}
