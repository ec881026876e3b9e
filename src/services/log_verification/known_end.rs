//! The end of a process's lines, as far as it is known.

use super::{declared::DeclaredLines, finding::FindingPlace, place::Place, process::Checked};
use crate::domain::log_chain::Chain;

/// The last line of a process that is known, whether it is there or declared deleted.
pub(super) struct KnownEnd {
    pub(super) seq: u64,
    pub(super) chain: Option<Chain>,
    /// The place of the line; of a deleted one the place of the declaring line.
    pub(super) place: FindingPlace,
}

impl KnownEnd {
    /// Returns the later one of the last line that is there and the last one that is declared deleted.
    pub(super) fn of(checked: Option<&Checked>, declared: &DeclaredLines) -> Option<Self> {
        let there = checked.map(|process| Self {
            seq: process.summary.last_seq,
            chain: process.summary.last_chain,
            place: FindingPlace::Line(process.last),
        });
        let end = declared.end().map(|end| Self {
            seq: end.seq,
            chain: end.chain,
            place: FindingPlace::Declaration(end.place),
        });
        // Of the same line, the one that is there.
        end.into_iter().chain(there).max_by_key(|end| end.seq)
    }

    /// Returns the place of the line, if it is there.
    pub(super) fn line(&self) -> Option<Place> {
        if let FindingPlace::Line(place) = self.place { Some(place) } else { None }
    }

    /// Returns whether the line has another chain than a start has found.
    pub(super) fn differs_from(&self, claimed: Option<&str>) -> bool {
        let claimed = claimed.and_then(|chain| Chain::parse(chain.as_bytes()));
        claimed.is_some() && claimed != self.chain
    }
}
