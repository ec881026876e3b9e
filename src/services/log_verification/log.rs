//! The lines that were found in one folder.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    declaration::{DeclaredChains, Proof},
    declared::{Declarations, DeclaredFiles},
    keys::Keys,
    place::Place,
    process::Process,
    scan::{Claim, Scan, Span},
};
use crate::adapters::log_files::LogFile;

/// The log in one folder.
#[derive(Default)]
pub(super) struct Log {
    pub(super) processes: BTreeMap<Uuid, Process>,
    pub(super) claims: Vec<Claim>,
    pub(super) declared: Declarations,
    /// The lines that declare others deleted, as no version writes them.
    pub(super) forged: Vec<Place>,
    /// The number of other lines that declare others deleted and are not believed.
    pub(super) unproven: u64,
    pub(super) unstamped: Vec<Span>,
    pub(super) foreign: Vec<Span>,
    pub(super) torn: Vec<Place>,
    pub(super) failures: Vec<(Place, String)>,
}

impl Log {
    /// Adds the chunk that follows those before.
    pub(super) fn add(&mut self, scan: Scan, keys: &mut Keys) {
        if let Some((_, run)) = scan.runs.first().filter(|(_, run)| run.first_seq > 1) {
            self.foreign.extend(self.unstamped.pop_if(|span| span.is_before(run.first)));
        }
        self.claims.extend(scan.claims);
        self.unstamped.extend(scan.unstamped);
        self.foreign.extend(scan.foreign);
        self.torn.extend(scan.torn);
        self.failures.extend(scan.failure);
        for (instance, run) in scan.runs {
            self.processes.entry(instance).or_default().add(run, keys);
        }
    }

    /// Takes what the log declares deleted. Only lines whose chain fits are believed, and only those with a secret if there
    /// is one in the log: anybody can append a line without.
    pub(super) fn declare(&mut self, keys: &mut Keys) {
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
