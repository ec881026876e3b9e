//! The command `al-chat log tail`, which prints the last lines of a log and those that are written meanwhile.

mod pause;
mod row;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use self::{pause::pause, row::Rows};
use super::{
    DAMAGE, Format, configured_folder, filters::Filters, find_files, palette::Palette, path_of, print_bytes,
    printable::printable, usage_error,
};
use crate::{
    adapters::log_files::{Followed, Follower, LastLines, LineEnd, LogFile, Place, last_lines},
    cli::output::print_status,
    services::log_report::{DamageKind, Query},
};

/// The most damages before the last lines that are named.
const MAX_NAMED: usize = 20;

/// The end of the command's help.
const EXIT_CODES: &str = "\
Exit codes: 0 all lines were printed; 1 damaged lines were left out and named; 2 wrong arguments, a file that cannot be
read, or output that cannot be written.
";

/// The arguments of `al-chat log tail`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Arguments {
    /// Files and folders of session logs, also compressed ones (.gz, .zst) [default: the folder SESSION_LOG_DIR]
    files: Vec<PathBuf>,
    /// Print further lines when they are written, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// The number of lines to begin with
    #[arg(long, short = 'n', value_name = "COUNT", default_value = "20")]
    lines: usize,
    #[command(flatten)]
    filters: Filters,
    /// The form of the output; json prints lines as they are in the log
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Chooses lines and prints them.
struct Printer {
    query: Query,
    /// The form of the rows; `None` for lines as they are.
    rows: Option<Rows>,
}

/// Prints the lines.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> Result<ExitCode, ExitCode> {
    let rows = (arguments.format == Format::Text).then(|| Rows::new(Palette::of_output()));
    let printer = Printer { query: arguments.filters.query(env_file)?, rows };
    if !arguments.follow {
        let files = find_files(&arguments.files, env_file)?;
        let (code, _) = printer.print_last(&files, arguments.lines);
        return Ok(code);
    }
    let (mut follower, files) = start_follower(&arguments.files, env_file)?;
    let (code, mut flow) = printer.print_last(&files, arguments.lines);
    while flow.is_continue() {
        follower.poll(|event| {
            if flow.is_continue() {
                flow = printer.print_event(&event);
            }
        });
        if flow.is_continue() {
            flow = pause();
        }
    }
    Ok(code)
}

fn start_follower(paths: &[PathBuf], env_file: &Path) -> Result<(Follower, Vec<LogFile>), ExitCode> {
    let paths = if paths.is_empty() { vec![configured_folder(env_file)?] } else { paths.to_owned() };
    Follower::start(&paths).map_err(|failure| usage_error(&failure))
}

impl Printer {
    /// Prints the last lines. Returns the exit code for the damages that were found, and breaks if nobody reads the output.
    fn print_last(&self, files: &[LogFile], count: usize) -> (ExitCode, ControlFlow<()>) {
        let last = last_lines(files, count, |line, end| self.query.covers_line(line, end));
        let header = self.rows.map(Rows::header).unwrap_or_default();
        let mut text = header.into_bytes();
        for line in &last.lines {
            self.append(line, &mut text);
        }
        let flow = print_bytes(&text);
        let code = if last.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) };
        name_damages(files, &last);
        (code, flow)
    }

    fn print_event(&self, event: &Followed<'_>) -> ControlFlow<()> {
        match event {
            Followed::Line { path, bytes, end } => self.print_line(path, bytes, *end),
            Followed::Failure(path, error) => {
                print_status(&format!("{} cannot be read: {error}; it is tried again", path.display()));
                ControlFlow::Continue(())
            }
        }
    }

    fn print_line(&self, path: &Path, line: &[u8], end: LineEnd) -> ControlFlow<()> {
        match self.query.covers_line(line, end) {
            Ok(true) => {
                let mut text = Vec::new();
                self.append(line, &mut text);
                print_bytes(&text)
            }
            Ok(false) => ControlFlow::Continue(()),
            Err(kind) => {
                print_status(&printable(&format!("{}: a new line is left out: {}", path.display(), kind.text())));
                ControlFlow::Continue(())
            }
        }
    }

    fn append(&self, line: &[u8], text: &mut Vec<u8>) {
        match self.rows {
            Some(rows) => text.extend_from_slice(rows.row(line).as_bytes()),
            None => text.extend_from_slice(line),
        }
        text.push(b'\n');
    }
}

/// Prints the last damages to standard error.
fn name_damages(files: &[LogFile], last: &LastLines<DamageKind>) {
    for damage in &last.damages[last.damages.len().saturating_sub(MAX_NAMED)..] {
        let path = path_of(files, damage.file_index);
        let place = match damage.place {
            Place::Line(number) => format!("{path}:{number}"),
            Place::Byte(offset) => format!("{path}, byte {offset}"),
        };
        let cause = match &damage.cause {
            Ok(kind) => kind.text().to_owned(),
            Err(error) => format!("{} ({error})", DamageKind::Unreadable.text()),
        };
        print_status(&printable(&format!("{place}: {cause}")));
    }
}
