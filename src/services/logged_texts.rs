//! The texts of turns and feedback in lines of the session log, as far as they can be read.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    adapters::{
        session_log::{CommentText, Event, FeedbackLine, Texts},
        storage::{ContentKeyReader, DatabaseReadFailure, Storage, StorageFailure, StoredKey},
    },
    foundation::config,
};

/// The fields of a `chat` or `feedback` line that hold its texts.
#[derive(Deserialize)]
struct TextFields {
    event: String,
    request_id: String,
    content_key: Option<String>,
    sealed: Option<String>,
    message: Option<String>,
    answer: Option<String>,
    comment: Option<String>,
}

/// The texts of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineTexts {
    /// The line has no texts.
    NotLogged,
    /// The line has these texts, openly or sealed.
    Readable(Texts<'static>),
    /// The line has this comment on an answer, openly or sealed.
    Comment(String),
    /// The line has sealed texts whose key is not in this database: it was erased, or is in another one.
    NoKey,
    /// The line has sealed texts that their key does not open: they, or the id of their turn, are not as they were written.
    Altered,
}

/// Reads the texts of lines with the keys of a database that a service may be using. Nothing is changed there.
#[derive(Debug)]
pub struct TextReader(ContentKeyReader);

impl TextReader {
    /// Opens the database for reading. Fails if there is none. A process that has opened a SQLite file otherwise must not call
    /// this.
    pub async fn open(settings: &config::Database) -> Result<Self, DatabaseReadFailure> {
        Ok(Self(ContentKeyReader::open(settings).await?))
    }

    /// Returns the texts of a line of the session log.
    pub async fn read(&mut self, line: &[u8]) -> Result<LineTexts, StorageFailure> {
        texts_of(line, async |id| self.0.key(id).await).await
    }

    /// Closes the database. Fails if a process has changed it meanwhile, so that texts may be missing.
    pub async fn close(self) -> Result<(), DatabaseReadFailure> {
        self.0.close().await
    }
}

/// Returns the texts of a line of the session log, with the keys of the service's own database.
pub async fn read_own_texts(storage: &Storage, line: &[u8]) -> Result<LineTexts, StorageFailure> {
    texts_of(line, async |id| Ok(storage.content_key_with_id(id).await?.map(Arc::new))).await
}

async fn texts_of(
    line: &[u8],
    key_of: impl AsyncFnOnce(&str) -> Result<Option<Arc<StoredKey>>, StorageFailure>,
) -> Result<LineTexts, StorageFailure> {
    let Ok(fields) = serde_json::from_slice::<TextFields>(line) else { return Ok(LineTexts::NotLogged) };
    let TextFields { event, request_id, content_key, sealed, message, answer, comment } = fields;
    let is_feedback = event == FeedbackLine::NAME;
    if let Some(comment) = comment.filter(|_| is_feedback) {
        return Ok(LineTexts::Comment(comment));
    }
    if let (Some(message), Some(answer)) = (message, answer) {
        return Ok(LineTexts::Readable(Texts { message: message.into(), answer: answer.into() }));
    }
    let Some((id, sealed)) = content_key.zip(sealed) else { return Ok(LineTexts::NotLogged) };
    let Some(stored) = key_of(&id).await? else { return Ok(LineTexts::NoKey) };
    let texts = if is_feedback {
        let comment = CommentText::open(&sealed, &stored.key, &request_id);
        comment.map(|text| LineTexts::Comment(text.comment.into_owned()))
    } else {
        Texts::open(&sealed, &stored.key, &request_id).map(LineTexts::Readable)
    };
    Ok(texts.unwrap_or(LineTexts::Altered))
}
