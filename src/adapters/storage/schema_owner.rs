//! Finds out which program the tables of a database belong to, before anything is written to it.

use sqlx::{PgConnection, SqliteConnection};

use super::migrations;

/// The table in which sqlx records the migrations that it has made.
const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// The largest number of tables that an error message names.
const MAX_LISTED_TABLES: usize = 4;

/// The largest number of characters of a table's name that an error message shows.
const MAX_NAME_CHARS: usize = 40;

/// The program that the tables of a database belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SchemaOwner {
    /// No program: there are no tables.
    None,
    /// This program, perhaps another version of it.
    AlChat,
    /// Another program; with the names of some of its tables.
    OtherProgram(String),
}

/// Returns the owner of the tables in a SQLite file.
pub(super) async fn owner_of_sqlite(database: &mut SqliteConnection) -> Result<SchemaOwner, sqlx::Error> {
    let names = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite@_%' ESCAPE '@'
         ORDER BY name",
    )
    .fetch_all(&mut *database)
    .await?;
    let first = if has_migrations_table(&names) {
        sqlx::query_scalar(SELECT_FIRST_DESCRIPTION).fetch_optional(database).await
    } else {
        Ok(None)
    };
    owner(&names, first)
}

/// Returns the owner of the tables in the current schema of a PostgreSQL database, where al-chat would make its own.
/// Tables made by an extension do not count.
pub(super) async fn owner_of_postgres(server: &mut PgConnection) -> Result<SchemaOwner, sqlx::Error> {
    let names = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
         ORDER BY 1",
    )
    .fetch_all(&mut *server)
    .await?;
    let first = if has_migrations_table(&names) {
        sqlx::query_scalar(SELECT_FIRST_DESCRIPTION).fetch_optional(server).await
    } else {
        Ok(None)
    };
    owner(&names, first)
}

/// Selects the description of the first migration. Other programs that use sqlx have another one.
const SELECT_FIRST_DESCRIPTION: &str = "SELECT description FROM _sqlx_migrations ORDER BY version LIMIT 1";

fn has_migrations_table(names: &[String]) -> bool {
    names.iter().any(|name| name == MIGRATIONS_TABLE)
}

fn owner(names: &[String], first: Result<Option<String>, sqlx::Error>) -> Result<SchemaOwner, sqlx::Error> {
    let first = match first {
        // The table has this name but other columns: it is not sqlx's.
        Err(sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. }) => None,
        first => first?,
    };
    // A first start that was killed early may have left an empty table of migrations.
    let is_empty = names.iter().all(|name| name == MIGRATIONS_TABLE) && first.is_none();
    if is_empty {
        return Ok(SchemaOwner::None);
    }
    if first.as_deref() == Some(migrations::FIRST_DESCRIPTION) {
        Ok(SchemaOwner::AlChat)
    } else {
        Ok(SchemaOwner::OtherProgram(listed(names)))
    }
}

/// Returns the first few names, by which a person can recognize the program.
fn listed(names: &[String]) -> String {
    let shown = |name: &String| name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect::<String>();
    let mut text = names.iter().take(MAX_LISTED_TABLES).map(shown).collect::<Vec<_>>().join(", ");
    if names.len() > MAX_LISTED_TABLES {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner_of(names: &[&str], first: Option<&str>) -> SchemaOwner {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        owner(&names, Ok(first.map(str::to_owned))).unwrap()
    }

    #[test]
    fn the_first_migration_identifies_the_owner() {
        assert_eq!(owner_of(&[], None), SchemaOwner::None);
        assert_eq!(owner_of(&["_sqlx_migrations"], None), SchemaOwner::None);
        assert_eq!(
            owner_of(&["_sqlx_migrations", "sessions"], Some(migrations::FIRST_DESCRIPTION)),
            SchemaOwner::AlChat
        );
        assert_eq!(owner_of(&["_sqlx_migrations", "notes"], Some(migrations::FIRST_DESCRIPTION)), SchemaOwner::AlChat);
        let other = |names: &str| SchemaOwner::OtherProgram(names.to_owned());
        assert_eq!(owner_of(&["sessions"], None), other("sessions"));
        assert_eq!(owner_of(&["_sqlx_migrations", "users"], None), other("_sqlx_migrations, users"));
        assert_eq!(owner_of(&["_sqlx_migrations"], Some("create users")), other("_sqlx_migrations"));
        assert_eq!(owner_of(&["a", "b", "c", "d", "e\n"], None), other("a, b, c, d, …"));
    }
}
