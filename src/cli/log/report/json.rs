//! The report as a JSON object.

use serde::Serialize;

use super::{Output, path_of};
use crate::{
    cli::output::pretty_json,
    services::log_report::{DamageKind, GroupBy, Summary},
};

#[derive(Serialize)]
struct Document<'a> {
    files: Vec<String>,
    by: Option<&'static str>,
    #[serde(flatten)]
    summary: &'a Summary,
    /// The first damages.
    first_damage: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    file: String,
    line: u64,
    lines: u64,
    kind: DamageKind,
}

pub(super) fn format(output: &Output<'_>) -> String {
    let places = output.summary.named_damage.iter().map(|damage| Place {
        file: path_of(output.files, damage.file_index),
        line: damage.line,
        lines: damage.lines,
        kind: damage.kind,
    });
    let document = Document {
        files: output.files.iter().map(|file| file.path.display().to_string()).collect(),
        by: output.query.by.map(GroupBy::name),
        summary: output.summary,
        first_damage: places.collect(),
    };
    pretty_json(&document)
}
