//! The text of an error together with the errors that caused it.

use std::{error::Error, fmt};

/// Formats an error and its sources for one line of the diagnostics, joined by colons.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.0).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// Returns the texts of an error's sources, the nearest first. Leaves out a source that the text before it already ends
/// with: some libraries put the source into their own text.
pub fn causes<'a>(error: &'a (dyn Error + 'a)) -> impl Iterator<Item = String> + use<'a> {
    let mut previous = error.to_string();
    std::iter::successors(error.source(), |&error| error.source()).filter_map(move |source| {
        let text = source.to_string();
        let is_new = !previous.ends_with(&text);
        previous.clone_from(&text);
        is_new.then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no answer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("connection lost: {0}")]
    struct Middle(#[source] io::Error);

    #[test]
    fn each_cause_is_printed_once() {
        let error = Outer(Middle(io::Error::other("timed out")));
        assert_eq!(ErrorChain(&error).to_string(), "no answer: connection lost: timed out");
        assert_eq!(causes(&error).collect::<Vec<_>>(), ["connection lost: timed out"]);
    }
}
