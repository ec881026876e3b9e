//! Finds messages by their words. The one place where the databases are spoken to differently: each has an index of
//! its own for words.

use std::fmt::Write;

use super::{
    MessageId, Storage, StorageFailure, StoredMessage,
    database::{Pool, Work, sql},
    messages::message,
    number,
};
use crate::domain::{account::OwnerId, search_terms::words};

/// Words of a question that count.
const MOST: usize = 16;

/// A message that was found, and the title of its chat.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The message.
    pub message: StoredMessage,
    /// Its chat's title.
    pub title: String,
}

/// Lets a message be found by its words.
pub(super) async fn index(work: &mut Work, owner: OwnerId, id: MessageId, text: &str) -> Result<(), StorageFailure> {
    let words = words(text);
    match work {
        Work::Sqlite(_) => {
            let words = std::iter::once(mark(owner)).chain(words).collect::<Vec<_>>().join(" ");
            let indexing = sql("INSERT INTO message_words (rowid, words) VALUES ($1, $2)");
            indexing.bind(id.0).bind(words).execute(work).await?;
        }
        Work::Postgres(..) => {
            let words = words.iter().map(|word| owned(owner, word)).collect::<Vec<_>>().join(" ");
            let indexing = sql("INSERT INTO message_words (message_id, owner_id, words)
                 VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')))");
            indexing.bind(id.0).bind(owner.0).bind(words).execute(work).await?;
        }
    }
    Ok(())
}

/// What is looked for.
struct Search {
    owner: OwnerId,
    /// In the language of the database.
    wanted: String,
    before: MessageId,
    most: u64,
}

impl Storage {
    /// The owner's messages that hold all words of a question, at most so many: the latest ones in front of this one,
    /// without their images. A word of three or more letters may be the beginning of a longer one.
    pub async fn search(
        &self,
        owner: OwnerId,
        question: &str,
        before: MessageId,
        most: u64,
    ) -> Result<Vec<SearchResult>, StorageFailure> {
        let mut words = words(question);
        words.truncate(MOST);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let search = |wanted| Search { owner, wanted, before, most };
        match &self.read {
            Pool::Sqlite(_) => self.search_sqlite(&search(for_sqlite(owner, &words))).await,
            Pool::Postgres(_) => self.search_postgres(&search(for_postgres(owner, &words))).await,
        }
    }

    async fn search_sqlite(&self, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let all = "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.created_at, c.title
             FROM message_words
             JOIN messages m ON m.id = message_words.rowid
             JOIN chats c ON c.id = m.chat_id
             WHERE message_words MATCH $2 AND m.owner_id = $1 AND message_words.rowid < $3
             ORDER BY message_words.rowid DESC LIMIT $4";
        self.find(all, search).await
    }

    /// The index of words doesn't know which messages are the latest: it gives all that hold a word, which are many
    /// with a frequent one. Those are found soon by reading the latest messages, and then the index isn't asked. Which
    /// way is better is not left to the server, which doesn't know how frequent a word is with this owner.
    async fn search_postgres(&self, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let latest = "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.created_at, c.title
             FROM (SELECT message_id, words FROM message_words WHERE owner_id = $1 AND message_id < $3
                   ORDER BY message_id DESC LIMIT 2000) w
             JOIN messages m ON m.id = w.message_id
             JOIN chats c ON c.id = m.chat_id
             WHERE w.words @@ CAST($2 AS TSQUERY) AND m.owner_id = $1
             ORDER BY w.message_id DESC LIMIT $4";
        let found = self.find(latest, search).await?;
        if found.len() as u64 >= search.most {
            return Ok(found);
        }
        let all = "WITH w AS MATERIALIZED (SELECT message_id FROM message_words WHERE words @@ CAST($2 AS TSQUERY)),
                  last AS MATERIALIZED (SELECT message_id FROM w WHERE message_id < $3
                                        ORDER BY message_id DESC LIMIT $4)
             SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.created_at, c.title
             FROM last
             JOIN messages m ON m.id = last.message_id
             JOIN chats c ON c.id = m.chat_id
             WHERE m.owner_id = $1
             ORDER BY m.id DESC";
        self.find(all, search).await
    }

    async fn find(&self, text: &'static str, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let statement = sql(text).bind(search.owner.0).bind(&search.wanted).bind(search.before.0);
        let rows: Vec<Row> = statement.bind(number(search.most)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(found).collect())
    }
}

type Row = (i64, i64, i64, String, String, String, i64, i64, String);

fn found((id, chat, turn, sender, status, text, image_bytes, created_at, title): Row) -> SearchResult {
    SearchResult { message: message((id, chat, turn, sender, status, text, image_bytes, created_at)), title }
}

/// Whether a word is long enough to stand for all that begin with it.
fn is_beginning(word: &str) -> bool {
    word.chars().nth(2).is_some()
}

/// A word that is in all of the owner's messages, and in nobody else's; no text has it, for it isn't made of letters.
fn mark(owner: OwnerId) -> String {
    format!("\u{e000}{owner}")
}

/// The question in the language of SQLite's FTS5. Words hold nothing that would need escaping.
fn for_sqlite(owner: OwnerId, words: &[String]) -> String {
    let mut wanted = format!("\"{}\"", mark(owner));
    for word in words {
        // Writing to a string does not fail.
        let _ = write!(wanted, " AND \"{word}\"{}", if is_beginning(word) { " *" } else { "" });
    }
    wanted
}

/// A word that is the owner's alone: the index has a list of messages for each word, which should not hold those of
/// others.
fn owned(owner: OwnerId, word: &str) -> String {
    format!("{owner}\u{e000}{word}")
}

/// The question in the language of PostgreSQL's text search.
fn for_postgres(owner: OwnerId, words: &[String]) -> String {
    let word = |word: &String| format!("'{}'{}", owned(owner, word), if is_beginning(word) { ":*" } else { "" });
    words.iter().map(word).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::adapters::storage::migrations;

    const OWNER: OwnerId = OwnerId(7);

    /// The words of a message by which SQLite doesn't find it, or finds it for somebody else.
    async fn missed(text: &str) -> Vec<String> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        migrations::sqlite().await.unwrap().run(&pool).await.unwrap();
        let pool = Pool::Sqlite(pool);
        let mut work = pool.begin().await.unwrap();
        index(&mut work, OWNER, MessageId(1), text).await.unwrap();
        work.commit().await.unwrap();
        let mut missed = Vec::new();
        for word in words(text) {
            for (owner, expected) in [(OWNER, 1), (OwnerId(77), 0)] {
                let wanted = for_sqlite(owner, std::slice::from_ref(&word));
                let looking = sql("SELECT rowid FROM message_words WHERE message_words MATCH $1").bind(wanted);
                let found: Vec<(i64,)> = looking.fetch_all(&pool).await.unwrap();
                missed.extend(Some(word.clone()).filter(|_| found.len() != expected));
            }
        }
        missed
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_word_of_a_text_finds_it_for_its_owner_alone(text in "\\PC{0,60}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            prop_assert_eq!(runtime.block_on(missed(&text)), Vec::<String>::new());
        }
    }
}
