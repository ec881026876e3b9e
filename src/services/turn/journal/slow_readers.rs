//! Readers of a journal that are too slow while memory is short.

use std::sync::Arc;

use super::{readers::ReaderProgress, turn_journal::Journal};

impl Journal {
    /// Returns the readers that have not read anything since the last call although there is text for them.
    pub(in crate::services::turn) fn slow_readers(&self) -> Vec<SlowReader> {
        let state = self.state();
        let (length, journal_size) = (state.text().len(), state.counted);
        let slow = state.readers.standing_still(length);
        slow.map(|(behind, progress)| SlowReader { behind, journal_size, progress }).collect()
    }

    /// Whether nobody reads the journal because all readers were cut off.
    pub(in crate::services::turn) fn is_cut_off(&self) -> bool {
        self.state().readers.were_cut_off()
    }
}

/// A reader that stands still.
#[derive(Debug)]
pub(in crate::services::turn) struct SlowReader {
    /// The bytes of text that it has not read.
    pub(in crate::services::turn) behind: usize,
    /// The memory of its journal, in bytes.
    pub(in crate::services::turn) journal_size: usize,
    progress: Arc<ReaderProgress>,
}

impl SlowReader {
    /// Ends the reader's connection.
    pub(in crate::services::turn) fn cut_off(&self) {
        self.progress.cut_off.cancel();
    }
}
