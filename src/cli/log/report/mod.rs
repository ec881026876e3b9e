//! The command `al-chat log report`, which prints figures over session logs.

mod html;
mod json;
mod table;
mod text;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum, builder::PossibleValue};

use super::{DAMAGE, filters::Filters, find_files, numbers, path_of, print, printable::printable, progress::Progress};
use crate::{
    adapters::log_files::LogFile,
    cli::output::print_status,
    services::log_report::{self, Damage, DamageKind, GroupBy, Query, Summary},
};

/// The end of the command's help.
const EXAMPLES: &str = "\
Examples:
  al-chat log report --since 2026-11-01 --by day
  al-chat log report --format html --by model SessionLog > report.html
  al-chat log report --format csv --by user archive/*.zst > users.csv

Exit codes: 0 all lines are in the report; 1 damaged lines, or lines that are there a second time, were left out and
named; 2 wrong arguments, a file that cannot be read, or output that cannot be written. docs/session-log.md explains the
figures and the fields of json.
";

/// The arguments of `al-chat log report`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// Files and folders of session logs, also compressed ones (.gz, .zst) [default: the folder SESSION_LOG_DIR]
    files: Vec<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    /// Show the figures of each group as well
    #[arg(long, value_name = "FIELD")]
    by: Option<GroupBy>,
    /// The form of the output; html is a page with charts that needs no other file
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Csv,
    Html,
}

/// A report with what is known of its origin, ready to be printed.
struct Output<'a> {
    files: &'a [LogFile],
    query: &'a Query,
    summary: &'a Summary,
}

/// Prints the report.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> Result<ExitCode, ExitCode> {
    let query = Query { by: arguments.by, ..arguments.filters.query(env_file)? };
    let files = find_files(&arguments.files, env_file)?;
    let progress = Progress::of(&files);
    let report = log_report::report(&files, &query, |bytes| progress.add(bytes));
    progress.end();
    let summary = report.summary(query.by);
    let output = Output { files: &files, query: &query, summary: &summary };
    print(&match arguments.format {
        Format::Text => text::format(&output),
        Format::Json => json::format(&output),
        Format::Csv => log_report::format_csv(&summary, query.by),
        Format::Html => html::format(&output),
    });
    Ok(output.name_damage())
}

/// The values of `--by`.
impl ValueEnum for GroupBy {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(self.name().into())
    }
}

impl Output<'_> {
    /// Prints the damages to standard error, and returns the exit code for them.
    fn name_damage(&self) -> ExitCode {
        for named in &self.summary.named_damage {
            let place = format!("{}:{}", path_of(self.files, named.file_index), named.line);
            print_status(&printable(&format!("{place}: {}", sentence(named))));
        }
        let named = self.summary.named_damage.iter().filter(|named| named.kind != DamageKind::Unreadable);
        let named = named.map(|named| named.lines).sum::<u64>();
        let lines = self.summary.lines_left_out();
        if lines > 0 {
            let more = if lines > named { "; the first ones are named" } else { "" };
            print_status(&format!("lines that are not in the report: {}{more}", numbers::count(lines)));
        }
        if self.summary.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) }
    }
}

/// Returns what is wrong with a line, with lines from there on, or with the rest of the file.
fn sentence(damage: &Damage) -> String {
    match damage.lines {
        1 if damage.cause.is_empty() => damage.kind.text().to_owned(),
        1 => format!("{} ({})", damage.kind.text(), damage.cause),
        lines => format!("{} lines from here on are there a second time", numbers::count(lines)),
    }
}
