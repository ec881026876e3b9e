//! What a start says about the process before.

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::place::Place;
use crate::adapters::session_log::PreviousInstance;

/// A start's statement about the process before.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) by: Uuid,
    pub(super) at: Place,
    /// The end of the process before; `None` if the start has found none.
    pub(super) end: Option<PreviousInstance>,
}

impl Claim {
    /// Reads the line of a start; `None` if it says nothing, as those of earlier versions.
    pub(super) fn of(by: Uuid, at: Place, line: &[u8]) -> Option<Self> {
        let start = serde_json::from_slice::<StartLine>(line).ok()?;
        Some(Self { by, at, end: start.previous? })
    }

    /// Returns the process that the start has found; `None` if it has found none, or its id is wrong.
    pub(super) fn previous(&self) -> Option<Uuid> {
        self.end.as_ref()?.instance.parse().ok()
    }
}

#[derive(Deserialize)]
struct StartLine {
    /// `None` if the field is not there, as opposed to null.
    #[expect(clippy::option_option, reason = "the outer one tells whether the field is there")]
    #[serde(default, deserialize_with = "present")]
    previous: Option<Option<PreviousInstance>>,
}

fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
