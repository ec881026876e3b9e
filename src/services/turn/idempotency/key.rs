//! The `Idempotency-Key` header.

use crate::domain::errors::resources;

/// Longest key, in bytes.
const MAX_LENGTH: usize = 255;

/// An `Idempotency-Key`: a client's name for a turn, the same in each repetition of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The value of an `Idempotency-Key` header is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", resources::INVALID_IDEMPOTENCY_KEY.sentence)]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Parses the value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
    pub fn parse(value: &str) -> Result<Self, InvalidIdempotencyKey> {
        let is_key = (1..=MAX_LENGTH).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(value.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
