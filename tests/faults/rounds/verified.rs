//! What `al-chat log verify` finds, and what it should find.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

use super::line::Line;
use crate::support::service::TestSetup;

/// Lines of one process that are missing: its id, and the numbers of the first and the last line.
pub type Missing = (String, u64, u64);

/// The numbers of the lines of each process.
pub type Numbers = BTreeMap<String, BTreeSet<u64>>;

/// Returns the missing lines that the command names in a folder. Fails with its output if it names anything else.
pub async fn found(setup: &TestSetup, folder: &Path) -> Result<Vec<Missing>, String> {
    let mut command = setup.command(&["log", "verify", "--format", "json"]);
    let output = command.arg(folder).output().await.expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let other = || format!("verify ends with {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_str(&text).map_err(|_| other())?;
    let damage = result["damage"].as_array().ok_or_else(other)?;
    if output.status.code() != Some(i32::from(!damage.is_empty())) || result["whole"] != damage.is_empty() {
        return Err(other());
    }
    let missing = |damage: &Value| {
        let number = |field: &str| damage[field].as_u64();
        let is_missing = damage["kind"] == "missing" || damage["kind"] == "file_missing";
        Some((damage["instance"].as_str()?.to_owned(), number("first_seq")?, number("last_seq")?))
            .filter(|_| is_missing)
    };
    let mut missing = damage.iter().map(missing).collect::<Option<Vec<_>>>().ok_or_else(other)?;
    missing.sort();
    Ok(missing)
}

/// Returns the missing lines that the command must name, if a folder has the lines `present` of those in `all`. What is
/// missing before the first line is no damage: it may have been deleted on purpose.
pub fn expected(all: &Numbers, present: &Numbers) -> Vec<Missing> {
    let Some((first_instance, seqs)) = present.first_key_value() else { return Vec::new() };
    let first = (first_instance, *seqs.first().expect("a line"));
    let mut missing = Vec::<Missing>::new();
    for (instance, seqs) in all.range::<String, _>(first_instance..) {
        for seq in seqs.iter().copied().filter(|seq| (instance, *seq) > first) {
            if present.get(instance).is_some_and(|seqs| seqs.contains(&seq)) {
                continue;
            }
            match missing.last_mut() {
                Some((last, _, end)) if last == instance && *end + 1 == seq => *end = seq,
                _ => missing.push((instance.clone(), seq, seq)),
            }
        }
    }
    missing
}

pub fn numbers<'a>(lines: impl Iterator<Item = &'a Line>) -> Numbers {
    lines.fold(Numbers::new(), |mut numbers, line| {
        numbers.entry(line.instance.clone()).or_default().insert(line.seq);
        numbers
    })
}
