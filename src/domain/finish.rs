//! The ways in which a turn ends.

/// The way an answer ended, the `finish_reason` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model completed the answer.
    Complete,
    /// The answer reached the limit of tokens.
    Length,
    /// The provider's content filter cut the answer off.
    ContentFilter,
    /// The client disconnected before the answer was complete.
    ClientGone,
    /// The turn was stopped before the answer was complete.
    Stopped,
    /// The model, or the connection to it, failed.
    UpstreamError,
    /// The time for the turn was exceeded.
    Timeout,
    /// The process ended during the turn, so that no client gets this.
    Interrupted,
}

impl Finish {
    /// All ways to end.
    pub const ALL: [Self; 8] = [
        Self::Complete,
        Self::Length,
        Self::ContentFilter,
        Self::ClientGone,
        Self::Stopped,
        Self::UpstreamError,
        Self::Timeout,
        Self::Interrupted,
    ];

    /// Parses the name used on the wire and in the log.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finish| finish.as_str() == name)
    }

    /// Returns the name used on the wire and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ClientGone => "client_gone",
            Self::Stopped => "stopped",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
        }
    }
}
