//! What `DATABASE_URL` means: which file, or which server.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Url, form_urlencoded};

/// The address of a database.
#[derive(Clone, Debug)]
pub enum DatabaseAddress {
    /// A SQLite file.
    Sqlite(SqliteAddress),
    /// A PostgreSQL server, by a URL that may hold a password.
    Postgres(SecretString),
}

/// The address of a SQLite file. Slashes are counted as SQLAlchemy does: three lead to a file in the working directory,
/// four to an absolute path. The shorter forms `sqlite://file`, `sqlite:file` and `sqlite:/absolute/file` are read, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteAddress {
    /// The file; a relative path starts at the working directory.
    pub path: PathBuf,
    /// Whether the address has three slashes, which some take for an absolute path.
    pub has_three_slashes: bool,
    /// Whether the file is made when it doesn't exist; not with `?mode=rw`.
    pub create: bool,
    /// Parameters for other programs, which change nothing here.
    pub ignored: Vec<String>,
}

impl DatabaseAddress {
    /// Reads an address; `None` for one of neither database, and for a database that would not last.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        // SQLAlchemy names its driver behind a plus.
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
    /// Reads what comes behind `sqlite:`.
    fn parse(rest: &str) -> Option<Self> {
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let behind_two = path.strip_prefix("//");
        let behind_three = behind_two.and_then(|rest| rest.strip_prefix('/'));
        let is_absolute = behind_three.is_some_and(|rest| rest.starts_with('/'));
        let path = percent_decode_str(behind_three.or(behind_two).unwrap_or(path)).decode_utf8().ok()?;
        let is_file = !path.is_empty() && path != ":memory:" && !path.ends_with('/') && !path.contains('\0');
        let mut this = Self {
            path: PathBuf::from(path.into_owned()),
            has_three_slashes: behind_three.is_some() && !is_absolute,
            create: true,
            ignored: Vec::new(),
        };
        (is_file && this.read_parameters(parameters)).then_some(this)
    }

    /// Returns whether the database can be used with these parameters.
    fn read_parameters(&mut self, parameters: &str) -> bool {
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
    fn slashes_are_counted_as_sqlalchemy_does() {
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
    fn a_database_that_would_not_last_is_refused() {
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
    fn parameters_of_others_are_ignored_and_named() {
        let address = SqliteAddress::parse("///a.db?timeout=20&mode=rw&uri=true").unwrap();
        assert_eq!((address.create, address.ignored), (false, vec!["timeout".to_owned(), "uri".to_owned()]));
    }

    #[test]
    fn a_server_keeps_its_address_without_the_driver() {
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
