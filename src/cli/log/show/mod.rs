//! The command `al-chat log show`, which prints one session or one turn as a story.

mod story;
mod texts;
mod totals;
mod turn;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use self::story::Story;
use super::{DAMAGE, find_files, palette::Palette, printable::printable, progress::Progress};
use crate::{
    adapters::log_files::LogFile,
    cli::output::{print, print_bytes, print_status},
    services::log_search::{self, SearchDamage},
};

/// What to print, and how.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Arguments {
    /// The id of a session, or of a request (X-Request-Id)
    #[arg(value_name = "SESSION|REQUEST")]
    id: String,
    /// Files and folders of session logs, also compressed ones (.gz, .zst) [default: the folder SESSION_LOG_DIR]
    files: Vec<PathBuf>,
    /// The form of the output; json prints the lines as they are in the log
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the session or turn.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> ExitCode {
    let files = match find_files(&arguments.files, env_file) {
        Ok(files) => files,
        Err(code) => return code,
    };
    let progress = Progress::of(&files);
    let found = log_search::search(&files, &arguments.id, |bytes| progress.add(bytes));
    progress.end();
    for damage in &found.damages {
        name_damage(&files, damage);
    }
    if found.lines.is_empty() {
        print_status(&printable(&format!("no session or turn in these files has the id {}", arguments.id)));
        return ExitCode::from(DAMAGE);
    }
    let failed = match arguments.format {
        Format::Text => print_story(&arguments.id, &found.lines, env_file),
        Format::Json => {
            let mut lines = found.lines.join(&b'\n');
            lines.push(b'\n');
            let _ = print_bytes(&lines);
            None
        }
    };
    let of_damages = if found.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) };
    failed.unwrap_or(of_damages)
}

/// Prints the story. Returns the exit code of a failure to read its texts.
fn print_story(id: &str, lines: &[Vec<u8>], env_file: &Path) -> Option<ExitCode> {
    let (texts, failed) = texts::read(lines, env_file);
    print(&Story::new(id, lines, texts).text(Palette::of_output()));
    failed
}

fn name_damage(files: &[LogFile], damage: &SearchDamage) {
    let path = files.get(damage.file_index).map(|file| file.path.display().to_string()).unwrap_or_default();
    let what = match &damage.failure {
        Some(failure) => format!("the file cannot be read from here on ({failure})"),
        None => "the line has the id, but is damaged".to_owned(),
    };
    print_status(&printable(&format!("{path}:{}: {what}", damage.line)));
}
