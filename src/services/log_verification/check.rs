//! The check of one log: its processes, compared with each other and with what each start says about the process before.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    damage::{Damage, DamageKind},
    declared::{DeclaredFiles, DeclaredLines},
    finding::{Finding, FindingPlace},
    keys::Keys,
    known_end::KnownEnd,
    log::Log,
    notes,
    process::{Checked, Context, LatestPlaces},
    report::Report,
    scan::{Claim, Span},
};

/// The check of one log.
pub(super) struct Check<'a> {
    /// Whether only some files of the log are given.
    pub(super) is_partial: bool,
    /// Whether a process is writing to the log.
    pub(super) is_in_use: bool,
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
        self.claims(&log.claims, &ends);
        self.secrets(&checked);
        self.lines(&log);
        notes::beginning(&mut self.report, &log, &checked, self.is_partial);
        notes::unclosed(&mut self.report, &log, &checked, &ends, self.is_in_use);
        notes::unproven(&mut self.report, log.unproven);
        notes::deleted(&mut self.report, declared, self.is_partial);
        let result = self.report.result;
        for process in checked.into_values() {
            result.proven_by_secret += process.proven_by_secret;
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

    /// Compares what each start says about the process before with what is known of that.
    fn claims(&mut self, claims: &[Claim], ends: &BTreeMap<Uuid, KnownEnd>) {
        for Claim { by, at, end: claimed } in claims {
            let Ok(instance) = claimed.instance.parse::<Uuid>() else { continue };
            let (first_missing, after) = match ends.get(&instance) {
                Some(end) if end.seq < claimed.seq => (end.seq + 1, end.line()),
                Some(end) => {
                    if end.seq == claimed.seq && end.differs_from(claimed.chain.as_deref()) {
                        let place = Some(self.report.place(end.place.place()));
                        let text = format!(
                            "the last line of process {instance} is not the one that the start of process {by} has found"
                        );
                        let seqs = Some((claimed.seq, claimed.seq));
                        let (kind, lines) = (DamageKind::Altered, 1);
                        self.report.result.add(Damage { kind, place, instance: Some(instance), seqs, lines, text });
                    }
                    continue;
                }
                None => match ends.range(..instance).next_back() {
                    Some((_, before)) => (1, before.line()),
                    None => continue,
                },
            };
            self.report
                .add_finding(instance, &Finding::missing(FindingPlace::Line(*at), after, first_missing, claimed.seq));
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
            let (instance, place) = (Some(summary.instance), Some(self.report.place(process.first)));
            let text = format!(
                "process {} has chained its lines without a secret, although an earlier one had one: anybody can have \
                 rewritten them",
                summary.instance
            );
            let (seqs, lines) = (Some((summary.first_seq, summary.last_seq)), summary.last_seq - summary.first_seq + 1);
            self.report.result.add(Damage { kind: DamageKind::Unkeyed, place, instance, seqs, lines, text });
        }
    }

    /// Reports lines that are of no process, and those that declare others deleted as no version does.
    fn lines(&mut self, log: &Log) {
        let report = &mut self.report;
        for span in &log.foreign {
            let text = if span.count == 1 {
                "this is no line of a session log any more, or never was one".to_owned()
            } else {
                format!("these {} lines are no lines of a session log any more, or never were", span.count)
            };
            report.add_at(DamageKind::Altered, span.first, span.count, text);
        }
        for (place, failure) in &log.failures {
            let text = format!("the file cannot be read from here on: {failure}");
            report.add_at(DamageKind::Unreadable, *place, 0, text);
        }
        report.result.unstamped += log.unstamped.iter().map(|span| span.count).sum::<u64>();
        for place in log.torn.iter().filter(|_| !self.is_in_use) {
            let text = "the file ends with a part of a line, which was never confirmed to its caller".to_owned();
            report.add_at(DamageKind::Torn, *place, 1, text);
        }
        for place in &log.forged {
            let text = "this line declares lines deleted as no version of the service does: it has no chain, or they come \
                        after it";
            report.add_at(DamageKind::Altered, *place, 1, text.to_owned());
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
