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
    open_lines::OpenLines,
    report::Report,
    scan::Scan,
    task::{Expected, Task},
    verification::Verification,
};
use crate::{adapters::log_files::LogFile, foundation::compression::Compression};

/// The logs in all folders.
pub(super) struct Logs<'a> {
    task: &'a Task<'a>,
    keys: Keys,
    folders: BTreeMap<&'a Path, Log>,
    /// The indices of the expected lines that were found.
    found: BTreeSet<usize>,
    open: OpenLines,
    result: Verification,
}

impl<'a> Logs<'a> {
    pub(super) fn new(task: &'a Task<'a>, keys: Keys) -> Self {
        let has_keys = !task.secrets.is_empty();
        let result = Verification { files: task.files.len(), has_keys, ..Verification::default() };
        Self { task, keys, folders: BTreeMap::new(), found: BTreeSet::new(), open: OpenLines::default(), result }
    }

    /// Adds the chunk that follows those before.
    pub(super) fn add(&mut self, (file, mut scan): (usize, Scan)) {
        self.result.lines += scan.lines;
        self.result.bytes += scan.bytes;
        self.result.is_outdated |= scan.is_deleted;
        self.found.extend(std::mem::take(&mut scan.found));
        let file = &self.task.files[file];
        self.folders.entry(file.folder()).or_default().add(scan, file.date, &mut self.keys, &mut self.open);
    }

    pub(super) fn finish(mut self) -> Verification {
        for log in self.folders.values_mut() {
            log.declare(&mut self.keys);
        }
        // What was written before may have been deleted on purpose.
        let oldest = self.folders.values().filter_map(|log| log.instances().next()).min();
        let missing = self.task.expected.iter().enumerate().filter(|(index, _)| !self.found.contains(index));
        let missing = missing.filter_map(|(_, expected)| self.missing(expected, oldest)).collect::<Vec<_>>();
        self.result.notes.extend(self.counted_before(oldest));
        let folders = self.folders.len();
        for (folder, log) in self.folders {
            let files = self.task.files;
            let declared = log.declared_files(files.iter().filter(|file| file.folder() == folder));
            let check = Check {
                is_partial: !self.task.whole_folders.contains(&folder),
                is_in_use: self.task.in_use.contains(&folder),
                newest_file: newest_plain(files, folder),
                keys: &mut self.keys,
                report: Report { files, result: &mut self.result },
            };
            check.log(log, &declared);
        }
        for damage in missing {
            self.result.add(damage);
        }
        if folders > 1 {
            self.result.notes.push(format!(
                "the files are in {folders} folders, each of which is verified as a log of its own: what is missing between \
                 them is not seen"
            ));
        }
        self.result
    }

    /// Returns the note that the database has counted lines of a process that is older than all lines of the log.
    fn counted_before(&self, oldest: Option<Uuid>) -> Option<String> {
        let older = self.task.expected.iter().filter(|line| line.instance.is_some() && line.instance < oldest);
        let Expected { instance: Some(instance), seq, .. } = older.max_by_key(|line| (line.instance, line.seq))? else {
            return None;
        };
        Some(format!(
            "the database has counted lines 1 to {seq} of process {instance}, which is older than the first line of the log: \
             they are not there, and may have been deleted on purpose"
        ))
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
        let text = match (instance, chain) {
            (Some(instance), Some(_)) if self.has_line(*instance, *seq) => {
                let text =
                    format!("line {seq} of process {instance} is there with another chain than the one that {by}");
                return Some(damage(DamageKind::Altered, expected, text));
            }
            (Some(instance), _) => format!("line {seq} of process {instance}, which {by}, is missing"),
            (None, chain) => {
                let chain = chain.map(|chain| format!(" and the chain {chain}")).unwrap_or_default();
                let may_be_deleted = declared().any(|lines| lines.contains(*seq));
                let deleted = if may_be_deleted { "; it may be among the lines that are declared deleted" } else { "" };
                format!("no line has the number {seq}{chain}, which {by}{deleted}")
            }
        };
        Some(damage(DamageKind::Missing, expected, text))
    }

    fn has_line(&self, instance: Uuid, seq: u64) -> bool {
        self.folders.values().filter_map(|log| log.processes.get(&instance)).any(|process| process.count(seq, seq) > 0)
    }
}

fn damage(kind: DamageKind, expected: &Expected, text: String) -> Damage {
    let seqs = Some((expected.seq, expected.seq));
    Damage { kind, place: None, instance: expected.instance, seqs, lines: 1, text }
}

/// Returns the index of the newest day's plain file in a folder.
fn newest_plain(files: &[LogFile], folder: &Path) -> Option<usize> {
    let is_plain = |file: &LogFile| file.folder() == folder && file.compression == Compression::None;
    files.iter().rposition(|file| file.date.is_some() && is_plain(file))
}
