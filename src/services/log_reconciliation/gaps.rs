//! Lines that are not in the log, although later ones are, or although the database has counted them.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    extent::Extent,
    outcome::{Difference, Kind, Reconciliation},
};
use crate::{
    adapters::{log_files::SeenLines, storage::LogSnapshot},
    foundation::counted::counted,
};

/// Reports lines that are missing after the first line of the log and are not declared deleted. Those that were missing already
/// when the database was completed from the log are noted.
pub(super) fn report(snapshot: &LogSnapshot, extent: &Extent<'_>, result: &mut Reconciliation) {
    let Some((begin, _)) = &extent.begin else { return report_empty(snapshot, extent, result) };
    let mut ends = BTreeMap::<Uuid, u64>::new();
    for total in &snapshot.totals {
        let end = ends.entry(total.instance).or_default();
        *end = total.seqs.map_or(*end, |(_, last)| last.max(*end));
    }
    for count in snapshot.counted.instances() {
        let end = ends.entry(count.instance).or_default();
        *end = count.counted.max(*end);
    }
    for instance in extent.own.range(begin.instance..) {
        let first = if *instance == begin.instance { begin.seq } else { 1 };
        let missing = missing(extent.seen, *instance, first, ends.get(instance).copied().unwrap_or_default());
        let missing = extent.deleted.without(*instance, missing);
        let known = snapshot.counted.of(*instance).map(|count| count.missing).unwrap_or_default();
        if missing.iter().map(|(first, last)| last - first + 1).sum::<u64>() <= known {
            if known > 0 {
                result.notes.push(format!(
                    "when the database was completed from the log, {} of process {instance} could not be found; their turns \
                     are in neither",
                    counted(known, "line", "lines")
                ));
            }
            continue;
        }
        for (first, last) in missing.into_iter().filter(|(first, last)| extent.may_cover(*instance, *first, *last)) {
            let lines = if first == last { format!("line {first} is") } else { format!("lines {first} to {last} are") };
            let text = format!("process {instance}: {lines} not in the log");
            result.add(Difference { instance: Some(instance.to_string()), ..Difference::new(Kind::Missing, text) });
        }
    }
}

/// Reports that no line of the log has a position, if the database has counted lines.
fn report_empty(snapshot: &LogSnapshot, extent: &Extent<'_>, result: &mut Reconciliation) {
    let processes = snapshot.counted.instances().filter(|count| count.counted > 0).count();
    if processes > 0 && extent.days.may_have(None, None) {
        let text = format!(
            "the log has no line with a number, but the database has counted lines of {}",
            counted(processes as u64, "process", "processes")
        );
        result.add(Difference::new(Kind::Missing, text));
    }
}

/// Returns the first and the last number of each range of missing lines.
fn missing(seen: &SeenLines, instance: Uuid, first: u64, end: u64) -> Vec<(u64, u64)> {
    let (mut next, mut missing) = (first, Vec::new());
    for (first, last) in seen.ranges(instance) {
        if next < first {
            missing.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    if next <= end {
        missing.push((next, end));
    }
    missing
}
