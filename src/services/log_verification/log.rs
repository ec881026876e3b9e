//! The processes of a log, compared with what each start says about the process before.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    damage::{Damage, DamageKind},
    keys::Keys,
    process::{Checked, Finding, LatestPlaces, Process},
    run::{Link, Place},
    scan::{Claim, Scan, Span},
    task::Task,
    verification::Verification,
};
use crate::{adapters::log_files::LogFile, domain::log_chain::Chain};

/// The number of damages that are kept.
const MAX_DAMAGE: usize = 10_000;

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

/// The log in one folder.
#[derive(Default)]
struct Log {
    processes: BTreeMap<Uuid, Process>,
    claims: Vec<Claim>,
    unstamped: Vec<Span>,
    foreign: Vec<Span>,
    torn: Vec<Place>,
    failures: Vec<(Place, String)>,
}

impl<'a> Logs<'a> {
    pub(super) fn new(task: &'a Task<'a>, keys: Keys) -> Self {
        let result = Verification { files: task.files.len(), ..Verification::default() };
        Self { task, keys, folders: BTreeMap::new(), found: BTreeSet::new(), open_bytes: 0, result }
    }

    /// Adds the chunk that follows those before.
    pub(super) fn add(&mut self, (file, scan): (usize, Scan)) {
        let folder = self.task.files[file].folder();
        let log = self.folders.entry(folder).or_default();
        self.result.lines += scan.lines;
        self.result.bytes += scan.bytes;
        self.found.extend(scan.found);
        if let Some((_, run)) = scan.runs.first().filter(|(_, run)| run.first_seq > 1) {
            log.foreign.extend(log.unstamped.pop_if(|span| span.is_before(run.first)));
        }
        log.claims.extend(scan.claims);
        log.unstamped.extend(scan.unstamped);
        log.foreign.extend(scan.foreign);
        log.torn.extend(scan.torn);
        log.failures.extend(scan.failure);
        for (instance, mut run) in scan.runs {
            if let Link::Open(line) = &run.link {
                self.open_bytes += line.len();
                if self.open_bytes > MAX_OPEN_BYTES {
                    run.link = Link::Unknown;
                }
            }
            log.processes.entry(instance).or_default().add(run, &mut self.keys);
        }
    }

    pub(super) fn finish(mut self) -> Verification {
        // What was written before may have been deleted on purpose.
        let oldest = self.folders.values().filter_map(|log| log.processes.keys().next().copied()).min();
        for (folder, log) in self.folders {
            let is_in_use = self.task.in_use.contains(&folder);
            let check = Check { files: self.task.files, keys: &mut self.keys, result: &mut self.result };
            check.log(log, is_in_use);
        }
        for (index, expected) in self.task.expected.iter().enumerate() {
            let is_before = expected.instance.is_some_and(|instance| Some(instance) < oldest);
            if !self.found.contains(&index) && !is_before {
                let chain = expected.chain.map(|chain| format!(" and the chain {chain}")).unwrap_or_default();
                let text = format!("no line has the number {}{chain}, which {} expects", expected.seq, expected.by);
                let seqs = Some((expected.seq, expected.seq));
                let damage = Damage {
                    kind: DamageKind::Missing,
                    place: None,
                    instance: expected.instance,
                    seqs,
                    lines: 1,
                    text,
                };
                add(&mut self.result, damage);
            }
        }
        self.result
    }
}

fn add(result: &mut Verification, damage: Damage) {
    result.damage_count += 1;
    if result.damage.len() < MAX_DAMAGE {
        result.damage.push(damage);
    }
}

/// The check of one log.
struct Check<'a> {
    files: &'a [LogFile],
    keys: &'a mut Keys,
    result: &'a mut Verification,
}

