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
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};

use super::output::{print, print_error, print_status};
use crate::{
    adapters::log_files::{self, LogFile},
    foundation::config::{Config, Source},
};

/// The exit code for damage in the log. What could be read was printed.
const DAMAGE: u8 = 1;

/// The exit code for wrong arguments or settings, and for files that cannot be read.
const USAGE: u8 = 2;

/// The published schema of the lines.
const SCHEMA: &str = include_str!("../../../openapi/session-log.schema.json");

/// The form in which a command prints lines or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// A command that reads session logs.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Compare the log with the database and the running service, and name the turns that differ
    Reconcile(reconcile::Arguments),
    /// Print figures: turns, sessions, visitors, errors, latency, tokens and cost
    Report(Box<report::Arguments>),
    /// Print one session or turn as a story: times, models, retries, cost, and texts where they are logged
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

/// Returns the files at the paths, or those of the configured folder if there are none. Errors are printed.
fn find_files(paths: &[PathBuf], env_file: &Path) -> Result<Vec<LogFile>, ExitCode> {
    let found =
        if paths.is_empty() { log_files::find_in(&configured_folder(env_file)?) } else { log_files::find(paths) };
    found.map_err(|failure| {
        let code = usage_error(&failure);
        if paths.is_empty() {
            print_status("without FILES, the log in the folder SESSION_LOG_DIR is read");
        }
        code
    })
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
