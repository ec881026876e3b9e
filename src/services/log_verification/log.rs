//! The processes of a log, compared with what each start says about the process before.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    damage::{Damage, DamageKind},
    declaration::{DeclaredChains, Proof},
    declared::{Declarations, DeclaredFiles, DeclaredLines},
    finding::{Finding, FindingPlace},
    keys::Keys,
    known_end::KnownEnd,
    place::Place,
    process::{Checked, Context, LatestPlaces, Process},
    run::Link,
    scan::{Claim, Scan, Span},
    task::{Expected, Task},
    verification::Verification,
};
use crate::adapters::log_files::LogFile;

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
    declared: Declarations,
    /// The lines that declare others deleted, as no version writes them.
    forged: Vec<Place>,
    /// The number of other lines that declare others deleted and are not believed.
    unproven: u64,
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
        self.result.is_outdated |= scan.is_deleted;
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
        for log in self.folders.values_mut() {
            log.declare(&mut self.keys);
        }
        // What was written before may have been deleted on purpose.
        let oldest = self.folders.values().filter_map(|log| log.instances().next()).min();
        let missing = self.task.expected.iter().enumerate().filter(|(index, _)| !self.found.contains(index));
        let missing = missing.filter_map(|(_, expected)| self.missing(expected, oldest)).collect::<Vec<_>>();
        for (folder, log) in self.folders {
            let is_in_use = self.task.in_use.contains(&folder);
            let is_partial = !self.task.whole_folders.contains(&folder);
            let declared = log.declared_files(self.task.files.iter().filter(|file| file.folder() == folder));
            let check = Check { files: self.task.files, is_partial, keys: &mut self.keys, result: &mut self.result };
            check.log(log, &declared, is_in_use);
        }
        for damage in missing {
            add(&mut self.result, damage);
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

impl Log {
    /// Takes what the log declares deleted. Only lines whose chain fits are believed, and only those with a secret if there
    /// is one in the log: anybody can append a line without.
    fn declare(&mut self, keys: &mut Keys) {
        let mut chains = DeclaredChains::default();
        for process in self.processes.values_mut() {
            process.link(keys);
            process.declarations().for_each(|declaration| chains.add(&declaration.event));
        }
        let needs_secret = self.processes.values().any(|process| process.has_secret(keys));
        for (&instance, process) in &mut self.processes {
            for (declaration, proof) in process.take_declarations(instance, &chains, keys) {
                match proof {
                    Proof::Unchained => self.forged.push(declaration.place),
                    Proof::Key(key) if !needs_secret || keys.is_secret(key) => {
                        if declaration.is_after_deleted(instance) {
                            self.declared.add(declaration);
                        } else {
                            self.forged.push(declaration.place);
                        }
                    }
                    Proof::Key(_) | Proof::None => self.unproven += 1,
                }
            }
        }
    }

    /// Returns what is declared deleted. `files` are those of the log.
    fn declared_files<'f>(&self, files: impl Iterator<Item = &'f LogFile>) -> DeclaredFiles {
        let names = files.filter_map(|file| file.path.file_name()?.to_str()).collect::<BTreeSet<_>>();
        let count =
            |instance, first, last| self.processes.get(&instance).map_or(0, |process| process.count(first, last));
        self.declared.files(count, |name| names.contains(name))
    }

    /// Returns the processes that have lines, or lines that are declared deleted, the oldest first.
    fn instances(&self) -> impl Iterator<Item = Uuid> + use<> {
        let instances = self.processes.keys().copied().chain(self.declared.instances());
        instances.collect::<BTreeSet<_>>().into_iter()
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
    /// Whether only some files of the log are given.
    is_partial: bool,
    keys: &'a mut Keys,
    result: &'a mut Verification,
}

impl Check<'_> {
    fn log(mut self, mut log: Log, declared: &DeclaredFiles, is_in_use: bool) {
        let (mut checked, mut ends) = (BTreeMap::<Uuid, Checked>::new(), BTreeMap::<Uuid, KnownEnd>::new());
        let is_partial = self.is_partial;
        let (mut latest, none) = (LatestPlaces::default(), DeclaredLines::default());
        for instance in log.instances() {
            let lines = log.declared.of(instance).unwrap_or(&none);
            let before = checked.last_key_value().map(|(_, before)| before.last);
            let is_oldest = ends.is_empty();
            let context = Context { instance, is_oldest, is_partial, before, declared: lines, files: self.files };
            let process = log.processes.remove(&instance).unwrap_or_default();
            let process = process.check(&context, &mut latest, self.keys);
            if process.is_none() && is_oldest && is_partial {
                // Its files are not given, whether they are there or not.
                continue;
            }
            ends.extend(KnownEnd::of(process.as_ref(), lines).map(|end| (instance, end)));
            match process {
                Some(process) => drop(checked.insert(instance, process)),
                None => {
                    for finding in lines.missing_of_all(context.is_oldest) {
                        self.report(instance, &finding);
                    }
                }
            }
        }
        for (instance, process) in &checked {
            for finding in &process.findings {
                if !Self::is_of_altered_lines(finding, &mut log) {
                    self.report(*instance, finding);
                }
            }
        }
        self.claims(&log.claims, &ends);
        self.secrets(&checked);
        self.spans(&log);
        self.ends(&log, &checked, &ends, is_in_use);
        self.forged(&log);
        self.deleted(declared);
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
        let FindingPlace::Line(place) = finding.place else { return false };
        let is_between = |span: &Span| after < span.first && span.first < place;
        let spans = log.foreign.iter().chain(&log.unstamped).filter(|span| is_between(span));
        let between = spans.map(|span| span.count).sum::<u64>();
        if after.file != place.file || between != finding.last_seq - finding.first_seq + 1 {
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
        let Finding { after, first_seq, last_seq, .. } = *finding;
        let place = finding.place.place();
        let is_declaration = matches!(finding.place, FindingPlace::Declaration(_));
        let kind = match finding.kind {
            DamageKind::Missing
                if !is_declaration && after.is_some_and(|after| self.are_days_between(after, place)) =>
            {
                DamageKind::FileMissing
            }
            kind => kind,
        };
        let lines = last_seq - first_seq + 1;
        let name = if lines == 1 { format!("line {first_seq}") } else { format!("lines {first_seq} to {last_seq}") };
        let (is, has) = if lines == 1 { ("is", "has") } else { ("are", "have") };
        let text = match kind {
            DamageKind::Missing if is_declaration => {
                format!("{name} of process {instance} {is} missing before those that this line declares deleted")
            }
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

    /// Compares what each start says about the process before with what is known of that.
    fn claims(&mut self, claims: &[Claim], ends: &BTreeMap<Uuid, KnownEnd>) {
        for Claim { by, at, end: claimed } in claims {
            let Ok(instance) = claimed.instance.parse::<Uuid>() else { continue };
            let (first_missing, after) = match ends.get(&instance) {
                Some(end) if end.seq < claimed.seq => (end.seq + 1, end.line()),
                Some(end) => {
                    if end.seq == claimed.seq && end.differs_from(claimed.chain.as_deref()) {
                        let place = Some(self.place(end.place.place()));
                        let text = format!(
                            "the last line of process {instance} is not the one that the start of process {by} has found"
                        );
                        let seqs = Some((claimed.seq, claimed.seq));
                        let (kind, lines) = (DamageKind::Altered, 1);
                        add(self.result, Damage { kind, place, instance: Some(instance), seqs, lines, text });
                    }
                    continue;
                }
                None => match ends.range(..instance).next_back() {
                    Some((_, before)) => (1, before.line()),
                    None => continue,
                },
            };
            self.report(instance, &Finding::missing(FindingPlace::Line(*at), after, first_missing, claimed.seq));
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

    /// Reports lines that declare others deleted and are not believed.
    fn forged(&mut self, log: &Log) {
        for place in &log.forged {
            let text = "this line declares lines deleted as no version of the service does: it has no chain, or they come \
                        after it";
            self.add_at(DamageKind::Altered, *place, 1, text.to_owned());
        }
        if log.unproven > 0 {
            self.result.notes.push(format!(
                "what {} of the lines log_deleted declare is not believed: they have been written without the secret \
                 of other lines, or do not follow a line that is there",
                log.unproven
            ));
        }
    }

    /// Notes what is declared deleted.
    fn deleted(&mut self, DeclaredFiles { gone, present, lines }: &DeclaredFiles) {
        self.result.deleted = self.result.deleted.saturating_add(*lines);
        if let Some(files) = named(gone) {
            let note = if self.is_partial {
                format!("{files} declared deleted by SESSION_LOG_KEEP, with {lines} lines")
            } else {
                let follows = if self.result.damage_count == 0 { "; the log follows their end" } else { "" };
                format!("{files} deleted by SESSION_LOG_KEEP, with {lines} lines{follows}")
            };
            self.result.notes.push(note);
        }
        if let Some(files) = named(present) {
            self.result.notes.push(format!(
                "{files} declared deleted by SESSION_LOG_KEEP, but the lines are still there: the deletion has failed or was \
                 interrupted, and the service tries it again"
            ));
        }
    }

    /// Reports torn lines, and notes the beginning of the log and processes that never closed it.
    fn ends(&mut self, log: &Log, checked: &BTreeMap<Uuid, Checked>, ends: &BTreeMap<Uuid, KnownEnd>, is_in_use: bool) {
        for place in log.torn.iter().filter(|_| !is_in_use) {
            let text = "the file ends with a part of a line, which was never confirmed to its caller".to_owned();
            self.add_at(DamageKind::Torn, *place, 1, text);
        }
        let Some((oldest, newest)) = checked.values().next().zip(checked.values().next_back()) else { return };
        let (instance, seq) = (oldest.summary.instance, oldest.summary.first_seq);
        let follows_deleted =
            !self.is_partial && log.declared.instances().next().is_some_and(|deleted| deleted <= instance);
        if !follows_deleted && (seq > 1 || log.claims.iter().any(|claim| claim.by == instance)) {
            let (file, _) = self.place(oldest.first);
            self.result.notes.push(format!(
                "{} begins with line {seq} of process {instance}; whether there was more before cannot be seen",
                file.display()
            ));
        }
        for process in checked.values().filter(|process| !process.summary.stopped) {
            let summary = &process.summary;
            if ends.get(&summary.instance).is_some_and(|end| end.seq > summary.last_seq) {
                // Its last lines are deleted.
                continue;
            }
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

/// Returns files as the subject of a sentence in the past; `None` if there are none.
fn named(files: &BTreeSet<String>) -> Option<String> {
    let (first, last) = files.first().zip(files.last())?;
    let count = files.len();
    Some(if count == 1 { format!("{first} was") } else { format!("{count} files, {first} to {last}, were") })
}
