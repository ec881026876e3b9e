//! Lines and files that a report leaves out, each named by file and line.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::adapters::log_files::LineFault;

/// The most damages that are named; further ones are counted.
const MAX_NAMED: usize = 20;

/// The damages of a log.
#[derive(Debug, Default)]
pub(super) struct Damages {
    /// The first ones.
    pub(super) named: Vec<Damage>,
    /// The number of all, by their kind.
    pub(super) counts: BTreeMap<DamageKind, u64>,
}

/// A line that is left out, or the end of what could be read of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The index of the file among those that were read.
    pub file_index: usize,
    /// The number of the line, from 1; of a file that cannot be read further, the number of the line after the last one.
    pub line: u64,
    /// The number of lines from there on of which this is true; 1 for the end of what could be read.
    pub lines: u64,
    /// What is wrong.
    pub kind: DamageKind,
    /// The cause that the system or the decoder names; empty for lines.
    pub cause: String,
}

/// The kind of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The file ends within the line.
    Torn,
    /// The line is not an event of a session log.
    Foreign,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line has bytes that are zero, as after a power loss.
    Nul,
    /// The line is in the log before, in this file or another one.
    Duplicated,
    /// The line is longer than any that al-chat writes.
    TooLong,
    /// The file cannot be read further.
    Unreadable,
}

impl DamageKind {
    /// Returns what is wrong as a part of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Torn => LineFault::Torn.text(),
            Self::Foreign => LineFault::Foreign.text(),
            Self::NotUtf8 => LineFault::NotUtf8.text(),
            Self::Nul => LineFault::Nul.text(),
            Self::Duplicated => "the line is there a second time",
            Self::TooLong => LineFault::TooLong.text(),
            Self::Unreadable => "the file cannot be read from here on",
        }
    }
}

impl Damages {
    pub(super) fn add(&mut self, damage: Damage) {
        *self.counts.entry(damage.kind).or_default() += damage.lines;
        self.name(damage);
    }

    fn name(&mut self, damage: Damage) {
        if self.named.len() < MAX_NAMED {
            self.named.push(damage);
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        next.named.into_iter().for_each(|damage| self.name(damage));
        for (kind, count) in next.counts {
            *self.counts.entry(kind).or_default() += count;
        }
    }
}
