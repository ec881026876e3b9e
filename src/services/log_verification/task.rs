//! What is to be verified.

use std::{collections::HashMap, path::Path};

use uuid::Uuid;

use crate::{
    adapters::log_files::LogFile,
    domain::{log_chain::Chain, log_position::LogPosition},
    foundation::secret::SigningSecret,
};

/// A line that must be in the log.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The process that wrote it; `None` for any.
    pub instance: Option<Uuid>,
    /// Its number.
    pub seq: u64,
    /// Its chain, if that is known.
    pub chain: Option<Chain>,
    /// Who expects it, as a subject with its verb, such as `the database has counted`.
    pub by: &'static str,
}

impl Expected {
    /// Returns whether a line with the expected number is the expected one.
    fn is_at(&self, instance: Uuid, chain: Option<Chain>) -> bool {
        self.instance.is_none_or(|own| own == instance) && self.chain.is_none_or(|own| Some(own) == chain)
    }
}

/// The expected lines by their numbers: a database may expect a line of each of thousands of processes.
pub(super) struct ExpectedLines<'a> {
    expected: &'a [Expected],
    /// The indices of the expected lines with a number.
    by_seq: HashMap<u64, Vec<usize>>,
}

impl<'a> ExpectedLines<'a> {
    pub(super) fn new(expected: &'a [Expected]) -> Self {
        let mut by_seq = HashMap::<u64, Vec<usize>>::new();
        for (index, line) in expected.iter().enumerate() {
            by_seq.entry(line.seq).or_default().push(index);
        }
        Self { expected, by_seq }
    }

    /// Returns the indices of the expected lines that are this line.
    pub(super) fn at(&self, position: LogPosition, chain: Option<Chain>) -> impl Iterator<Item = usize> {
        let indices = self.by_seq.get(&position.seq).into_iter().flatten().copied();
        indices.filter(move |index| self.expected[*index].is_at(position.instance, chain))
    }
}

/// The files to verify, with keys and expected lines.
#[derive(Debug)]
pub struct Task<'a> {
    /// The files, in the order in which they were written. Those in one folder are one log.
    pub files: &'a [LogFile],
    /// The secrets of the chain, in any order. Chains without one are verified, too.
    pub secrets: &'a [SigningSecret],
    /// The folders of which all files are given, so that the beginning of the log is known.
    pub whole_folders: &'a [&'a Path],
    /// The lines that must be there.
    pub expected: &'a [Expected],
    /// The folders to which a process is writing.
    pub in_use: &'a [&'a Path],
}
