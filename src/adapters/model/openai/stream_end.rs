//! Detection of the end of a streamed answer.

/// The known facts about the end of a streamed answer.
#[derive(Debug)]
pub(super) struct StreamEnd {
    /// The finish reason that the server sent last.
    reason: Option<String>,
    /// Whether text followed a finish reason. Such a reason is not proof of the end.
    was_revoked: bool,
    /// Whether the response has a length or chunks, by which an interrupted body is recognised.
    is_framed: bool,
}

impl StreamEnd {
    pub(super) fn new(is_framed: bool) -> Self {
        Self { reason: None, was_revoked: false, is_framed }
    }

    /// Returns the finish reason that the server sent last.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether a valid finish reason has arrived. Then the answer is complete, however the connection ends.
    pub(super) fn has_reason(&self) -> bool {
        self.reason.is_some() && !self.was_revoked
    }

    /// Whether the regular end of the body is the end of the answer. If text followed the finish reason, the end of the
    /// body counts only if an interrupted body would be recognised.
    pub(super) fn is_reached_with_body(&self) -> bool {
        self.has_reason() || (self.was_revoked && self.is_framed)
    }

    /// Adds the finish reason of a piece, and whether the piece has text.
    pub(super) fn add(&mut self, reason: Option<String>, has_text: bool) {
        if has_text && self.reason.take().is_some() {
            self.was_revoked = true;
        }
        if reason.is_some() {
            self.reason = reason;
        }
    }
}
