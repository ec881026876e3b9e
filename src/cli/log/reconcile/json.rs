//! The result of a comparison, for scripts.

use serde::Serialize;

use crate::{
    cli::output::pretty_json,
    services::log_reconciliation::{Day, Difference, Reconciliation, ServedRange, Sums},
};

#[derive(Serialize)]
struct Document<'a> {
    same: bool,
    log: Sums,
    database: Sums,
    before: Sums,
    deleted: Sums,
    earlier: u64,
    uncounted: u64,
    other_logs: u64,
    days: &'a [Day],
    kept_compared: u64,
    served: &'a [ServedRange],
    difference_count: u64,
    /// The first differences.
    differences: &'a [Difference],
    notes: &'a [String],
}

pub(super) fn format(result: &Reconciliation) -> String {
    let document = Document {
        same: result.is_same(),
        log: result.log,
        database: result.database,
        before: result.before,
        deleted: result.deleted,
        earlier: result.earlier,
        uncounted: result.uncounted,
        other_logs: result.other_logs,
        days: &result.days,
        kept_compared: result.rows_compared,
        served: &result.served,
        difference_count: result.difference_count,
        differences: &result.differences,
        notes: &result.notes,
    };
    pretty_json(&document)
}
