//! The events of the service itself: starts, stops, and gaps of its log.

use serde::Serialize;

use super::fields::Fields;
use crate::adapters::session_log::{Event, LogGap, ServiceStart, ServiceStop};

/// Starts, stops and gaps of the service.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ServiceSummary {
    /// The number of starts.
    pub starts: u64,
    /// The number of orderly stops.
    pub stops: u64,
    /// The number of turns that were cut off by orderly stops.
    pub turns_cut_off: u64,
    /// The number of times that the log could not be written for a while.
    pub log_gaps: u64,
    /// The number of lines that were refused then.
    pub lines_refused: u64,
}

impl ServiceSummary {
    pub(super) fn add(&mut self, fields: &Fields<'_>) {
        match fields.event.as_deref() {
            Some(ServiceStart::NAME) => self.starts += 1,
            Some(ServiceStop::NAME) => {
                self.stops += 1;
                self.turns_cut_off += fields.turns_cut_off.unwrap_or_default();
            }
            Some(LogGap::NAME) => {
                self.log_gaps += 1;
                self.lines_refused += fields.lines_refused.unwrap_or_default();
            }
            _ => {}
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        self.starts += next.starts;
        self.stops += next.stops;
        self.turns_cut_off += next.turns_cut_off;
        self.log_gaps += next.log_gaps;
        self.lines_refused += next.lines_refused;
    }
}
