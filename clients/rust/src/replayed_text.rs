use crate::TurnError;

/// The text of an answer that is read from its start again, until it reaches the part that the reader lacks.
pub(crate) struct ReplayedText {
    known: String,
    read: usize,
}

impl ReplayedText {
    pub(crate) fn new(known: &str) -> Self {
        Self { known: known.to_owned(), read: 0 }
    }

    /// Returns what the reader does not have of the next piece. Pieces may be divided otherwise than the first time.
    pub(crate) fn new_part<'a>(&mut self, piece: &'a str) -> Result<&'a str, TurnError> {
        let rest = self.known.get(self.read..).unwrap_or_default();
        let new_part = match piece.strip_prefix(rest) {
            Some(new_part) => new_part,
            None if rest.starts_with(piece) => "",
            None => return Err(TurnError::OtherAnswer),
        };
        self.read += piece.len() - new_part.len();
        Ok(new_part)
    }

    /// Whether the reader has all that was read so far.
    pub(crate) fn is_over(&self) -> bool {
        self.read == self.known.len()
    }
}
