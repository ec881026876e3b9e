//! The texts of a story's turns. Sealed ones are read with the keys in the database.

use std::{path::Path, process::ExitCode};

use super::super::{USAGE, configuration};
use crate::{
    cli::output::print_error,
    foundation::config,
    services::logged_texts::{LineTexts, TextReader},
};

/// The texts of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// The line has no texts.
    NotLogged,
    /// The question and the answer.
    Readable(String, String),
    /// The texts are sealed, and their key is not in the database.
    WithoutKey,
    /// The texts are sealed, and the database could not be read.
    Unread,
}

/// Reads the texts of lines. The settings and the database are read only if a line has sealed texts. If they cannot be read,
/// the error is printed, and its exit code is returned as well.
pub(super) fn read(lines: &[Vec<u8>], env_file: &Path) -> (Vec<Texts>, Option<ExitCode>) {
    if !lines.iter().any(|line| is_sealed(line)) {
        return (vec![Texts::NotLogged; lines.len()], None);
    }
    let read = configuration(env_file).and_then(|config| read_sealed(lines, &config.database));
    match read {
        Ok(texts) => (texts, None),
        Err(code) => {
            let unread = |line: &Vec<u8>| if is_sealed(line) { Texts::Unread } else { Texts::NotLogged };
            (lines.iter().map(unread).collect(), Some(code))
        }
    }
}

fn is_sealed(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"\"sealed\"").is_some()
}

fn read_sealed(lines: &[Vec<u8>], database: &config::Database) -> Result<Vec<Texts>, ExitCode> {
    let failed = |error: &dyn std::error::Error| {
        print_error(error);
        ExitCode::from(USAGE)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let mut reader = TextReader::open(database).await.map_err(|failure| failed(&failure))?;
        let mut texts = Vec::new();
        for line in lines {
            texts.push(Texts::from(reader.read(line).await.map_err(|failure| failed(&failure))?));
        }
        reader.close().await;
        Ok(texts)
    })
}

impl From<LineTexts> for Texts {
    fn from(texts: LineTexts) -> Self {
        match texts {
            LineTexts::NotLogged => Self::NotLogged,
            LineTexts::Readable(texts) => Self::Readable(texts.message.into_owned(), texts.answer.into_owned()),
            LineTexts::Erased => Self::WithoutKey,
        }
    }
}
