//! Mistakes in the configuration file.

use std::{cell::RefCell, path::Path};

/// A mistake in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// A description of what is valid there.
    pub expected: String,
}

impl Mistake {
    /// Returns what is expected, with the line and the file.
    #[must_use]
    pub fn in_file(&self, path: &Path) -> String {
        format!("{} in line {} of {}", self.expected, self.line, path.display())
    }
}

/// A line of the file. All lines are equal, so that what has only moved is the same as before.
#[derive(Clone, Copy, Debug, Eq)]
pub(in crate::foundation::config) struct Line(pub(in crate::foundation::config) usize);

impl PartialEq for Line {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The mistakes that are found in a text.
pub(super) struct Mistakes<'a> {
    text: &'a str,
    found: RefCell<Vec<Mistake>>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Adds a mistake at a position of the text, in bytes. Values are not repeated, as they may be misplaced secrets.
    pub(super) fn add(&self, at: usize, expected: impl Into<String>) {
        self.found.borrow_mut().push(Mistake { line: self.line(at), expected: expected.into() });
    }

    /// Returns the line of a position.
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// Returns the mistakes in the order of the text.
    pub(super) fn into_sorted(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort();
        found
    }
}
