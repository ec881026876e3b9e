//! The texts of a turn and the comment on its answer, and their sealed form in a line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::foundation::secret::ContentKey;

/// The texts of a turn.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Texts<'a> {
    /// The user's message.
    pub message: Cow<'a, str>,
    /// The text of the answer.
    pub answer: Cow<'a, str>,
}

impl Texts<'_> {
    /// Seals the texts for the line of a request, whose field `sealed` the result is: base64 of a nonce (12 bytes), the texts
    /// as JSON, encrypted by AES-256-GCM with the request's id as associated data, and the tag (16 bytes). So they open
    /// only in the line of their own request.
    #[must_use]
    pub fn seal(&self, key: &ContentKey, request_id: &str) -> Option<String> {
        key.seal(serde_json::to_vec(self).ok()?, request_id)
    }
}

impl Texts<'static> {
    /// Opens the sealed texts of a request's line; `None` if they were sealed with another key or for another request.
    #[must_use]
    pub fn open(sealed: &str, key: &ContentKey, request_id: &str) -> Option<Self> {
        serde_json::from_slice(&key.open(sealed, request_id)?).ok()
    }
}

/// A comment on an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct CommentText<'a> {
    /// The comment.
    pub comment: Cow<'a, str>,
}

impl CommentText<'_> {
    /// Seals the comment for the line of feedback on a turn, as [`Texts::seal`] does. It does not open in the turn's own line.
    #[must_use]
    pub fn seal(&self, key: &ContentKey, request_id: &str) -> Option<String> {
        key.seal(serde_json::to_vec(self).ok()?, &comment_context(request_id))
    }
}

impl CommentText<'static> {
    /// Opens the sealed comment on a turn; `None` if it was sealed with another key or for another turn.
    #[must_use]
    pub fn open(sealed: &str, key: &ContentKey, request_id: &str) -> Option<Self> {
        serde_json::from_slice(&key.open(sealed, &comment_context(request_id))?).ok()
    }
}

fn comment_context(request_id: &str) -> String {
    format!("feedback {request_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_open_in_the_line_of_their_request_only() {
        let texts = Texts { message: "Grüße \"\n\0".into(), answer: "🙂".into() };
        let key = ContentKey::generate();
        let sealed = texts.seal(&key, "request-1").unwrap();
        assert_eq!(Texts::open(&sealed, &key, "request-1"), Some(texts));
        assert_eq!(Texts::open(&sealed, &key, "request-2"), None);
        assert_eq!(Texts::open(&sealed, &ContentKey::generate(), "request-1"), None);
    }

    #[test]
    fn a_comment_opens_in_feedback_on_its_turn_only() {
        let comment = CommentText { comment: "wrong price".into() };
        let key = ContentKey::generate();
        let sealed = comment.seal(&key, "request-1").unwrap();
        assert_eq!(CommentText::open(&sealed, &key, "request-1"), Some(comment));
        assert_eq!(CommentText::open(&sealed, &key, "request-2"), None);
        assert_eq!(Texts::open(&sealed, &key, "request-1"), None);
    }
}
