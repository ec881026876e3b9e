//! Numbers of turns by a name, such as the error code.

use serde::{Serialize, Serializer};

/// The most names; turns of further ones are counted together.
const MAX_NAMES: usize = 100;

/// The longest name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 120;

/// The number of turns of each name, for a few names.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Searched from the start: nearly all turns have one of a few names.
    names: Vec<(String, u64)>,
    other: u64,
}

impl Counts {
    pub(super) fn add(&mut self, name: &str, count: u64) {
        let name = shortened(name);
        if let Some((_, known)) = self.names.iter_mut().find(|(known, _)| known == name) {
            *known += count;
        } else if self.names.len() < MAX_NAMES {
            self.names.push((name.to_owned(), count));
        } else {
            self.other += count;
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        next.names.into_iter().for_each(|(name, count)| self.add(&name, count));
        self.other += next.other;
    }

    /// Returns the number of turns of all names.
    pub(super) fn total(&self) -> u64 {
        self.names.iter().map(|(_, count)| count).sum::<u64>() + self.other
    }

    /// Returns the names with their numbers, the largest first. `other` stands for all that had no place.
    pub(super) fn sorted(&self) -> Named {
        let mut sorted = self.names.clone();
        sorted.sort_by(|(name, count), (other_name, other)| other.cmp(count).then_with(|| name.cmp(other_name)));
        sorted.extend((self.other > 0).then(|| ("other".to_owned(), self.other)));
        Named(sorted)
    }
}

/// Numbers by name, the largest first; a JSON object.
#[derive(Clone, Debug, Default)]
pub struct Named(pub Vec<(String, u64)>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

/// Returns the beginning of a name, so that long ones need no more memory than others.
pub(super) fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME_BYTES)]
}
