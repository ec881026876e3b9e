//! The command `al-chat log show`, which prints one session or one turn as a story.

mod story;
mod texts;
mod totals;
mod turn;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use self::story::Story;
use super::{DAMAGE, Format, find_files, palette::Palette, path_of, printable::printable, progress::Progress};
use crate::{
    adapters::log_files::LogFile,
    cli::output::{print, print_bytes, print_status},
    services::{
        log_report::DamageKind,
        log_search::{self, SearchDamage},
    },
};

/// The arguments of `al-chat log show`.
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

/// Prints the session or turn.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> Result<ExitCode, ExitCode> {
    let files = find_files(&arguments.files, env_file)?;
    let progress = Progress::of(&files);
    let found = log_search::search(&files, &arguments.id, |bytes| progress.add(bytes));
    progress.end();
    for damage in &found.damages {
        name_damage(&files, damage);
    }
    if found.lines.is_empty() {
        print_status(&printable(&format!("no session or turn in these files has the id {}", arguments.id)));
        return Ok(ExitCode::from(DAMAGE));
    }
    match arguments.format {
        Format::Text => print_story(&arguments.id, &found.lines, env_file)?,
        Format::Json => {
            let mut lines = found.lines.join(&b'\n');
            lines.push(b'\n');
            let _ = print_bytes(&lines);
        }
    }
    Ok(if found.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

/// Prints the story. Fails with the exit code of a failure to read its texts.
fn print_story(id: &str, lines: &[Vec<u8>], env_file: &Path) -> Result<(), ExitCode> {
    let (texts, read) = texts::read(lines, env_file);
    print(&Story::new(id, lines, texts).text(Palette::of_output()));
    read
}

fn name_damage(files: &[LogFile], damage: &SearchDamage) {
    let path = path_of(files, damage.file_index);
    let what = match &damage.failure {
        Some(failure) => format!("{} ({failure})", DamageKind::Unreadable.text()),
        None => "the line has the id, but is damaged".to_owned(),
    };
    print_status(&printable(&format!("{path}:{}: {what}", damage.line)));
}
