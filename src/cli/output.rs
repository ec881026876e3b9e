//! Output of commands: results to standard output, status and errors to standard error.

use std::{
    fmt::Display,
    io::{ErrorKind, Write as _, stderr, stdout},
    ops::ControlFlow,
};

use clap::ValueEnum;
use serde::Serialize;

use crate::foundation::error_chain::causes;

/// The form in which a command prints lines or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// Returns a document as indented JSON, with a line feed.
pub(super) fn pretty_json(document: &impl Serialize) -> String {
    // Texts and numbers are always encodable.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// Writes to standard output. A closed pipe, as `head` leaves it, is no error; after any other error the process exits.
pub(super) fn print(text: &str) {
    let _ = print_bytes(text.as_bytes(), 1);
}

/// Writes bytes to standard output as [`print`](fn@print) does, with this exit code after an error. Breaks if nobody reads them.
pub(super) fn print_bytes(bytes: &[u8], code: u8) -> ControlFlow<()> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ControlFlow::Break(()),
        Err(error) => {
            print_status("standard output cannot be written; check the disk or the program that reads it");
            print_cause(&error);
            std::process::exit(code.into());
        }
    }
}

/// Prints a line about the progress of a command to standard error.
pub(super) fn print_status(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(stderr().lock(), "al-chat: {text}");
}

/// Prints an error with all its causes to standard error.
pub(super) fn print_error(error: &dyn std::error::Error) {
    print_status(&error.to_string());
    for cause in causes(error) {
        print_cause(&cause);
    }
}

fn print_cause(cause: &dyn Display) {
    let _ = writeln!(stderr().lock(), "  because: {cause}");
}
