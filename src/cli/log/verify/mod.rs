//! The command `al-chat log verify`, which proves that session logs are whole, or names what is wrong with them.

mod counted;
mod json;
mod text;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::Args;

use self::counted::Counted;
use super::{DAMAGE, Format, Places, configuration, print, progress::Progress};
use crate::{
    adapters::{log_files::LogFile, session_log},
    domain::log_chain::Chain,
    foundation::config::Config,
    services::log_verification::{self, Expected, Task, Verification},
};

/// The most listings of a log whose files are deleted while they are verified.
const MAX_LISTINGS: usize = 4;

/// The end of the command's help.
const EXAMPLES: &str = "\
Examples:
  al-chat log verify
  al-chat log verify SessionLog --expect 17:6f1d0c0a5b9e3f27d4a8c1e07b52964d
  al-chat log verify archive/*.zst --format json

Exit codes: 0 the log is whole; 1 it is damaged, and the damage was printed; 2 wrong arguments or settings, a file that cannot
be opened, or output that cannot be written. docs/session-log.md explains what is proven, and the fields of json.
";

/// The arguments of `al-chat log verify`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// Files and folders of session logs, also compressed ones (.gz, .zst) [default: the folder SESSION_LOG_DIR]
    files: Vec<PathBuf>,
    /// A line that must be there, by its number and its chain, such as the last line of an earlier verification
    #[arg(long, value_name = "SEQ:CHAIN")]
    expect: Vec<ExpectedLine>,
    /// The form of the output
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The value of `--expect`.
#[derive(Clone, Copy, Debug)]
struct ExpectedLine {
    seq: u64,
    chain: Chain,
}

impl FromStr for ExpectedLine {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (seq, chain) = text.split_once(':')?;
            Some(Self { seq: seq.parse().ok()?, chain: Chain::parse(chain.as_bytes())? })
        };
        parse().ok_or("expected a line's number, a colon and its chain of 32 hexadecimal digits, such as 17:6f1d0c0a5b9e3f27d4a8c1e07b52964d")
    }
}

/// Verifies the files, and prints the result.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> Result<ExitCode, ExitCode> {
    let config = configuration(env_file)?;
    // Read before the files, so that these have at least what the database has counted.
    let counted = Counted::read(&config, &arguments.files);
    let by_hand =
        |line: &ExpectedLine| Expected { instance: None, seq: line.seq, chain: Some(line.chain), by: "--expect names" };
    let expected = arguments.expect.iter().map(by_hand).chain(counted.expected.iter().cloned()).collect::<Vec<_>>();
    // A log that has lost all its files is damaged if it was counted.
    let may_be_empty = arguments.files.len() <= 1 && !expected.is_empty();
    let places = Places { may_be_empty, ..Places::new(&arguments.files, env_file) };
    let verify_now = || -> Result<_, ExitCode> {
        let files = places.find_files()?;
        Ok(verify_files(&config, &arguments.files, &files, &expected))
    };
    let mut verification = verify_now()?;
    for _ in 1..MAX_LISTINGS {
        if !verification.is_outdated {
            break;
        }
        verification = verify_now()?;
    }
    verification.notes.extend(counted.notes);
    print(&match arguments.format {
        Format::Text => text::format(&verification),
        Format::Json => json::format(&verification, counted.is_compared),
    });
    Ok(if verification.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

/// Verifies the files that were found at the given paths.
fn verify_files(config: &Config, given: &[PathBuf], files: &[LogFile], expected: &[Expected]) -> Verification {
    let folders = files.iter().map(LogFile::folder).collect::<BTreeSet<_>>();
    let is_whole = |folder: &&Path| given.is_empty() || given.iter().any(|path| path == folder);
    let whole_folders = folders.iter().copied().filter(is_whole).collect::<Vec<_>>();
    let in_use = folders.into_iter().filter(|folder| session_log::is_in_use(folder)).collect::<Vec<_>>();
    let secrets = &config.session_log.keys;
    let task = Task { files, secrets, whole_folders: &whole_folders, expected, in_use: &in_use };
    let progress = Progress::of(files);
    let verification = log_verification::verify(&task, |bytes| progress.add(bytes));
    progress.end();
    verification
}
