//! The check of one log: its processes, each by itself and compared with each other, and its other lines.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    comparison,
    damage::DamageKind,
    declared::{DeclaredFiles, DeclaredLines},
    finding::{Finding, FindingPlace},
    keys::Keys,
    known_end::KnownEnd,
    log::Log,
    notes,
    process::{Checked, Context},
    report::Report,
    scan::Torn,
    unstamped::Span,
    verification::LastLine,
    walk::LatestPlaces,
};

/// The check of one log.
pub(super) struct Check<'a> {
    /// Whether only some files of the log are given.
    pub(super) is_partial: bool,
    /// Whether a process is writing to the log.
    pub(super) is_in_use: bool,
    /// The index of the newest day's plain file, to which a process writes.
    pub(super) newest_file: Option<usize>,
    pub(super) keys: &'a mut Keys,
    pub(super) report: Report<'a>,
}

impl Check<'_> {
    /// Adds everything that is wrong with a log, and its processes, to the result.
    pub(super) fn log(mut self, mut log: Log, declared: &DeclaredFiles) {
        let (checked, ends) = self.processes(&mut log);
        for (instance, process) in &checked {
            for finding in &process.findings {
                if !is_of_altered_lines(finding, &mut log) {
                    self.report.add_finding(*instance, finding);
                }
            }
        }
        comparison::claims(&mut self.report, &log.claims, &ends);
        comparison::additions(&mut self.report, &log.claims, &checked);
        comparison::keys(&mut self.report, &checked);
        comparison::unchained(&mut self.report, &checked);
        self.lines(&log);
        self.torn(&log, &checked);
        notes::beginning(&mut self.report, &log, &checked, self.is_partial);
        notes::unclosed(&mut self.report, &log, &checked, &ends, self.is_in_use);
        notes::ignored(&mut self.report, log.ignored);
        notes::deleted(&mut self.report, declared, self.is_partial);
        let result = self.report.result;
        let last_line =
            |process: &Checked| Some(LastLine { seq: process.summary.last_seq, chain: process.summary.last_chain? });
        result.last_lines.extend(checked.values().rev().find_map(last_line));
        for process in checked.into_values() {
            result.proven_by_key += process.proven_by_key;
            result.unchained += process.unchained;
            result.processes.push(process.summary);
        }
    }

    /// Checks the lines of each process. Returns the processes that have lines, and the ends of all that are known.
    fn processes(&mut self, log: &mut Log) -> (BTreeMap<Uuid, Checked>, BTreeMap<Uuid, KnownEnd>) {
        let (mut checked, mut ends) = (BTreeMap::<Uuid, Checked>::new(), BTreeMap::<Uuid, KnownEnd>::new());
        let (mut latest, none) = (LatestPlaces::default(), DeclaredLines::default());
        for instance in log.instances() {
            let declared = log.declared.of(instance).unwrap_or(&none);
            let before = checked.last_key_value().map(|(_, before)| before.last);
            let (is_oldest, is_partial, files) = (ends.is_empty(), self.is_partial, self.report.files);
            let context = Context { instance, is_oldest, is_partial, before, declared, files };
            let process = log.processes.remove(&instance).unwrap_or_default();
            let process = process.check(&context, &mut latest, self.keys);
            if process.is_none() && is_oldest && is_partial {
                // Its files are not given, whether they are there or not.
                continue;
            }
            ends.extend(KnownEnd::of(process.as_ref(), declared).map(|end| (instance, end)));
            match process {
                Some(process) => drop(checked.insert(instance, process)),
                None => {
                    for finding in declared.missing_of_all(is_oldest) {
                        self.report.add_finding(instance, &finding);
                    }
                }
            }
        }
        (checked, ends)
    }

    /// Reports lines that are of no process, and those that declare others deleted as no version does.
    fn lines(&mut self, log: &Log) {
        let report = &mut self.report;
        for span in &log.foreign {
            let cause = span.form.text();
            let text = if span.count == 1 {
                format!("this is no line of a session log any more, or never was one: {cause}")
            } else {
                format!("these {} lines are no lines of a session log any more, or never were: {cause}", span.count)
            };
            report.add_at(DamageKind::Altered, span.first, span.count, text);
        }
        for (place, failure) in &log.failures {
            let text = format!("the file cannot be read from here on: {failure}");
            report.add_at(DamageKind::Unreadable, *place, 0, text);
        }
        for span in &log.unstamped {
            report.result.unstamped += span.count;
            if log.numbered.is_before(span, report.files[span.first.file].date) {
                let is_one = span.count == 1;
                let have = if is_one { "this line has".to_owned() } else { format!("these {} lines have", span.count) };
                let them = if is_one { "it" } else { "them" };
                let text = format!(
                    "{have} no number, although lines before have: an earlier version has written {them}, or somebody has \
                     added {them}"
                );
                report.add_at(DamageKind::Unproven, span.first, span.count, text);
            }
        }
        for place in &log.forged {
            let text = "this line declares lines deleted as no version of the service does: it has no chain, or they come \
                        after it";
            report.add_at(DamageKind::Altered, *place, 1, text.to_owned());
        }
    }

    /// Reports files that end with a part of a line, but not the one that is being written.
    fn torn(&mut self, log: &Log, checked: &BTreeMap<Uuid, Checked>) {
        let is_written = |file| {
            let last = || checked.last_key_value().map(|(_, newest)| newest.last.file);
            self.is_in_use && (Some(file) == self.newest_file || Some(file) == last())
        };
        for Torn { place, is_whole } in log.torn.iter().filter(|torn| !is_written(torn.place.file)) {
            let text = if *is_whole {
                "the last line of the file has no line feed, but is whole otherwise"
            } else {
                "the file ends with a part of a line: a crash has interrupted its write, or the rest was removed"
            };
            self.report.add_at(DamageKind::Torn, *place, 1, text.to_owned());
        }
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
