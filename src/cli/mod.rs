//! The command line: parses the arguments and runs one of the commands.

mod backup;
mod check;
mod columns;
mod keys;
mod log;
mod output;
mod serve;
mod signals;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use self::output::{print, print_error, print_status};
use crate::{
    adapters::storage::Storage,
    api,
    foundation::{
        config::{Config, SECRET_VARIABLES, Source, VARIABLES},
        telemetry,
    },
};

/// The exit code for invalid settings.
const INVALID_CONFIGURATION: u8 = 2;

/// The file of settings in the working directory.
const ENV_FILE: &str = ".env";

/// The server between a website's chat window and a language model.
#[derive(Debug, Parser)]
#[command(name = "al-chat", version, after_help = settings_help(), term_width = 0)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Print the contract, as an OpenAPI document
    Openapi,
    /// Update the tables of the database, then exit
    Migrate,
    /// Copy the SQLite database to a new file, also while a server uses it
    Backup {
        /// The new file, which must not exist yet
        file: PathBuf,
    },
    /// Test the settings, the database, the session log, Papita and the model, and print what works
    Check,
    /// Make, list and revoke the API keys of servers
    #[command(subcommand)]
    Keys(keys::Command),
    /// Read session logs
    #[command(subcommand)]
    Log(log::Command),
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or(Command::Serve);
    if let Command::Openapi = command {
        print(&api::contract());
        return ExitCode::SUCCESS;
    }
    if let Command::Log(command) = command {
        return log::run(&command, Path::new(ENV_FILE));
    }
    let source = Source::of_process(Path::new(ENV_FILE));
    let mut notices = source.notices();
    let config = match Config::read(&source) {
        Ok(config) => config,
        Err(invalid) => {
            print_error(&invalid);
            print_notices(&notices);
            return ExitCode::from(INVALID_CONFIGURATION);
        }
    };
    notices.extend(config.notices());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = match command {
        Command::Check => {
            print_notices(&notices);
            runtime.block_on(check::run(config, &source))
        }
        Command::Migrate => runtime.block_on(migrate(&config)),
        Command::Backup { file } => runtime.block_on(back_up(&config, &file)),
        Command::Keys(command) => runtime.block_on(keys::run(command, &config)),
        Command::Serve | Command::Openapi | Command::Log(_) => {
            let _diagnostics = telemetry::start(&config.log_level, config.log_format);
            for notice in &notices {
                tracing::warn!("{notice}");
            }
            runtime.block_on(serve::run(config, &source))
        }
    };
    // Everything that must be waited for has ended. Threads that are blocked by a disk that doesn't respond are not.
    runtime.shutdown_background();
    code
}

/// Applies the migrations of the database, for operators who do that before the service starts.
async fn migrate(config: &Config) -> ExitCode {
    match Storage::migrate(&config.database).await {
        Ok(()) => {
            print("Database: its tables are up to date.\n");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            print_error(&failure);
            if failure.is_wrong_setting() { ExitCode::from(INVALID_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

async fn back_up(config: &Config, file: &Path) -> ExitCode {
    match backup::make(config, file).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_error(&failure);
            ExitCode::FAILURE
        }
    }
}

fn settings_help() -> String {
    let files = SECRET_VARIABLES.iter().map(|secret| secret.file).collect::<Vec<_>>().join(", ");
    let mut help = format!(
        "Settings, from the environment or a .env file in the working directory; {files} name files that hold a secret \
         instead:\n"
    );
    for variable in VARIABLES {
        // Writing to a string does not fail.
        let _ = write!(help, "  {:<26} {}", variable.name, variable.about);
        if !variable.default.is_empty() {
            let _ = write!(help, " [{}]", variable.default);
        }
        help.push('\n');
    }
    help
}

/// Prints warnings about settings to standard error.
fn print_notices(notices: &[String]) {
    for notice in notices {
        print_status(notice);
    }
}
