//! Colours on a terminal.

use std::{
    env,
    io::{IsTerminal as _, stdout},
};

/// The colours of standard output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    is_terminal: bool,
    has_colours: bool,
}

/// The meaning of a coloured text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What is of less interest, such as times.
    Minor,
    /// A turn that was answered.
    Good,
    /// A turn that was cut off, and other things to look at.
    Notable,
    /// An error.
    Bad,
    /// The begin or the end of a session or of the service.
    Frame,
}

impl Palette {
    /// Returns colours if standard output is a terminal, unless `NO_COLOR` is set.
    #[expect(clippy::disallowed_methods, reason = "a preference for all programs, not a setting of this one")]
    pub(super) fn of_output() -> Self {
        let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_terminal = stdout().is_terminal();
        Self { is_terminal, has_colours: is_terminal && !is_unwanted }
    }

    /// Returns whether standard output is a terminal.
    pub(super) fn is_terminal(self) -> bool {
        self.is_terminal
    }

    /// Returns a text in the colour of its role.
    pub(super) fn paint(self, role: Role, text: &str) -> String {
        if !self.has_colours || text.is_empty() {
            return text.to_owned();
        }
        let code = match role {
            Role::Minor => 2,
            Role::Good => 32,
            Role::Notable => 33,
            Role::Bad => 31,
            Role::Frame => 36,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
