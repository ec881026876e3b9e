//! The rows of all files, in sections.

use std::collections::BTreeSet;

use super::{
    accounts, bearers, credentials,
    kind::{ErrorKind, TurnErrorKind},
    models, requests, resources, turns,
};

/// A group of rows with the heading for `docs/errors.md`.
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) rows: Rows,
}

/// The rows of a section.
pub(super) enum Rows {
    /// Errors of requests for which no model is asked.
    Request(&'static [&'static ErrorKind]),
    /// Errors that can end a turn.
    Turn(&'static [&'static TurnErrorKind]),
}

impl Section {
    /// Returns the columns that every error has, for all rows of the section.
    fn errors(&self) -> Vec<&'static ErrorKind> {
        match self.rows {
            Rows::Request(rows) => rows.to_vec(),
            Rows::Turn(rows) => rows.iter().map(|row| &row.error).collect(),
        }
    }
}

/// The whole table.
pub(super) const SECTIONS: [Section; 7] = [
    Section { heading: "The request", rows: Rows::Request(requests::ROWS) },
    Section { heading: "Resources and content", rows: Rows::Request(resources::ROWS) },
    Section { heading: "Accounts and tokens", rows: Rows::Request(accounts::ROWS) },
    Section { heading: "API keys and tickets", rows: Rows::Request(bearers::ROWS) },
    Section { heading: "Turns", rows: Rows::Turn(turns::ROWS) },
    Section { heading: "The API key", rows: Rows::Turn(credentials::ROWS) },
    Section { heading: "The model", rows: Rows::Turn(models::ROWS) },
];

/// Returns the codes of all errors, each once, in alphabetical order.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    let codes = SECTIONS.iter().flat_map(Section::errors).map(|row| row.code).collect::<BTreeSet<_>>();
    codes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_snake_case() {
        assert!(codes().iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn statuses_are_of_errors_and_texts_are_sentences() {
        for row in SECTIONS.iter().flat_map(Section::errors) {
            assert!((400..600).contains(&row.status), "{}", row.code);
            assert!(row.meaning.ends_with('.') && row.action.ends_with('.'), "{}", row.code);
            assert!(!row.sentence.is_empty() && !row.sentence.ends_with('.'), "{}", row.code);
        }
    }

    #[test]
    fn a_failure_that_is_retried_may_fall_back() {
        for section in &SECTIONS {
            if let Rows::Turn(rows) = section.rows {
                let retried = |row: &&&TurnErrorKind| row.is_transient || row.counts_against_breaker;
                assert!(rows.iter().filter(retried).all(|row| row.should_fall_back), "{}", section.heading);
            }
        }
    }
}
