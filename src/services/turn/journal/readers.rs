//! The readers of a journal, and the places in its text that they have reached.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio_util::sync::CancellationToken;

/// The readers of a journal.
#[derive(Debug, Default)]
pub(super) struct Readers {
    all: Vec<Arc<ReaderProgress>>,
    /// The byte offset in the text up to which the fastest reader has read.
    furthest: usize,
    /// Whether the last reader was cut off. The turn then does not run ahead while it waits for another one.
    were_cut_off: bool,
}

/// The place in the text that one reader has reached.
#[derive(Debug)]
pub(in crate::services::turn) struct ReaderProgress {
    /// The byte offset in the text up to which it has read.
    offset: AtomicUsize,
    /// The offset at the last look for readers that stand still, if there was text for it then.
    offset_before: AtomicUsize,
    /// Cancelled when the reader is cut off, because the memory of all journals is used up.
    pub(super) cut_off: CancellationToken,
}

impl Default for ReaderProgress {
    fn default() -> Self {
        Self {
            offset: AtomicUsize::new(0),
            offset_before: AtomicUsize::new(usize::MAX),
            cut_off: CancellationToken::new(),
        }
    }
}

impl ReaderProgress {
    /// Whether the reader has not read anything since this was called last, although there was text for it. `length` is the
    /// length of the text.
    fn stands_still(&self, length: usize) -> bool {
        let offset = self.offset.load(Ordering::Relaxed);
        let before = if offset < length { offset } else { usize::MAX };
        self.offset_before.swap(before, Ordering::Relaxed) == offset
    }
}

impl Readers {
    pub(super) fn add(&mut self, reader: Arc<ReaderProgress>) {
        self.all.push(reader);
        self.were_cut_off = false;
    }

    pub(super) fn remove(&mut self, reader: &Arc<ReaderProgress>) {
        self.all.retain(|other| !Arc::ptr_eq(other, reader));
        self.were_cut_off = self.all.is_empty() && reader.cut_off.is_cancelled();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there is no reader because the last one was cut off.
    pub(super) fn were_cut_off(&self) -> bool {
        self.were_cut_off || (!self.all.is_empty() && self.all.iter().all(|reader| reader.cut_off.is_cancelled()))
    }

    /// Notes how far a reader has read.
    pub(super) fn advance_to(&mut self, reader: &ReaderProgress, offset: usize) {
        reader.offset.store(offset, Ordering::Relaxed);
        self.furthest = self.furthest.max(offset);
    }

    /// Removes the limit of unread text, for a reader that waits for the whole text.
    pub(super) fn advance_to_end(&mut self) {
        self.furthest = usize::MAX;
        self.were_cut_off = false;
    }

    /// Returns how many bytes of a text of this length the fastest reader has not read.
    pub(super) fn unread(&self, length: usize) -> usize {
        length.saturating_sub(self.furthest)
    }

    /// Returns the readers that have not read all of a text of this length and have not moved since the last call, each
    /// with the number of bytes that it is behind.
    pub(super) fn standing_still(&self, length: usize) -> impl Iterator<Item = (usize, Arc<ReaderProgress>)> + '_ {
        let waits_for_end = self.furthest == usize::MAX;
        self.all.iter().filter_map(move |reader| {
            let stands_still = reader.stands_still(length);
            let behind = length.saturating_sub(reader.offset.load(Ordering::Relaxed));
            let is_slow = stands_still && behind > 0 && !waits_for_end && !reader.cut_off.is_cancelled();
            is_slow.then(|| (behind, Arc::clone(reader)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_that_move_or_have_all_are_not_slow() {
        let mut readers = Readers::default();
        let all = [Arc::default(), Arc::default(), Arc::default()];
        for reader in &all {
            readers.add(Arc::clone(reader));
        }
        readers.advance_to(&all[1], 60);
        readers.advance_to(&all[2], 100);
        assert_eq!(readers.standing_still(100).count(), 0, "none was looked at before");
        readers.advance_to(&all[1], 70);
        let slow = readers.standing_still(100).map(|(behind, _)| behind).collect::<Vec<_>>();
        assert_eq!(slow, [100]);
        assert_eq!(readers.standing_still(100).count(), 2);
        all[0].cut_off.cancel();
        assert_eq!(readers.standing_still(100).count(), 1);
        assert_eq!(readers.standing_still(110).count(), 1, "one had all until now");
        assert_eq!(readers.standing_still(110).count(), 2);
    }

    #[test]
    fn a_new_reader_ends_the_wait_after_one_was_cut_off() {
        let mut readers = Readers::default();
        let [first, second] = [Arc::<ReaderProgress>::default(), Arc::default()];
        readers.add(Arc::clone(&first));
        readers.remove(&first);
        assert!(!readers.were_cut_off(), "it left by itself");
        readers.add(Arc::clone(&first));
        first.cut_off.cancel();
        readers.remove(&first);
        assert!(readers.were_cut_off() && readers.is_empty());
        readers.add(second);
        assert!(!readers.were_cut_off());
    }
}
