//! The commands `al-chat log …`, which read session logs.

mod event_line;
mod filters;
mod numbers;
mod palette;
mod printable;
mod progress;
mod reconcile;
mod report;
mod show;
mod tail;
mod verify;

use std::{
    cell::Cell,
    error::Error,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;

use self::printable::printable;
use super::output::{self, Format, print_error, print_status};
use crate::{
    adapters::log_files::{self, FindFailure, LogFile},
    foundation::config::{Config, Source},
};

/// The exit code for damage in the log. What could be read was printed.
const DAMAGE: u8 = 1;

/// The exit code for wrong arguments or settings, for files that cannot be read, and for output that cannot be written.
const USAGE: u8 = 2;

/// The most files that are named because they are not read.
const MAX_NAMED: usize = 20;

/// The path of standard input, for which `-` stands among the arguments.
const STANDARD_INPUT: &str = "/dev/stdin";

/// The published schema of the lines.
const SCHEMA: &str = include_str!("../../../openapi/session-log.schema.json");

/// A command that reads session logs.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Compare the log with the database and the running service, and name the turns that differ
    Reconcile(reconcile::Arguments),
    /// Print figures: turns, sessions, visitors, errors, latency, tokens and cost
    Report(Box<report::Arguments>),
    /// Print all lines of one session, or one turn: times, models, retries, cost, and texts where they are logged
    Show(show::Arguments),
    /// Print the last lines, and further ones when they are written
    Tail(Box<tail::Arguments>),
    /// Check that no line is missing, altered, doubled or moved, and name where one is
    Verify(verify::Arguments),
    /// Print the JSON Schema of the lines
    Schema,
}

/// Runs a command. The settings are read only if it needs them.
pub(super) fn run(command: &Command, env_file: &Path) -> ExitCode {
    let result = match command {
        Command::Reconcile(arguments) => reconcile::run(arguments, env_file),
        Command::Report(arguments) => report::run(arguments, env_file),
        Command::Show(arguments) => show::run(arguments, env_file),
        Command::Tail(arguments) => tail::run(arguments, env_file),
        Command::Verify(arguments) => verify::run(arguments, env_file),
        Command::Schema => {
            print(SCHEMA);
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|code| code)
}

/// Writes to standard output. A closed pipe is no error; after any other error the process exits.
fn print(text: &str) {
    let _ = print_bytes(text.as_bytes());
}

/// Writes bytes to standard output as [`print`](fn@print) does. Breaks if nobody reads them.
fn print_bytes(bytes: &[u8]) -> ControlFlow<()> {
    output::print_bytes(bytes, USAGE)
}

/// Returns the files at the paths, of which `-` is standard input, or those of the configured folder if there are none. Errors, and
/// the files in folders that are not read, are printed.
fn find_files(paths: &[PathBuf], env_file: &Path) -> Result<Vec<LogFile>, ExitCode> {
    Places::new(paths, env_file).find_files()
}

/// The places of a log whose files may be listed several times.
struct Places<'a> {
    paths: &'a [PathBuf],
    env_file: &'a Path,
    /// Whether a folder without a file of a log has none. Otherwise that is an error.
    may_be_empty: bool,
    /// Whether the files were listed before.
    was_listed: Cell<bool>,
}

impl<'a> Places<'a> {
    /// Returns the places at the paths, or the configured folder if there are none.
    fn new(paths: &'a [PathBuf], env_file: &'a Path) -> Self {
        Self { paths, env_file, may_be_empty: false, was_listed: Cell::new(false) }
    }

    /// Lists the files as [`find_files`] does. Files that are not read are named once. Fails if a pipe would be read again.
    fn find_files(&self) -> Result<Vec<LogFile>, ExitCode> {
        let path = |path: &PathBuf| if path.as_os_str() == "-" { PathBuf::from(STANDARD_INPUT) } else { path.clone() };
        let given = self.paths.iter().map(path).collect::<Vec<_>>();
        let (found, folders) = if given.is_empty() {
            let folder = configured_folder(self.env_file)?;
            (log_files::find_in(&folder), vec![folder])
        } else {
            (log_files::find(&given), given)
        };
        if self.may_be_empty && matches!(found, Err(FindFailure::NoLog(_))) {
            return Ok(Vec::new());
        }
        if !self.was_listed.replace(true) {
            name_other_files(&folders);
        } else if found.as_ref().is_ok_and(|files| files.iter().any(|file| file.length.is_none())) {
            print_status(
                "log or database were changed meanwhile, and a pipe can be read only once; run the command again",
            );
            return Err(ExitCode::from(USAGE));
        }
        found.map_err(|failure| {
            let code = usage_error(&failure);
            if self.paths.is_empty() {
                print_status("without FILES, the log in the folder SESSION_LOG_DIR is read");
            }
            code
        })
    }
}

/// Prints which files in folders are not read because of their names. Of a path that is no folder, there are none.
fn name_other_files(folders: &[PathBuf]) {
    let others = folders.iter().flat_map(|folder| log_files::other_files_in(folder)).collect::<Vec<_>>();
    for other in others.iter().take(MAX_NAMED) {
        let name = other.display().to_string();
        print_status(&printable(&format!(
            "{name} is not read: it is not named session_YYYY-MM-DD.log, or not gzip or Zstandard"
        )));
    }
    if others.len() > MAX_NAMED {
        print_status(&format!(
            "files that are not read: {}; the first ones are named",
            numbers::count(others.len() as u64)
        ));
    }
}

/// Returns the path of a file that was read, by its index.
fn path_of(files: &[LogFile], index: usize) -> String {
    files.get(index).map(|file| file.path.display().to_string()).unwrap_or_default()
}

fn configured_folder(env_file: &Path) -> Result<PathBuf, ExitCode> {
    Ok(configuration(env_file)?.session_log.dir)
}

/// Reads the settings. Errors are printed.
fn configuration(env_file: &Path) -> Result<Config, ExitCode> {
    Config::read(&Source::of_process(env_file)).map_err(|invalid| usage_error(&invalid))
}

/// Prints an error, and returns its exit code.
fn usage_error(error: &dyn Error) -> ExitCode {
    print_error(error);
    ExitCode::from(USAGE)
}
