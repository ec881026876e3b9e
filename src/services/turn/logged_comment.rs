//! Comments on answers in the form in which they are logged.

use crate::{
    adapters::{
        session_log::{CommentText, LoggedRating},
        storage::{AnsweredTurn, Storage, StorageFailure},
    },
    domain::feedback::Comment,
    foundation::config::LogContent,
};

/// A comment in the form in which it is logged.
pub(super) struct LoggedComment {
    /// The mark by which the comment is recognized.
    pub(super) mark: String,
    /// The sealed comment; `None` if texts are logged openly.
    pub(super) sealed: Option<String>,
}

impl LoggedComment {
    /// Returns a comment as it is to be logged; `None` if texts are not logged, or those of the turn were not or were erased.
    pub(super) async fn new(
        comment: &Comment,
        content: LogContent,
        request_id: &str,
        turn: &AnsweredTurn,
        storage: &Storage,
    ) -> Result<Option<Self>, StorageFailure> {
        let text = comment.expose();
        match (content, &turn.origin.content_key) {
            (LogContent::Plain, _) => Ok(Some(Self { mark: open_mark(text), sealed: None })),
            (LogContent::Sealed, Some(id)) => {
                let Some(stored) = storage.content_key_reader().key(id).await? else { return Ok(None) };
                let sealed = CommentText { comment: text.into() }.seal(&stored.key, request_id);
                Ok(sealed.map(|sealed| Self { mark: stored.key.mark(text), sealed: Some(sealed) }))
            }
            (LogContent::Sealed, None) | (LogContent::Off, _) => Ok(None),
        }
    }
}

/// Returns the mark of the comment in a line; `None` without a comment, or if it cannot be read any more.
pub(super) async fn mark_in(line: &LoggedRating, storage: &Storage) -> Result<Option<String>, StorageFailure> {
    if let Some(text) = &line.comment {
        return Ok(Some(open_mark(text)));
    }
    let Some((id, sealed)) = line.content_key.as_ref().zip(line.sealed.as_ref()) else { return Ok(None) };
    let Some(stored) = storage.content_key_reader().key(id).await? else { return Ok(None) };
    let text = CommentText::open(sealed, &stored.key, &line.request_id);
    Ok(text.map(|text| stored.key.mark(&text.comment)))
}

/// Returns the mark of a comment that is logged openly. That of a sealed one is a hash with its key, which says nothing without the key.
fn open_mark(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
