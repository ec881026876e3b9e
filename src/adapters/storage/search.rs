//! Full-text search in an owner's messages. Its statements and those of the search index are the only ones
//! that differ between the databases.

use super::{
    column_values::to_integer,
    database::Pool,
    failure::StorageFailure,
    handle::Storage,
    ids::MessageId,
    search_index::{postgres_query, sqlite_query},
    statement::sql,
    stored_message::{StoredMessage, message},
};
use crate::domain::{account::OwnerId, search_terms::search_terms};

/// The largest number of search terms in a query; further terms are ignored.
const MAX_TERMS: usize = 16;

/// A message that matches a search.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The message, without its image.
    pub message: StoredMessage,
    /// The title of the message's chat.
    pub title: String,
}

/// The parameters of a search.
struct Search {
    owner: OwnerId,
    /// The query in the language of the database.
    query: String,
    before: MessageId,
    limit: u64,
}

impl Storage {
    /// Returns an owner's messages that match all search terms of a text: those with a number below `before`, at most
    /// `limit`, the latest first, without their images. A term of three or more letters also matches longer terms that begin
    /// with it.
    pub async fn search(
        &self,
        owner: OwnerId,
        text: &str,
        before: MessageId,
        limit: u64,
    ) -> Result<Vec<SearchResult>, StorageFailure> {
        let mut terms = search_terms(text);
        terms.truncate(MAX_TERMS);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let search = |query| Search { owner, query, before, limit };
        match &self.read {
            Pool::Sqlite(_) => self.search_sqlite(&search(sqlite_query(owner, &terms))).await,
            Pool::Postgres(_) => self.search_postgres(&search(postgres_query(owner, &terms))).await,
        }
    }

    async fn search_sqlite(&self, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let all = "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.sources,
                    m.created_at, c.title
             FROM message_words
             JOIN messages m ON m.id = message_words.rowid
             JOIN chats c ON c.id = m.chat_id
             WHERE message_words MATCH $2 AND m.owner_id = $1 AND message_words.rowid < $3
             ORDER BY message_words.rowid DESC LIMIT $4";
        self.run_search(all, search).await
    }

    /// Searches the owner's latest 2000 messages one by one, and uses the index only if these contain too few matches.
    ///
    /// PostgreSQL's index is not ordered by message: for a frequent term it returns many messages that must then be sorted,
    /// while the latest messages contain enough matches. PostgreSQL's planner does not choose between the two ways, because it
    /// has no statistics of terms for each owner.
    async fn search_postgres(&self, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let latest = "SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.sources,
                    m.created_at, c.title
             FROM (SELECT message_id, words FROM message_words WHERE owner_id = $1 AND message_id < $3
                   ORDER BY message_id DESC LIMIT 2000) w
             JOIN messages m ON m.id = w.message_id
             JOIN chats c ON c.id = m.chat_id
             WHERE w.words @@ CAST($2 AS TSQUERY) AND m.owner_id = $1
             ORDER BY w.message_id DESC LIMIT $4";
        let found = self.run_search(latest, search).await?;
        if found.len() as u64 >= search.limit {
            return Ok(found);
        }
        let all = "WITH w AS MATERIALIZED (SELECT message_id FROM message_words WHERE words @@ CAST($2 AS TSQUERY)),
                  last AS MATERIALIZED (SELECT message_id FROM w WHERE message_id < $3
                                        ORDER BY message_id DESC LIMIT $4)
             SELECT m.id, m.chat_id, m.turn, m.sender, m.status, m.text, m.image_bytes, m.sources,
                    m.created_at, c.title
             FROM last
             JOIN messages m ON m.id = last.message_id
             JOIN chats c ON c.id = m.chat_id
             WHERE m.owner_id = $1
             ORDER BY m.id DESC";
        self.run_search(all, search).await
    }

    async fn run_search(&self, text: &'static str, search: &Search) -> Result<Vec<SearchResult>, StorageFailure> {
        let statement = sql(text).bind(search.owner.0).bind(&search.query).bind(search.before.0);
        let rows: Vec<SearchRow> = statement.bind(to_integer(search.limit)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(search_result).collect())
    }
}

/// The columns of a message and the title of its chat.
type SearchRow = (i64, i64, i64, String, String, String, i64, Option<String>, i64, String);

fn search_result(
    (id, chat, turn, sender, status, text, image_bytes, sources, created_at, title): SearchRow,
) -> SearchResult {
    SearchResult { message: message((id, chat, turn, sender, status, text, image_bytes, sources, created_at)), title }
}
