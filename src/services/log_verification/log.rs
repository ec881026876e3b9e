//! The lines that were found in one folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::{
    claim::Claim,
    declaration::{DeclaredChains, Proof},
    declared::{Declarations, DeclaredFiles},
    keys::Keys,
    open_lines::OpenLines,
    place::Place,
    process::Process,
    scan::{Scan, Torn},
    unstamped::{self, Form, Span},
};
use crate::adapters::log_files::LogFile;

/// The first lines with a number, after which no version of the service writes lines without one.
#[derive(Default)]
pub(super) struct FirstNumbered {
    /// The first one of the log, in the order of the days, with its day.
    of_log: Option<(Place, Date)>,
    /// The first line in each file.
    of_files: BTreeMap<usize, u64>,
}

impl FirstNumbered {
    /// Adds a line after those before, in a file with this date.
    fn add(&mut self, place: Place, date: Option<Date>) {
        self.of_files.entry(place.file).or_insert(place.line);
        if let Some(date) = date {
            self.of_log.get_or_insert((place, date));
        }
    }

    /// Returns whether lines without a number come after lines with one. `date` is that of their file. Those of a file without
    /// a date are of the day that they have themselves.
    pub(super) fn is_before(&self, span: &Span, date: Option<Date>) -> bool {
        let is_after_day = |(place, day): (Place, Date)| match (date, span.form) {
            (Some(_), _) => place < span.first,
            (None, Form::Event(Some(own))) => day < own,
            (None, _) => true,
        };
        self.of_files.get(&span.first.file).is_some_and(|line| *line < span.first.line)
            || self.of_log.is_some_and(is_after_day)
    }
}

/// The log in one folder.
#[derive(Default)]
pub(super) struct Log {
    pub(super) processes: BTreeMap<Uuid, Process>,
    pub(super) claims: Vec<Claim>,
    pub(super) declared: Declarations,
    /// The lines that declare others deleted, as no version writes them.
    pub(super) forged: Vec<Place>,
    /// The number of other lines that declare others deleted, and are ignored.
    pub(super) ignored: u64,
    /// The lines without a number, as earlier versions wrote them.
    pub(super) unstamped: Vec<Span>,
    /// The first lines with a number.
    pub(super) numbered: FirstNumbered,
    pub(super) foreign: Vec<Span>,
    pub(super) torn: Vec<Torn>,
    pub(super) failures: Vec<(Place, String)>,
}

impl Log {
    /// Adds the chunk that follows those before, of a file with this date.
    pub(super) fn add(&mut self, scan: Scan, date: Option<Date>, keys: &mut Keys, open: &mut OpenLines) {
        if let Some((_, run)) = scan.runs.first() {
            if run.first_seq > 1 {
                self.foreign.extend(unstamped::take_before(&mut self.unstamped, run.first));
            }
            self.numbered.add(run.first, date);
        }
        self.claims.extend(scan.claims);
        self.unstamped.extend(scan.unstamped);
        self.foreign.extend(scan.foreign);
        self.torn.extend(scan.torn);
        self.failures.extend(scan.failure);
        for (instance, run) in scan.runs {
            self.processes.entry(instance).or_default().add(run, keys, open);
        }
    }

    /// Takes what the log declares deleted. Only lines whose chain fits are believed, and only those with a key if there
    /// is one in the log: anybody can append a line without.
    pub(super) fn declare(&mut self, keys: &mut Keys) {
        let mut chains = DeclaredChains::default();
        for process in self.processes.values_mut() {
            process.link(keys);
            process.declarations().for_each(|declaration| chains.add(&declaration.event));
        }
        let needs_key = self.processes.values().any(|process| process.has_key(keys));
        for (&instance, process) in &mut self.processes {
            for (declaration, proof) in process.take_declarations(instance, &chains, keys) {
                match proof {
                    Proof::Unchained => self.forged.push(declaration.place),
                    Proof::Key(key) if !needs_key || keys.is_secret(key) => {
                        if declaration.is_after_deleted(instance) {
                            self.declared.add(declaration);
                        } else {
                            self.forged.push(declaration.place);
                        }
                    }
                    Proof::Key(_) | Proof::None => self.ignored += 1,
                }
            }
        }
    }

    /// Returns what is declared deleted. `files` are those of the log.
    pub(super) fn declared_files<'f>(&self, files: impl Iterator<Item = &'f LogFile>) -> DeclaredFiles {
        let names = files.filter_map(|file| file.path.file_name()?.to_str()).collect::<BTreeSet<_>>();
        let count =
            |instance, first, last| self.processes.get(&instance).map_or(0, |process| process.count(first, last));
        self.declared.files(count, |name| names.contains(name))
    }

    /// Returns the processes that have lines, or lines that are declared deleted, the oldest first.
    pub(super) fn instances(&self) -> impl Iterator<Item = Uuid> + use<> {
        let instances = self.processes.keys().copied().chain(self.declared.instances());
        instances.collect::<BTreeSet<_>>().into_iter()
    }
}
