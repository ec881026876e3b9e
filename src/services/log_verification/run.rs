//! Lines of one process that follow each other in a log.

use uuid::Uuid;

use super::{
    declaration::{Declaration, DeclaredChains, Proof},
    keys::Keys,
    place::Place,
};
use crate::domain::{log_chain::Chain, log_stamp};

/// The link of a run's first line to the line before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Its chain follows from the predecessor's. The first line of a process follows nothing.
    Fits,
    /// Its chain does not follow from the predecessor's: the line, or its chain, was altered.
    Broken,
    /// The predecessor is not known yet. This is the line, without its line feed.
    Open(Vec<u8>),
    /// The predecessor is not known, and the line is not kept, since too many are.
    Unknown,
    /// The lines of the run have no chain.
    Unchained,
}

/// Lines of one process with consecutive numbers, whose chains fit except for the first ones of a broken run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) first: Place,
    pub(super) last: Place,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) link: Link,
    /// The number of lines at the start whose chain is broken.
    pub(super) broken: u64,
    /// The index of the key with which the chains are calculated; `None` while no line fits.
    pub(super) key: Option<usize>,
    /// The chain of the last line.
    pub(super) last_chain: Option<Chain>,
    /// Whether the last line is a `service_stop`.
    pub(super) is_stopped: bool,
    /// Whether the lines have another date than their file.
    pub(super) is_misplaced: bool,
    /// The lines that declare others deleted.
    pub(super) declarations: Vec<Declaration>,
}

impl Run {
    /// Returns the number of lines.
    pub(super) fn len(&self) -> u64 {
        self.last_seq - self.first_seq + 1
    }

    /// Returns the number of lines whose chain follows from the line before.
    pub(super) fn proven(&self) -> u64 {
        match self.link {
            Link::Unchained => 0,
            Link::Fits => self.len(),
            Link::Open(_) | Link::Unknown => self.len() - 1,
            Link::Broken => self.len() - self.broken,
        }
    }

    /// Decides whether the first line follows one with the chain `before`, which was made with the key `key`.
    pub(super) fn follow(&mut self, before: Option<Chain>, key: Option<usize>, keys: &mut Keys) {
        let Link::Open(line) = &self.link else { return };
        let (Some(before), Some(stamped)) = (before, log_stamp::parse(line).and_then(|line| line.chain)) else {
            return;
        };
        match keys.fitting(key.or(self.key), before, line, &stamped) {
            Some(key) if self.key.is_none_or(|own| own == key) => {
                self.key = Some(key);
                self.link = Link::Fits;
            }
            _ => {
                self.broken = 1;
                self.link = Link::Broken;
            }
        }
    }

    /// Adds the run that follows this one.
    pub(super) fn append(&mut self, next: Self) {
        self.last = next.last;
        self.last_seq = next.last_seq;
        self.last_chain = next.last_chain;
        self.is_stopped = next.is_stopped;
        self.key = self.key.or(next.key);
        self.declarations.extend(next.declarations);
    }

    /// Returns the proof that the service has written a declaration, which is in this run of a process. Its predecessor may
    /// be declared deleted: only somebody with the key can make a line that follows any chain.
    pub(super) fn proof_of(
        &self,
        declaration: &Declaration,
        instance: Uuid,
        chains: &DeclaredChains,
        keys: &mut Keys,
    ) -> Proof {
        let first = match &self.link {
            Link::Unchained => return Proof::Unchained,
            Link::Open(line) if declaration.seq == self.first_seq => {
                let stamped = log_stamp::parse(line).and_then(|line| line.chain);
                let mut before = chains.before(instance, declaration.seq).iter();
                return stamped
                    .and_then(|stamped| before.find_map(|before| keys.fitting(self.key, *before, line, &stamped)))
                    .map_or(Proof::None, Proof::Key);
            }
            Link::Fits => self.first_seq,
            Link::Open(_) | Link::Unknown => self.first_seq + 1,
            Link::Broken => self.first_seq + self.broken,
        };
        self.key.filter(|_| declaration.seq >= first).map_or(Proof::None, Proof::Key)
    }
}
