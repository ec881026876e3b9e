//! The command `al-chat log show`, which prints the lines of one session or of one turn.

mod shown;
mod texts;
mod totals;
mod turn;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use self::shown::ShownLines;
use super::{
    DAMAGE, Format, find_files, numbers::counted, palette::Palette, path_of, print, print_bytes, printable::printable,
    progress::Progress,
};
use crate::{
    adapters::log_files::LogFile,
    cli::output::print_status,
    services::{
        log_report::DamageKind,
        log_search::{self, SearchDamage},
        logged_texts::LineTexts,
    },
};

/// The end of the command's help.
const EXIT_CODES: &str = "\
Exit codes: 0 all lines with the id are shown; 1 no line has it, or some could not be read and are named; 2 wrong arguments,
a file that cannot be read, output that cannot be written, or a database that sealed texts need and that cannot be read.
";

/// The arguments of `al-chat log show`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT_CODES)]
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
        Format::Text => print_text(&arguments.id, &found.lines, env_file)?,
        Format::Json => {
            let mut lines = found.lines.join(&b'\n');
            lines.push(b'\n');
            let _ = print_bytes(&lines);
        }
    }
    Ok(if found.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

/// Prints the lines for people. Fails with the exit code of a failure to read their texts.
fn print_text(id: &str, lines: &[Vec<u8>], env_file: &Path) -> Result<(), ExitCode> {
    let (texts, read) = texts::read(lines, env_file);
    let altered = texts.iter().filter(|texts| **texts == Some(LineTexts::Altered)).count() as u64;
    print(&ShownLines::new(id, lines, texts).text(Palette::of_output()));
    read?;
    if altered > 0 {
        let turns = counted(altered, "turn", "turns");
        print_status(&format!("the sealed texts of {turns} were altered: their key is there, but does not open them"));
        return Err(ExitCode::from(DAMAGE));
    }
    Ok(())
}

fn name_damage(files: &[LogFile], damage: &SearchDamage) {
    let path = path_of(files, damage.file_index);
    let what = match &damage.failure {
        Some(failure) => format!("{} ({failure})", DamageKind::Unreadable.text()),
        None => "the line has the id, but is damaged".to_owned(),
    };
    print_status(&printable(&format!("{path}:{}: {what}", damage.line)));
}
