use crate::TurnError;

/// The text of an answer that is read from its start again, of which the reader has a part already.
pub(crate) struct ReplayedText {
    known: String,
    read: String,
}

impl ReplayedText {
    pub(crate) fn new(known: &str) -> Self {
        Self { known: known.to_owned(), read: String::new() }
    }

    /// Returns what the reader does not have of the next piece. Pieces may be divided otherwise than the first time.
    pub(crate) fn new_part(&mut self, piece: &str) -> Result<String, TurnError> {
        let missing = self.known.len().saturating_sub(self.read.len());
        self.read.push_str(piece);
        if !self.read.starts_with(&self.known) && !self.known.starts_with(&self.read) {
            return Err(TurnError::OtherAnswer);
        }
        Ok(piece.get(missing..).unwrap_or_default().to_owned())
    }
}
