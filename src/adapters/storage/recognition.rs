//! Whose database it is, found out before anything is written to it.

use sqlx::{PgPool, SqliteConnection};

use super::migrations;

/// Where sqlx notes which migrations were made.
const MIGRATIONS: &str = "_sqlx_migrations";

/// So many tables of others are named.
const NAMED: usize = 4;

/// Letters of a table's name that are shown.
const LETTERS: usize = 40;

/// Whose database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// Nobody's yet: there are none.
    None,
    /// Those of al-chat, perhaps of another version.
    Ours,
    /// Those of another program, some of them by name.
    Others(String),
}

/// Looks at the tables of a SQLite file.
pub(super) async fn of_sqlite(database: &mut SqliteConnection) -> Result<Tables, sqlx::Error> {
    let names = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite@_%' ESCAPE '@'
         ORDER BY name",
    )
    .fetch_all(&mut *database)
    .await?;
    let first = if is_migrated(&names) { sqlx::query_scalar(FIRST).fetch_optional(database).await } else { Ok(None) };
    recognize(&names, first)
}

/// Looks at the tables where those of al-chat would be made: in the current schema. What an extension has made there is
/// no table of a program.
pub(super) async fn of_postgres(server: &PgPool) -> Result<Tables, sqlx::Error> {
    let names = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
         ORDER BY 1",
    )
    .fetch_all(server)
    .await?;
    let first = if is_migrated(&names) { sqlx::query_scalar(FIRST).fetch_optional(server).await } else { Ok(None) };
    recognize(&names, first)
}

/// The first migration that was made. Other programs that use sqlx have others.
const FIRST: &str = "SELECT description FROM _sqlx_migrations ORDER BY version LIMIT 1";

fn is_migrated(names: &[String]) -> bool {
    names.iter().any(|name| name == MIGRATIONS)
}

fn recognize(names: &[String], first: Result<Option<String>, sqlx::Error>) -> Result<Tables, sqlx::Error> {
    let first = match first {
        // A table of this name with other columns.
        Err(sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. }) => None,
        first => first?,
    };
    // A start that was killed early may have left that one, empty.
    let is_empty = names.iter().all(|name| name == MIGRATIONS) && first.is_none();
    if is_empty {
        return Ok(Tables::None);
    }
    if first.as_deref() == Some(migrations::FIRST) { Ok(Tables::Ours) } else { Ok(Tables::Others(listed(names))) }
}

/// Some of the names, for a person who should recognise the program by them.
fn listed(names: &[String]) -> String {
    let shown = |name: &String| name.chars().filter(|c| !c.is_control()).take(LETTERS).collect::<String>();
    let mut text = names.iter().take(NAMED).map(shown).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognized(names: &[&str], first: Option<&str>) -> Tables {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        recognize(&names, Ok(first.map(str::to_owned))).unwrap()
    }

    #[test]
    fn tables_are_ours_by_the_first_migration() {
        assert_eq!(recognized(&[], None), Tables::None);
        assert_eq!(recognized(&["_sqlx_migrations"], None), Tables::None);
        assert_eq!(recognized(&["_sqlx_migrations", "sessions"], Some(migrations::FIRST)), Tables::Ours);
        assert_eq!(recognized(&["_sqlx_migrations", "theirs"], Some(migrations::FIRST)), Tables::Ours);
        let others = |names: &str| Tables::Others(names.to_owned());
        assert_eq!(recognized(&["sessions"], None), others("sessions"));
        assert_eq!(recognized(&["_sqlx_migrations", "users"], None), others("_sqlx_migrations, users"));
        assert_eq!(recognized(&["_sqlx_migrations"], Some("create users")), others("_sqlx_migrations"));
        assert_eq!(recognized(&["a", "b", "c", "d", "e\n"], None), others("a, b, c, d, …"));
    }
}
