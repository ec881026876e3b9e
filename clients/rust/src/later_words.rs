//! Comparisons of words that later versions of the server may add to, with those that this version knows.

use crate::types::{ErrorCode, FinishReason, ReceivedErrorCode, ReceivedFinishReason};

impl PartialEq<ErrorCode> for ReceivedErrorCode {
    fn eq(&self, other: &ErrorCode) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl PartialEq<FinishReason> for ReceivedFinishReason {
    fn eq(&self, other: &FinishReason) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}
