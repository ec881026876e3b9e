//! Output of commands: results to standard output, status and errors to standard error.

use std::{
    io::{ErrorKind, Write as _, stderr, stdout},
    ops::ControlFlow,
};

use crate::foundation::error_chain::causes;

/// Writes to standard output. A closed pipe, as `head` leaves it, is no error; after any other error the process exits.
pub(super) fn print(text: &str) {
    let _ = print_bytes(text.as_bytes());
}

/// Writes bytes to standard output as [`print`](fn@print) does. Breaks if nobody reads them.
pub(super) fn print_bytes(bytes: &[u8]) -> ControlFlow<()> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ControlFlow::Break(()),
        Err(error) => {
            print_error(&error);
            std::process::exit(1);
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
        let _ = writeln!(stderr().lock(), "  because: {cause}");
    }
}
