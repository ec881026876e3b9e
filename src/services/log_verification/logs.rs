//! The logs in all folders that are verified.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use uuid::Uuid;

use super::{
    check::Check,
    damage::{Damage, DamageKind},
    keys::Keys,
    log::Log,
    report::Report,
    run::Link,
    scan::Scan,
    task::{Expected, Task},
    verification::Verification,
};

/// The number of bytes of lines that wait for their predecessor.
const MAX_OPEN_BYTES: usize = 64 << 20;

/// The logs in all folders.
pub(super) struct Logs<'a> {
    task: &'a Task<'a>,
    keys: Keys,
    folders: BTreeMap<&'a Path, Log>,
    /// The indices of the expected lines that were found.
    found: BTreeSet<usize>,
    open_bytes: usize,
    result: Verification,
}

impl<'a> Logs<'a> {
    pub(super) fn new(task: &'a Task<'a>, keys: Keys) -> Self {
        let result = Verification { files: task.files.len(), ..Verification::default() };
        Self { task, keys, folders: BTreeMap::new(), found: BTreeSet::new(), open_bytes: 0, result }
    }

    /// Adds the chunk that follows those before.
    pub(super) fn add(&mut self, (file, mut scan): (usize, Scan)) {
        self.result.lines += scan.lines;
        self.result.bytes += scan.bytes;
        self.result.is_outdated |= scan.is_deleted;
        self.found.extend(std::mem::take(&mut scan.found));
        for (_, run) in &mut scan.runs {
            if let Link::Open(line) = &run.link {
                self.open_bytes += line.len();
                if self.open_bytes > MAX_OPEN_BYTES {
                    run.link = Link::Unknown;
                }
            }
        }
        self.folders.entry(self.task.files[file].folder()).or_default().add(scan, &mut self.keys);
    }

    pub(super) fn finish(mut self) -> Verification {
        for log in self.folders.values_mut() {
            log.declare(&mut self.keys);
        }
        // What was written before may have been deleted on purpose.
        let oldest = self.folders.values().filter_map(|log| log.instances().next()).min();
        let missing = self.task.expected.iter().enumerate().filter(|(index, _)| !self.found.contains(index));
        let missing = missing.filter_map(|(_, expected)| self.missing(expected, oldest)).collect::<Vec<_>>();
        for (folder, log) in self.folders {
            let files = self.task.files;
            let declared = log.declared_files(files.iter().filter(|file| file.folder() == folder));
            let check = Check {
                is_partial: !self.task.whole_folders.contains(&folder),
                is_in_use: self.task.in_use.contains(&folder),
                keys: &mut self.keys,
                report: Report { files, result: &mut self.result },
            };
            check.log(log, &declared);
        }
        for damage in missing {
            self.result.add(damage);
        }
        self.result
    }

    /// Returns the damage that an expected line was not found. It may be older than all lines, or declared deleted.
    fn missing(&self, expected: &Expected, oldest: Option<Uuid>) -> Option<Damage> {
        let Expected { instance, seq, chain, by } = expected;
        let declared = || self.folders.values().flat_map(|log| log.declared.of_any(*instance));
        let is_declared = declared().any(|lines| match (instance, chain, lines.chain_of(*seq)) {
            (_, Some(chain), Some(end)) => *chain == end,
            // Many processes have a line with this number.
            (None, ..) => false,
            (Some(_), ..) => lines.contains(*seq),
        });
        if is_declared || instance.is_some_and(|instance| Some(instance) < oldest) {
            return None;
        }
        let chain = chain.map(|chain| format!(" and the chain {chain}")).unwrap_or_default();
        let may_be_deleted = instance.is_none() && declared().any(|lines| lines.contains(*seq));
        let deleted = if may_be_deleted { "; it may be among the lines that are declared deleted" } else { "" };
        let text = format!("no line has the number {seq}{chain}, which {by} expects{deleted}");
        let seqs = Some((*seq, *seq));
        Some(Damage { kind: DamageKind::Missing, place: None, instance: *instance, seqs, lines: 1, text })
    }
}
