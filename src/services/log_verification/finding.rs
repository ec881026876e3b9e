//! What is wrong with the lines of one process.

use super::{damage::DamageKind, place::Place};

/// Something wrong with the lines of a process.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) kind: DamageKind,
    pub(super) place: FindingPlace,
    /// The line before the damage; `None` if there is none.
    pub(super) after: Option<Place>,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
}

/// The place of a finding.
#[derive(Clone, Copy, Debug)]
pub(super) enum FindingPlace {
    /// The damaged line, or the one before which lines are missing.
    Line(Place),
    /// The line that declares lines deleted before which others are missing.
    Declaration(Place),
}

impl FindingPlace {
    pub(super) fn place(self) -> Place {
        match self {
            Self::Line(place) | Self::Declaration(place) => place,
        }
    }
}

impl Finding {
    /// Returns the finding that a line was altered.
    pub(super) fn altered(place: FindingPlace, seq: u64) -> Self {
        Self { kind: DamageKind::Altered, place, after: None, first_seq: seq, last_seq: seq }
    }

    /// Returns the finding that lines are missing. `after` is the place of the line before them, if it is there.
    pub(super) fn missing(place: FindingPlace, after: Option<Place>, first_seq: u64, last_seq: u64) -> Self {
        Self { kind: DamageKind::Missing, place, after, first_seq, last_seq }
    }
}
