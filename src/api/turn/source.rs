//! A page that an answer is based on.

use poem_openapi::Object;
use serde::Serialize;

use crate::domain::prompt::Source;

/// A page that an answer is based on, as the owner's context hook names it.
#[derive(Clone, Debug, Object, Serialize)]
pub(in crate::api) struct AnswerSource {
    /// The title, plain text of at most 200 characters.
    title: String,
    /// The address, `http` or `https`.
    url: String,
}

impl AnswerSource {
    /// Returns the sources of an answer; `None` if there are none.
    pub(in crate::api) fn all(sources: Vec<Source>) -> Option<Vec<Self>> {
        let sources = sources.into_iter().map(|Source { title, url }| Self { title, url }).collect::<Vec<_>>();
        Some(sources).filter(|sources| !sources.is_empty())
    }

    /// Returns the page as a link in Markdown.
    pub(in crate::api) fn markdown_link(&self) -> String {
        // A title is plain text, so what Markdown would read as its own has backslashes.
        let title =
            self.title.chars().flat_map(|char| char.is_ascii_punctuation().then_some('\\').into_iter().chain([char]));
        // An address that was parsed has none of the characters that would end it here.
        format!("[{}](<{}>)", title.collect::<String>(), self.url)
    }
}
