//! The lines of one process: whether they are all there, once and in order.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    damage::DamageKind,
    declaration::{Declaration, DeclaredChains, Proof},
    declared::{DeclaredEnd, DeclaredLines},
    finding::{Finding, FindingPlace},
    keys::Keys,
    open_lines::OpenLines,
    place::Place,
    run::{Link, Run},
    walk::{LatestPlaces, Walk},
};
use crate::{adapters::log_files::LogFile, domain::log_chain::Chain};

/// The lines found of one process.
#[derive(Clone, Debug)]
pub struct ProcessSummary {
    /// The id of the process.
    pub instance: Uuid,
    /// The number of its first line that was found.
    pub first_seq: u64,
    /// The number of its last line that was found.
    pub last_seq: u64,
    /// The chain of that line.
    pub last_chain: Option<Chain>,
    /// Whether that line is its `service_stop`.
    pub stopped: bool,
    /// Whether its chain is made with a key.
    pub has_key: bool,
}

/// What is known before the runs of a process are checked.
pub(super) struct Context<'a> {
    pub(super) instance: Uuid,
    /// Whether no older process is known. Its first lines may have been deleted on purpose before that was declared.
    pub(super) is_oldest: bool,
    /// Whether only some files of the log are given, so that what comes before them is not known.
    pub(super) is_partial: bool,
    /// The last line of the process before that is there.
    pub(super) before: Option<Place>,
    /// The lines that are declared deleted.
    pub(super) declared: &'a DeclaredLines,
    pub(super) files: &'a [LogFile],
}

/// All runs of one process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// In the order in which they were read.
    runs: Vec<Run>,
    /// The lines within the runs that may be the last one of a file, by their numbers.
    file_ends: BTreeMap<u64, (Place, Option<Chain>)>,
}

/// The result for one process.
pub(super) struct Checked {
    pub(super) summary: ProcessSummary,
    pub(super) first: Place,
    pub(super) last: Place,
    pub(super) findings: Vec<Finding>,
    /// Whether it is known with which key its chain is made, or that it is made without one.
    pub(super) is_key_known: bool,
    /// The number of lines that follow the line before with a chain that is made with a key.
    pub(super) proven_by_key: u64,
    /// The number of lines without a chain.
    pub(super) unchained: u64,
}

impl Process {
    /// Adds the run that was read next.
    pub(super) fn add(&mut self, mut run: Run, keys: &mut Keys, open: &mut OpenLines) {
        if let Some(last) = self.runs.last_mut()
            && last.last_seq.checked_add(1) == Some(run.first_seq)
        {
            run.follow(last.last_chain, last.key, keys);
            let is_same_kind = (last.link == Link::Unchained) == (run.link == Link::Unchained);
            let fits = matches!(run.link, Link::Fits | Link::Unchained);
            if fits && is_same_kind && last.is_misplaced == run.is_misplaced {
                if (last.last.file, last.last.line + 1) != (run.first.file, run.first.line) {
                    self.file_ends.insert(last.last_seq, (last.last, last.last_chain));
                }
                last.append(run);
                return;
            }
        }
        open.keep(&mut run);
        self.runs.push(run);
    }

    /// Puts the runs in the order of their numbers, and decides whether those that follow each other fit. To be called
    /// when all runs are added.
    pub(super) fn link(&mut self, keys: &mut Keys) {
        // Stable, so that of equal lines the first one that was read is the original.
        self.runs.sort_by_key(|run| run.first_seq);
        let (key, mut end) = (self.key(), None::<(u64, Option<Chain>, Option<usize>)>);
        for run in &mut self.runs {
            if let Some((last_seq, last_chain, last_key)) = end
                && last_seq.checked_add(1) == Some(run.first_seq)
            {
                run.key = run.key.or(key);
                run.follow(last_chain, last_key, keys);
            }
            if end.is_none_or(|(last_seq, ..)| run.last_seq > last_seq) {
                end = Some((run.last_seq, run.last_chain, run.key));
            }
        }
    }

    /// Returns the key of the first run that has one.
    fn key(&self) -> Option<usize> {
        self.runs.iter().find_map(|run| run.key)
    }

    /// Returns whether there is a chain that is made with a key.
    pub(super) fn has_key(&self, keys: &Keys) -> bool {
        self.runs.iter().any(|run| run.key.is_some_and(|key| keys.is_secret(key)))
    }

