//! The texts of a turn in its line of the session log: none, sealed, or as they are.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    adapters::{
        session_log::Texts,
        storage::{ContentScope, Storage, StoredKey},
    },
    foundation::{config::LogContent, error_chain::ErrorChain},
    services::turn::{
        journal::{Journal, beginning},
        request::TurnRequest,
    },
};

/// The longest time that a turn waits for its key. Without a key, its texts are not logged.
const KEY_TIMEOUT: Duration = Duration::from_secs(2);

/// The form in which the texts of one turn are logged.
#[derive(Clone, Debug)]
pub(in crate::services::turn) enum TextLogging {
    /// Not at all.
    Off,
    /// Sealed with a key, which is stored.
    Sealed(Arc<StoredKey>),
    /// As they are.
    Plain,
}

/// The texts of a turn as its line holds them.
pub(super) enum LoggedTexts<'a> {
    None,
    Sealed { key: &'a str, sealed: String },
    Plain { message: &'a str, answer: String },
}

/// Decides how the texts of turns are logged.
#[derive(Debug)]
pub(in crate::services::turn) struct TextLogger {
    content: LogContent,
    storage: Storage,
}

impl TextLogger {
    pub(in crate::services::turn) fn new(content: LogContent, storage: Storage) -> Self {
        Self { content, storage }
    }

    /// Returns how the texts of a turn are logged. The first turn of a session stores its key, and waits for that, so that no
    /// line is ever sealed with a key that a crash could lose.
    pub(in crate::services::turn) async fn logging_of(&self, request: &TurnRequest) -> TextLogging {
        match self.content {
            LogContent::Off => TextLogging::Off,
            LogContent::Plain => TextLogging::Plain,
            LogContent::Sealed => self.stored_key(request).await.map_or(TextLogging::Off, TextLogging::Sealed),
        }
    }

    async fn stored_key(&self, request: &TurnRequest) -> Option<Arc<StoredKey>> {
        let scope = ContentScope {
            session: request.session_id.as_ref(),
            owner: request.owner(),
            chat: request.stored_chat.map(|stored_chat| stored_chat.chat),
        };
        let request_id = request.request_id.as_str();
        match timeout(KEY_TIMEOUT, self.storage.content_key(scope)).await {
            Ok(Ok(key)) => return key,
            Ok(Err(failure)) => {
                let failure = ErrorChain(&failure);
                tracing::warn!(request_id, %failure, "the texts of a turn are not logged: their key cannot be stored");
            }
            Err(_) => {
                tracing::warn!(request_id, "the texts of a turn are not logged: storing their key takes too long");
            }
        }
        None
    }
}

impl<'a> LoggedTexts<'a> {
    /// Returns the texts for a line, at most `max_bytes` of each.
    pub(super) fn new(logging: &'a TextLogging, request: &'a TurnRequest, journal: &Journal, max_bytes: usize) -> Self {
        if matches!(logging, TextLogging::Off) {
            return Self::None;
        }
        let (message, answer) = (beginning(request.question(), max_bytes), journal.text_beginning(max_bytes));
        let TextLogging::Sealed(stored) = logging else { return Self::Plain { message, answer } };
        let texts = Texts { message: message.into(), answer: answer.into() };
        let sealed = texts.seal(&stored.key, &request.request_id);
        sealed.map_or(Self::None, |sealed| Self::Sealed { key: &stored.id, sealed })
    }

    pub(super) fn content_key(&self) -> Option<&str> {
        if let Self::Sealed { key, .. } = self { Some(key) } else { None }
    }

    pub(super) fn sealed(&self) -> Option<&str> {
        if let Self::Sealed { sealed, .. } = self { Some(sealed) } else { None }
    }

    pub(super) fn message(&self) -> Option<&str> {
        if let Self::Plain { message, .. } = self { Some(message) } else { None }
    }

    pub(super) fn answer(&self) -> Option<&str> {
        if let Self::Plain { answer, .. } = self { Some(answer) } else { None }
    }
}
