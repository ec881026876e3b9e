//! What a command says: to standard output what it was asked for, to standard error the rest.

use std::io::{ErrorKind, Write as _, stderr, stdout};

/// Writes to standard output. A reader that has read enough, such as `head`, is no failure.
pub(super) fn print(text: &str) {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&error);
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Tells the person at the terminal how a command is getting on.
pub(super) fn report(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(stderr().lock(), "al-chat: {text}");
}

/// An error with all its causes, for the person at the terminal.
pub(super) fn complain(error: &dyn std::error::Error) {
    report(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = writeln!(stderr().lock(), "  because: {cause}");
        source = cause.source();
    }
}
