//! The full-text index of messages, and the queries to it in the language of each database.
//!
//! Both databases index the same search terms. In the index of both, an owner's messages are apart from those of other
//! owners: an entry of the index lists all messages with a term, and a list over all owners could be long. (The table's
//! name is `message_words`.)

use std::fmt::Write;

use super::{database::Transaction, failure::StorageFailure, ids::MessageId, statement::sql};
use crate::domain::{account::OwnerId, search_terms::search_terms};

/// Adds the search terms of a message's text to the index.
pub(super) async fn insert(
    transaction: &mut Transaction,
    owner: OwnerId,
    id: MessageId,
    text: &str,
) -> Result<(), StorageFailure> {
    let terms = search_terms(text);
    match transaction {
        Transaction::Sqlite(_) => {
            let words = std::iter::once(owner_marker(owner)).chain(terms).collect::<Vec<_>>().join(" ");
            let statement = sql("INSERT INTO message_words (rowid, words) VALUES ($1, $2)");
            statement.bind(id.0).bind(words).execute(transaction).await?;
        }
        Transaction::Postgres(..) => {
            let words = terms.iter().map(|term| term_of_owner(owner, term)).collect::<Vec<_>>().join(" ");
            let statement = sql("INSERT INTO message_words (message_id, owner_id, words)
                 VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')))");
            statement.bind(id.0).bind(owner.0).bind(words).execute(transaction).await?;
        }
    }
    Ok(())
}

/// Replaces the search terms of a message.
pub(super) async fn replace(
    transaction: &mut Transaction,
    owner: OwnerId,
    id: MessageId,
    text: &str,
) -> Result<(), StorageFailure> {
    let delete = match transaction {
        Transaction::Sqlite(_) => "DELETE FROM message_words WHERE rowid = $1",
        Transaction::Postgres(..) => "DELETE FROM message_words WHERE message_id = $1",
    };
    sql(delete).bind(id.0).execute(&mut *transaction).await?;
    insert(transaction, owner, id, text).await
}

/// Returns a query for SQLite's FTS5 for an owner's messages with all terms. Terms hold no character that FTS5 would need
/// to have escaped.
pub(super) fn sqlite_query(owner: OwnerId, terms: &[String]) -> String {
    let mut query = format!("\"{}\"", owner_marker(owner));
    for term in terms {
        // Writing to a string does not fail.
        let _ = write!(query, " AND \"{term}\"{}", if matches_prefix(term) { " *" } else { "" });
    }
    query
}

/// Returns a query for PostgreSQL's text search for an owner's messages with all terms.
pub(super) fn postgres_query(owner: OwnerId, terms: &[String]) -> String {
    let quoted = |term: &String| {
        let suffix = if matches_prefix(term) { ":*" } else { "" };
        format!("'{}'{suffix}", term_of_owner(owner, term))
    };
    terms.iter().map(quoted).collect::<Vec<_>>().join(" & ")
}

/// Returns whether a term is long enough to match all terms that begin with it.
fn matches_prefix(term: &str) -> bool {
    term.chars().nth(2).is_some()
}

/// Returns a term that SQLite's index holds for all messages of one owner. It is no term of any text, because its first
/// character, of a private-use area, is no letter.
fn owner_marker(owner: OwnerId) -> String {
    format!("\u{e000}{owner}")
}

/// Returns a term with its owner in front, as PostgreSQL's index holds it.
fn term_of_owner(owner: OwnerId, term: &str) -> String {
    format!("{owner}\u{e000}{term}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::adapters::storage::{
        database::{Pool, SqliteConnections},
        migrations,
    };

    const OWNER: OwnerId = OwnerId(7);

    /// Returns the terms of a message by which SQLite does not find it, or finds it for another owner.
    async fn wrong_terms(text: &str) -> Vec<String> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        migrations::sqlite().await.unwrap().run(&pool).await.unwrap();
        let pool = Pool::Sqlite(SqliteConnections { connections: pool, file: None });
        let mut transaction = pool.begin().await.unwrap();
        insert(&mut transaction, OWNER, MessageId(1), text).await.unwrap();
        transaction.commit().await.unwrap();
        let mut wrong = Vec::new();
        for term in search_terms(text) {
            for (owner, expected) in [(OWNER, 1), (OwnerId(77), 0)] {
                let query = sqlite_query(owner, std::slice::from_ref(&term));
                let statement = sql("SELECT rowid FROM message_words WHERE message_words MATCH $1").bind(query);
                let found: Vec<(i64,)> = statement.fetch_all(&pool).await.unwrap();
                wrong.extend(Some(term.clone()).filter(|_| found.len() != expected));
            }
        }
        wrong
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_term_finds_the_message_for_its_owner_only(text in "\\PC{0,60}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            prop_assert_eq!(runtime.block_on(wrong_terms(&text)), Vec::<String>::new());
        }
    }
}
