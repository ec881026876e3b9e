//! The result of a verification, for scripts.

use serde::Serialize;

use crate::{
    cli::output::pretty_json,
    services::log_verification::{Damage, ProcessSummary, Verification},
};

#[derive(Serialize)]
struct Document<'a> {
    whole: bool,
    /// Whether the log is compared with what the database has counted; if not, a note says why.
    database_compared: bool,
    files: usize,
    lines: u64,
    bytes: u64,
    lines_without_number: u64,
    lines_without_chain: u64,
    lines_proven_by_key: u64,
    lines_deleted: u64,
    processes: Vec<Process>,
    damage_count: u64,
    /// The first damages.
    damage: Vec<NamedDamage<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Process {
    instance: String,
    first_seq: u64,
    last_seq: u64,
    last_chain: Option<String>,
    stopped: bool,
    has_key: bool,
}

#[derive(Serialize)]
struct NamedDamage<'a> {
    kind: &'static str,
    file: Option<String>,
    line: Option<u64>,
    instance: Option<String>,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    lines: u64,
    text: &'a str,
}

pub(super) fn format(verification: &Verification, database_compared: bool) -> String {
    let document = Document {
        whole: verification.is_whole(),
        database_compared,
        files: verification.files,
        lines: verification.lines,
        bytes: verification.bytes,
        lines_without_number: verification.unstamped,
        lines_without_chain: verification.unchained,
        lines_proven_by_key: verification.proven_by_key,
        lines_deleted: verification.deleted,
        processes: verification.processes.iter().map(process).collect(),
        damage_count: verification.damage_count,
        damage: verification.damage.iter().map(damage).collect(),
        notes: &verification.notes,
    };
    pretty_json(&document)
}

fn process(summary: &ProcessSummary) -> Process {
    Process {
        instance: summary.instance.to_string(),
        first_seq: summary.first_seq,
        last_seq: summary.last_seq,
        last_chain: summary.last_chain.map(|chain| chain.to_string()),
        stopped: summary.stopped,
        has_key: summary.has_key,
    }
}

fn damage(damage: &Damage) -> NamedDamage<'_> {
    let (file, line) = damage.place.as_ref().map(|(path, line)| (path.display().to_string(), *line)).unzip();
    let (first_seq, last_seq) = damage.seqs.unzip();
    NamedDamage {
        kind: damage.kind.name(),
        file,
        line,
        instance: damage.instance.map(|instance| instance.to_string()),
        first_seq,
        last_seq,
        lines: damage.lines,
        text: &damage.text,
    }
}
