//! Finds messages by their words. The one place where the databases are spoken to differently: each has an index of
//! its own for words.

use std::fmt::Write;

use super::{
    MessageId, Storage, StorageFailure, StoredMessage,
    database::{Pool, Work, sql},
    messages::message,
    number,
};
use crate::{account::OwnerId, words::words};

/// Words of a question that count.
const MOST: usize = 16;

/// A message that was found, and the title of its chat.
#[derive(Clone, Debug)]
pub struct Found {
    /// The message.
    pub message: StoredMessage,
    /// Its chat's title.
    pub title: String,
}

/// Lets a message be found by its words.
pub(super) async fn index(work: &mut Work, owner: OwnerId, id: MessageId, text: &str) -> Result<(), StorageFailure> {
    let words = words(text).join(" ");
    let indexing = match work {
        Work::Sqlite(_) => sql("INSERT INTO message_words (rowid, owner, words) VALUES ($1, CAST($2 AS TEXT), $3)"),
        Work::Postgres(..) => sql("INSERT INTO message_words (message_id, owner_id, words)
             VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')))"),
    };
    indexing.bind(id.0).bind(owner.0).bind(words).execute(work).await?;
    Ok(())
}

impl Storage {
    /// The owner's messages that hold all words of a question, at most so many: the latest ones in front of this one.
    /// A word of three or more letters may be the beginning of a longer one.
    pub async fn search(
        &self,
        owner: OwnerId,
        question: &str,
        before: MessageId,
        most: u64,
    ) -> Result<Vec<Found>, StorageFailure> {
        let mut words = words(question);
        words.truncate(MOST);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let (text, wanted) = match &self.read {
            Pool::Sqlite(_) => (
                "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, i.url, m.created_at, c.title
                 FROM message_words
                 JOIN messages m ON m.id = message_words.rowid
                 JOIN chats c ON c.id = m.chat_id
                 LEFT JOIN message_images i ON i.message_id = m.id AND m.has_image = 1
                 WHERE message_words MATCH $2 AND m.owner_id = $1 AND message_words.rowid < $3
                 ORDER BY message_words.rowid DESC LIMIT $4",
                for_sqlite(owner, &words),
            ),
            Pool::Postgres(_) => (
                "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, i.url, m.created_at, c.title
                 FROM message_words w
                 JOIN messages m ON m.id = w.message_id
                 JOIN chats c ON c.id = m.chat_id
                 LEFT JOIN message_images i ON i.message_id = m.id AND m.has_image = 1
                 WHERE w.words @@ CAST($2 AS TSQUERY) AND w.owner_id = $1 AND m.owner_id = $1 AND w.message_id < $3
                 ORDER BY w.message_id DESC LIMIT $4",
                for_postgres(&words),
            ),
        };
        let rows: Vec<Row> =
            sql(text).bind(owner.0).bind(wanted).bind(before.0).bind(number(most)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(found).collect())
    }
}

type Row = (i64, i64, i64, String, String, String, Option<String>, i64, String);

fn found((id, chat, turn, sender, status, text, image, created_at, title): Row) -> Found {
    Found { message: message((id, chat, turn, sender, status, text, image, created_at)), title }
}

/// Whether a word is long enough to stand for all that begin with it.
fn is_beginning(word: &str) -> bool {
    word.chars().nth(2).is_some()
}

/// The question in the language of SQLite's FTS5. Words hold nothing that would need escaping.
fn for_sqlite(owner: OwnerId, words: &[String]) -> String {
    let mut wanted = format!("owner : \"{owner}\"");
    for word in words {
        // Writing to a string does not fail.
        let _ = write!(wanted, " AND words : \"{word}\"{}", if is_beginning(word) { " *" } else { "" });
    }
    wanted
}

/// The question in the language of PostgreSQL's text search.
fn for_postgres(words: &[String]) -> String {
    let word = |word: &String| format!("'{word}'{}", if is_beginning(word) { ":*" } else { "" });
    words.iter().map(word).collect::<Vec<_>>().join(" & ")
}