    /// Returns the lines that declare others deleted.
    pub(super) fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.runs.iter().flat_map(|run| &run.declarations)
    }

    /// Takes the lines that declare others deleted, each with its proof.
    pub(super) fn take_declarations(
        &mut self,
        instance: Uuid,
        chains: &DeclaredChains,
        keys: &mut Keys,
    ) -> Vec<(Declaration, Proof)> {
        let mut proven = Vec::new();
        for run in &mut self.runs {
            for declaration in std::mem::take(&mut run.declarations) {
                let proof = run.proof_of(&declaration, instance, chains, keys);
                proven.push((declaration, proof));
            }
        }
        proven
    }

    /// Returns how many lines are there from one number to another.
    pub(super) fn count(&self, first: u64, last: u64) -> u64 {
        let (mut count, mut next) = (0, first);
        for run in self.runs.iter().take_while(|run| run.first_seq <= last).filter(|run| run.last_seq >= first) {
            let (from, to) = (run.first_seq.max(next), run.last_seq.min(last));
            if from <= to {
                count += to - from + 1;
                next = to.saturating_add(1);
            }
        }
        count
    }

    /// Finds the last lines of declared runs that are there with another chain than the declared one.
    fn other_ends(&self, declared: &DeclaredLines) -> Vec<Finding> {
        let run_end = |run: &Run| (run.last_seq, (run.last, run.last_chain));
        let run_ends = self.runs.iter().map(run_end).collect::<BTreeMap<_, _>>();
        let find = |end: DeclaredEnd| {
            let &(place, chain) = run_ends.get(&end.seq).or_else(|| self.file_ends.get(&end.seq))?;
            (end.chain.is_some() && chain != end.chain).then(|| Finding::altered(FindingPlace::Line(place), end.seq))
        };
        declared.ends().filter_map(find).collect()
    }

    /// Checks all runs, which are linked. `latest` are the places of the processes before. Returns `None` if there is no run.
    pub(super) fn check(self, context: &Context<'_>, latest: &mut LatestPlaces, keys: &mut Keys) -> Option<Checked> {
        let Context { instance, is_oldest, is_partial, before, declared, files } = *context;
        let key = self.key();
        let has_chains = self.runs.iter().any(|run| run.link != Link::Unchained);
        let absent = declared.without_parts(|first, last| self.count(first, last));
        let mut walk = Walk { files, has_chains, findings: self.other_ends(declared), declared: &absent, latest };
        let mut runs = self.runs.into_iter();
        let mut end = runs.next()?;
        let (first, first_seq) = (end.first, end.first_seq);
        let mut sums = Sums::default();
        if first_seq > 1 {
            let deleted_from = declared.first().filter(|_| !is_partial);
            let first_known = if is_oldest { deleted_from.unwrap_or(first_seq) } else { 1 };
            walk.find_missing(first_known, first_seq - 1, before, FindingPlace::Line(first));
            walk.follow(declared.chain_of(first_seq - 1), key, &mut end, keys);
        }
        walk.add(&end);
        sums.add(&end, keys);
        for mut run in runs {
            if run.first_seq <= end.last_seq {
                walk.find(DamageKind::Duplicated, run.first, None, run.first_seq, run.last_seq.min(end.last_seq));
            } else if end.last_seq.checked_add(1) != Some(run.first_seq) {
                walk.find_missing(end.last_seq + 1, run.first_seq - 1, Some(end.last), FindingPlace::Line(run.first));
                walk.follow(declared.chain_of(run.first_seq - 1), key, &mut run, keys);
            } else {
                walk.follow(end.last_chain, key, &mut run, keys);
            }
            walk.add(&run);
            sums.add(&run, keys);
            if run.last_seq > end.last_seq {
                end = run;
            }
        }
        if let Some(declared) = declared.end().filter(|declared| declared.seq > end.last_seq) {
            walk.find_missing(
                end.last_seq + 1,
                declared.seq,
                Some(end.last),
                FindingPlace::Declaration(declared.place),
            );
        }
        let has_key = key.is_some_and(|key| keys.is_secret(key));
        if key.is_none() && sums.broken > 1 && sums.broken == sums.chained {
            walk.findings.retain(|finding| finding.kind != DamageKind::Altered);
            walk.find(DamageKind::UnknownKey, first, None, first_seq, end.last_seq);
        }
        let summary = ProcessSummary {
            instance,
            first_seq,
            last_seq: end.last_seq,
            last_chain: end.last_chain,
            stopped: end.is_stopped,
            has_key,
        };
        let Sums { proven_by_key, unchained, .. } = sums;
        let (findings, is_key_known) = (walk.findings, key.is_some());
        Some(Checked { summary, first, last: end.last, findings, is_key_known, proven_by_key, unchained })
    }
}

#[derive(Default)]
struct Sums {
    chained: u64,
    unchained: u64,
    broken: u64,
    /// The number of lines that follow the line before, by a key.
    proven_by_key: u64,
}

impl Sums {
    fn add(&mut self, run: &Run, keys: &Keys) {
        let lines = if run.link == Link::Unchained { &mut self.unchained } else { &mut self.chained };
        *lines += run.len();
        self.broken += run.broken;
        if run.key.is_some_and(|key| keys.is_secret(key)) {
            self.proven_by_key += run.proven();
        }
    }
}
