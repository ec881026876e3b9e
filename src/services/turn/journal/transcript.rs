//! The text of an answer, in the pieces in which it arrived.

use std::time::Instant;

/// The model and the text of an answer that has begun.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) model: String,
    pub(super) text: String,
    /// The end of each piece, as a byte offset in the text.
    piece_ends: Vec<u32>,
    pub(super) first_word_at: Option<Instant>,
}

impl Transcript {
    pub(super) fn new(model: String) -> Self {
        Self { model, text: String::new(), piece_ends: Vec::new(), first_word_at: None }
    }

    pub(super) fn append(&mut self, text: &str) {
        self.first_word_at.get_or_insert_with(Instant::now);
        self.text.push_str(text);
        self.piece_ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Returns the number of pieces.
    pub(super) fn pieces(&self) -> usize {
        self.piece_ends.len()
    }

    /// Returns the piece at an index, counted from 0.
    pub(super) fn piece(&self, index: usize) -> Option<&str> {
        let end = *self.piece_ends.get(index)? as usize;
        Some(&self.text[self.piece_start(index)..end])
    }

    /// Returns the byte offset at which a piece begins; the end of the text for an index after the last piece.
    pub(super) fn piece_start(&self, index: usize) -> usize {
        let before = index.checked_sub(1).map(|before| self.piece_ends.get(before).or(self.piece_ends.last()));
        before.flatten().map_or(0, |end| *end as usize)
    }

    /// Frees memory that is not needed once the text is complete.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.piece_ends.shrink_to_fit();
    }

    /// Returns the memory of the text and its pieces, in bytes.
    pub(super) fn memory_size(&self) -> usize {
        self.text.capacity() + self.piece_ends.capacity() * size_of::<u32>()
    }
}

/// Returns the first bytes of a text, at most `max_bytes`, up to the end of a character.
pub(in crate::services::turn) fn beginning(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_by_their_index() {
        let mut transcript = Transcript::new("m".to_owned());
        transcript.append("Hello");
        transcript.append(", world");
        assert_eq!(transcript.piece(0), Some("Hello"));
        assert_eq!(transcript.piece(1), Some(", world"));
        assert_eq!(transcript.piece(2), None);
        assert_eq!([0, 1, 2, 9].map(|index| transcript.piece_start(index)), [0, 5, 12, 12]);
    }
}
