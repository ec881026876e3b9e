//! The part of the log that is compared.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    deleted::DeletedLines,
    period::WholeDays,
    processes::{Begin, Processes},
};
use crate::{
    adapters::{log_files::SeenLines, storage::LogTotal},
    domain::log_position::LogPosition,
};

/// The length of a date at the begin of a time.
const DATE_LENGTH: usize = "YYYY-MM-DD".len();

/// The lines of the log that is compared, and the days to which the comparison of sums is limited.
pub(super) struct Extent<'a> {
    /// The processes that have written the log.
    pub(super) own: BTreeSet<Uuid>,
    /// The first line.
    pub(super) begin: Option<Begin>,
    pub(super) days: WholeDays,
    pub(super) processes: &'a Processes,
    pub(super) seen: &'a SeenLines,
    pub(super) deleted: &'a DeletedLines,
}

/// What of the sums in the database is compared with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// They are compared.
    Compared,
    /// Their day is not one to which the comparison is limited.
    OtherDay,
    /// The log declares lines of them deleted.
    Deleted,
    /// They have lines from before the first line of the log, which may have been deleted without a declaration.
    Before,
    /// They have lines from before the first line of the log that should be there.
    Lost,
}

impl Extent<'_> {
    /// Returns what of sums is compared.
    pub(super) fn coverage(&self, total: &LogTotal) -> Coverage {
        if !self.days.contains(&total.day) {
            return Coverage::OtherDay;
        }
        let at = |seq| LogPosition { instance: total.instance, seq };
        let (first, last) = total.seqs.map_or((at(0), at(0)), |(first, last)| (at(first), at(last)));
        let is_deleted = |line| !self.seen.contains(line) && self.deleted.contains(line);
        if is_deleted(first) || is_deleted(last) {
            return Coverage::Deleted;
        }
        match &self.begin {
            Some((begin, time)) if first < *begin => {
                // Files are deleted from the oldest one on, so nothing is missing after what is declared.
                let may_be_deleted = match self.deleted.end() {
                    Some(end) => first < end,
                    None => time.get(..DATE_LENGTH).is_some_and(|day| total.day.as_str() < day),
                };
                if may_be_deleted { Coverage::Before } else { Coverage::Lost }
            }
            _ => Coverage::Compared,
        }
    }

    /// Returns whether lines of a process that are not in the files may be of the days to which the comparison is limited.
    pub(super) fn may_cover(&self, instance: Uuid, first: u64, last: u64) -> bool {
        let (before, after) = self.processes.dates_around(&self.own, instance, first, last);
        self.days.may_have(before, after)
    }
}