impl Check<'_> {
    fn log(mut self, mut log: Log, is_in_use: bool) {
        let mut checked = BTreeMap::<Uuid, Checked>::new();
        let mut latest = LatestPlaces::default();
        for (instance, process) in std::mem::take(&mut log.processes) {
            let before = checked.last_key_value().map(|(_, before)| before.last);
            let process = process.check(instance, before, self.files, &mut latest, self.keys);
            checked.extend(process.map(|process| (instance, process)));
        }
        for (instance, process) in &checked {
            for finding in &process.findings {
                if !Self::is_of_altered_lines(finding, &mut log) {
                    self.report(*instance, finding);
                }
            }
        }
        self.claims(&log.claims, &checked);
        self.secrets(&checked);
        self.spans(&log);
        self.ends(&log, &checked, is_in_use);
        for process in checked.into_values() {
            self.result.proven_by_secret += process.proven_by_secret;
            self.result.unchained += process.unchained;
            self.result.processes.push(process.summary);
        }
    }

    /// Returns whether missing lines are there, but so altered that their numbers cannot be read. They are moved to the
    /// foreign lines.
    fn is_of_altered_lines(finding: &Finding, log: &mut Log) -> bool {
        let (Some(after), DamageKind::Missing) = (finding.after, finding.kind) else { return false };
        let is_between = |span: &Span| after < span.first && span.first < finding.place;
        let spans = log.foreign.iter().chain(&log.unstamped).filter(|span| is_between(span));
        let between = spans.map(|span| span.count).sum::<u64>();
        if after.file != finding.place.file || between != finding.last_seq - finding.first_seq + 1 {
            return false;
        }
        log.foreign.extend(log.unstamped.extract_if(.., |span| is_between(span)));
        true
    }

    fn place(&self, place: Place) -> (PathBuf, u64) {
        (self.files[place.file].path.clone(), place.line)
    }

    fn are_days_between(&self, after: Place, place: Place) -> bool {
        let [after, before] = [after, place].map(|place| self.files[place.file].date);
        after.zip(before).is_some_and(|(after, before)| after.tomorrow().is_ok_and(|next| next < before))
    }

    /// Adds a damage at a line of no known process.
    fn add_at(&mut self, kind: DamageKind, place: Place, lines: u64, text: String) {
        let place = Some(self.place(place));
        add(self.result, Damage { kind, place, instance: None, seqs: None, lines, text });
    }

    fn report(&mut self, instance: Uuid, finding: &Finding) {
        let Finding { place, after, first_seq, last_seq, .. } = *finding;
        let kind = match finding.kind {
            DamageKind::Missing if after.is_some_and(|after| self.are_days_between(after, place)) => {
                DamageKind::FileMissing
            }
            kind => kind,
        };
        let lines = last_seq - first_seq + 1;
        let name = if lines == 1 { format!("line {first_seq}") } else { format!("lines {first_seq} to {last_seq}") };
        let (is, has) = if lines == 1 { ("is", "has") } else { ("are", "have") };
        let text = match kind {
            DamageKind::Missing => format!("{name} of process {instance} {is} missing before this line"),
            DamageKind::FileMissing => {
                let before = after.map(|after| self.place(after).0.display().to_string()).unwrap_or_default();
                format!("{name} of process {instance} {is} missing between the last line of {before} and this one")
            }
            DamageKind::Altered => format!("{name} of process {instance}, or its chain, was altered"),
            DamageKind::Duplicated => format!("{name} of process {instance} {is} there once more"),
            DamageKind::Reordered => format!("{name} of process {instance} {is} not where it was written"),
            DamageKind::UnknownKey => format!(
                "the chain of {name} of process {instance} fits none of the keys: SESSION_LOG_KEY is another one, or all \
                 {has} been rewritten"
            ),
            kind => kind.name().to_owned(),
        };
        let seqs = Some((first_seq, last_seq));
        add(self.result, Damage { kind, place: Some(self.place(place)), instance: Some(instance), seqs, lines, text });
    }

    /// Compares what each start says about the process before with what is there.
    fn claims(&mut self, claims: &[Claim], checked: &BTreeMap<Uuid, Checked>) {
        for Claim { by, at, end } in claims {
            let Ok(instance) = end.instance.parse::<Uuid>() else { continue };
            let (first_missing, after) = match checked.get(&instance) {
                Some(process) if process.summary.last_seq < end.seq => {
                    (process.summary.last_seq + 1, Some(process.last))
                }
                Some(process) => {
                    if process.summary.last_seq == end.seq && is_other(process, end.chain.as_deref()) {
                        let place = Some(self.place(process.last));
                        let text = format!(
                            "the last line of process {instance} is not the one that the start of process {by} has found"
                        );
                        let seqs = Some((end.seq, end.seq));
                        let (kind, lines) = (DamageKind::Altered, 1);
                        add(self.result, Damage { kind, place, instance: Some(instance), seqs, lines, text });
                    }
                    continue;
                }
                None => {
                    let before = checked.range(..instance).next_back();
                    let Some((_, before)) = before else { continue };
                    (1, Some(before.last))
                }
            };
            let (kind, place) = (DamageKind::Missing, *at);
            self.report(instance, &Finding { kind, place, after, first_seq: first_missing, last_seq: end.seq });
        }
    }

    /// Reports processes that had no secret after others that had one.
    fn secrets(&mut self, checked: &BTreeMap<Uuid, Checked>) {
        let mut processes = checked.values().skip_while(|process| !process.summary.has_secret);
        while let Some(process) = processes.find(|process| !process.summary.has_secret) {
            let summary = &process.summary;
            if summary.last_chain.is_none() {
                continue;
            }
            let (instance, place) = (Some(summary.instance), Some(self.place(process.first)));
            let text = format!(
                "process {} has chained its lines without a secret, although an earlier one had one: anybody can have \
                 rewritten them",
                summary.instance
            );
            let (seqs, lines) = (Some((summary.first_seq, summary.last_seq)), summary.last_seq - summary.first_seq + 1);
            add(self.result, Damage { kind: DamageKind::Unkeyed, place, instance, seqs, lines, text });
        }
    }

    fn spans(&mut self, log: &Log) {
        for span in &log.foreign {
            let text = if span.count == 1 {
                "this is no line of a session log any more, or never was one".to_owned()
            } else {
                format!("these {} lines are no lines of a session log any more, or never were", span.count)
            };
            self.add_at(DamageKind::Altered, span.first, span.count, text);
        }
        for (place, failure) in &log.failures {
            let text = format!("the file cannot be read from here on: {failure}");
            self.add_at(DamageKind::Unreadable, *place, 0, text);
        }
        self.result.unstamped += log.unstamped.iter().map(|span| span.count).sum::<u64>();
    }

    /// Reports torn lines, and notes the beginning of the log and processes that never closed it.
    fn ends(&mut self, log: &Log, checked: &BTreeMap<Uuid, Checked>, is_in_use: bool) {
        for place in log.torn.iter().filter(|_| !is_in_use) {
            let text = "the file ends with a part of a line, which was never confirmed to its caller".to_owned();
            self.add_at(DamageKind::Torn, *place, 1, text);
        }
        let Some((oldest, newest)) = checked.values().next().zip(checked.values().next_back()) else { return };
        let (instance, seq) = (oldest.summary.instance, oldest.summary.first_seq);
        if seq > 1 || log.claims.iter().any(|claim| claim.by == instance) {
            let (file, _) = self.place(oldest.first);
            self.result.notes.push(format!(
                "{} begins with line {seq} of process {instance}; whether there was more before cannot be seen",
                file.display()
            ));
        }
        for process in checked.values().filter(|process| !process.summary.stopped) {
            let summary = &process.summary;
            let (instance, last_seq) = (summary.instance.to_string(), summary.last_seq);
            let is_claimed = log.claims.iter().any(|claim| claim.end.instance == instance);
            let state = match (summary.instance == newest.summary.instance, is_claimed) {
                (true, _) if is_in_use => "is running: its last line is the last one so far",
                (true, _) => "never closed the log: it was killed, and lines after that cannot be excluded",
                (false, true) => "never closed the log: it was killed, and the next start has found the same last line",
                (false, false) => "never closed the log, and no later start names its last line",
            };
            self.result.notes.push(format!("process {instance}, last line {last_seq}, {state}"));
        }
    }
}

/// Returns whether the last line has another chain than a start has found.
fn is_other(process: &Checked, claimed: Option<&str>) -> bool {
    let claimed = claimed.and_then(|chain| Chain::parse(chain.as_bytes()));
    claimed.is_some() && claimed != process.summary.last_chain
}
