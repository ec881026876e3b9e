//! The texts of turns. Sealed ones are read with the keys in the database.

use std::{path::Path, process::ExitCode};

use super::super::{configuration, usage_error};
use crate::{
    adapters::storage::StorageFailure,
    foundation::config,
    services::logged_texts::{LineTexts, TextReader},
};

/// Reads the texts of lines. The settings and the database are read only if a line has sealed texts. If they cannot be read,
/// the error is printed, its exit code is returned as well, and sealed lines have `None`.
pub(super) fn read(lines: &[Vec<u8>], env_file: &Path) -> (Vec<Option<LineTexts>>, Result<(), ExitCode>) {
    let unread = || lines.iter().map(|line| (!is_sealed(line)).then_some(LineTexts::NotLogged)).collect::<Vec<_>>();
    if !lines.iter().any(|line| is_sealed(line)) {
        return (unread(), Ok(()));
    }
    match configuration(env_file).and_then(|config| read_sealed(lines, &config.database)) {
        Ok(texts) => (texts, Ok(())),
        Err(code) => (unread(), Err(code)),
    }
}

fn is_sealed(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"\"sealed\"").is_some()
}

fn read_sealed(lines: &[Vec<u8>], database: &config::Database) -> Result<Vec<Option<LineTexts>>, ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| usage_error(&error))?;
    runtime.block_on(async {
        let mut reader = TextReader::open(database).await.map_err(|failure| usage_error(&failure))?;
        let texts = read_all(&mut reader, lines).await;
        reader.close().await.map_err(|failure| usage_error(&failure))?;
        texts.map_err(|failure| usage_error(&failure))
    })
}

async fn read_all(reader: &mut TextReader, lines: &[Vec<u8>]) -> Result<Vec<Option<LineTexts>>, StorageFailure> {
    let mut texts = Vec::new();
    for line in lines {
        texts.push(Some(reader.read(line).await?));
    }
    Ok(texts)
}
