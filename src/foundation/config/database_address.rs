//! The database's address, `DATABASE_URL`: a SQLite file or a PostgreSQL server.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Url, form_urlencoded};

/// The address of a database.
#[derive(Clone, Debug)]
pub enum DatabaseAddress {
    /// A SQLite file.
    Sqlite(SqliteAddress),
    /// The URL of a PostgreSQL database, which may hold a password.
    Postgres(SecretString),
}

/// The address of a SQLite file. Slashes mean the same as in SQLAlchemy: three begin a path in the working directory, four an
/// absolute path. The shorter forms `sqlite://file`, `sqlite:file` and `sqlite:/absolute/file` are valid as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteAddress {
    /// The path of the file; a relative one starts at the working directory.
    pub path: PathBuf,
    /// Whether the address has three slashes, which other programs read as an absolute path.
    pub has_three_slashes: bool,
    /// Whether a missing file is created; not with `?mode=rw`.
    pub create: bool,
    /// Names of parameters that have no effect here; they are meant for other programs.
    pub ignored: Vec<String>,
}

impl DatabaseAddress {
    /// Parses an address. Returns `None` for other kinds of databases, and for databases in memory or read-only ones.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        // SQLAlchemy appends its driver after a plus sign, as in `postgresql+psycopg2`.
        match scheme.split('+').next()? {
            "sqlite" | "sqlite3" => SqliteAddress::parse(rest).map(Self::Sqlite),
            database @ ("postgres" | "postgresql") => {
                let url = format!("{database}:{rest}");
                let is_server = rest.starts_with("//") && Url::parse(&url).is_ok();
                is_server.then(|| Self::Postgres(url.into()))
            }
            _ => None,
        }
    }
}

impl SqliteAddress {
    /// Parses the part of an address after `sqlite:`.
    fn parse(rest: &str) -> Option<Self> {
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let after_two = path.strip_prefix("//");
        let after_three = after_two.and_then(|rest| rest.strip_prefix('/'));
        let is_absolute = after_three.is_some_and(|rest| rest.starts_with('/'));
        let path = percent_decode_str(after_three.or(after_two).unwrap_or(path)).decode_utf8().ok()?;
        let is_file = !path.is_empty() && path != ":memory:" && !path.ends_with('/') && !path.contains('\0');
        let mut this = Self {
            path: PathBuf::from(path.into_owned()),
            has_three_slashes: after_three.is_some() && !is_absolute,
            create: true,
            ignored: Vec::new(),
        };
        (is_file && this.apply_parameters(parameters)).then_some(this)
    }

    /// Applies the query parameters of an address. Returns whether a database with them can be used.
    fn apply_parameters(&mut self, parameters: &str) -> bool {
        form_urlencoded::parse(parameters.as_bytes()).all(|(name, value)| {
            match (&*name, &*value) {
                ("mode", "rwc") => {}
                ("mode", "rw") => self.create = false,
                ("mode" | "vfs", _) | ("immutable", "1" | "true") => return false,
                _ => self.ignored.push(name.into_owned()),
            }
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn path(text: &str) -> Option<String> {
        match DatabaseAddress::parse(text)? {
            DatabaseAddress::Sqlite(address) => Some(address.path.to_str().unwrap().to_owned()),
            DatabaseAddress::Postgres(_) => None,
        }
    }

    #[test]
    fn slashes_mean_the_same_as_in_sqlalchemy() {
        for (text, expected) in [
            ("sqlite:///app.db", "app.db"),
            ("sqlite:///./app.db", "./app.db"),
            ("sqlite:///../data/app.db", "../data/app.db"),
            ("sqlite:///data/app.db", "data/app.db"),
            ("sqlite:////data/app.db", "/data/app.db"),
            ("sqlite:////app.db", "/app.db"),
            ("sqlite:///C:/data/app.db", "C:/data/app.db"),
            ("sqlite://app.db", "app.db"),
            ("sqlite://./app.db", "./app.db"),
            ("sqlite:app.db", "app.db"),
            ("sqlite:/data/app.db", "/data/app.db"),
            ("sqlite+pysqlite:///app.db", "app.db"),
            ("sqlite+aiosqlite:////data/app.db", "/data/app.db"),
            ("sqlite3:///app.db", "app.db"),
            ("SQLite:///app.db", "app.db"),
            ("sqlite:///my%20app.db", "my app.db"),
            ("sqlite:///app.db?check_same_thread=False", "app.db"),
            ("sqlite:///app.db?mode=rwc", "app.db"),
        ] {
            assert_eq!(path(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn databases_in_memory_or_read_only_are_refused() {
        for text in [
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite:////",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "sqlite:///data/",
            "sqlite:///app.db%00",
            "sqlite:///app.db?mode=memory",
            "sqlite:///app.db?mode=ro",
            "sqlite:///app.db?immutable=1",
            "sqlite:///app.db?vfs=memdb",
            "file:app.db",
            "app.db",
            "mysql://localhost/app",
            "postgres:app",
            "",
        ] {
            assert!(DatabaseAddress::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn unknown_parameters_are_ignored_and_listed() {
        let address = SqliteAddress::parse("///a.db?timeout=20&mode=rw&uri=true").unwrap();
        assert_eq!((address.create, address.ignored), (false, vec!["timeout".to_owned(), "uri".to_owned()]));
    }

    #[test]
    fn the_driver_is_removed_from_a_postgres_url() {
        for (text, expected) in [
            ("postgres://ada:secret@db/chat", "postgres://ada:secret@db/chat"),
            ("postgresql+psycopg2://ada:secret@db/chat", "postgresql://ada:secret@db/chat"),
            ("postgresql+asyncpg://db/chat?sslmode=require", "postgresql://db/chat?sslmode=require"),
        ] {
            let url = match DatabaseAddress::parse(text) {
                Some(DatabaseAddress::Postgres(url)) => Some(url.expose_secret().to_owned()),
                _ => None,
            };
            assert_eq!(url.as_deref(), Some(expected), "{text}");
        }
    }
}
