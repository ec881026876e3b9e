//! The result of a verification.

use super::{damage::Damage, process::ProcessSummary};
use crate::domain::log_chain::Chain;

/// The number of damages that are kept.
const MAX_DAMAGE: usize = 10_000;

/// The last line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastLine {
    /// The number of the line.
    pub seq: u64,
    /// The chain of the line.
    pub chain: Chain,
}

/// The result of a verification.
#[derive(Debug, Default)]
pub struct Verification {
    /// The number of files.
    pub files: usize,
    /// The number of lines.
    pub lines: u64,
    /// The number of bytes, uncompressed.
    pub bytes: u64,
    /// The number of lines without a stamp, as earlier versions wrote them. Nothing is known about those that are missing.
    pub unstamped: u64,
    /// The number of lines with a number but without a chain, as earlier versions wrote them.
    pub unchained: u64,
    /// Whether there are keys to verify with.
    pub has_keys: bool,
    /// The number of lines that are proven by a key: their chain is made with it, and follows from the line before.
    pub proven_by_key: u64,
    /// The number of lines that the log declares deleted, and that are not there.
    pub deleted: u64,
    /// The processes that wrote the lines.
    pub processes: Vec<ProcessSummary>,
    /// The last line of each log that is there, by its newest process with chains.
    pub last_lines: Vec<LastLine>,
    /// What is wrong, the first ones.
    pub damage: Vec<Damage>,
    /// The number of damages.
    pub damage_count: u64,
    /// Whether the service has deleted a file since the files were listed. The line that declares it may be in none of them, so
    /// they are to be listed and verified once more.
    pub is_outdated: bool,
    /// What is not damage, but limits what was proven, for people.
    pub notes: Vec<String>,
}

impl Verification {
    pub(super) fn add(&mut self, damage: Damage) {
        self.damage_count += 1;
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }

    /// Returns whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage_count == 0
    }
}
