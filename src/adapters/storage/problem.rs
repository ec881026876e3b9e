//! The problems of a database, by the errors of SQLite, PostgreSQL and the network.

use std::{error::Error, io};

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

use crate::foundation::{
    descriptors,
    outage::{Outage, Part},
};

/// The beginning of the error's text when a host's name has no address. The standard library has no kind for it.
const NAME_NOT_RESOLVED: &str = "failed to lookup address information";

/// The reason why a database cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatabaseProblem {
    /// Another program holds a lock.
    Locked,
    /// A statement waited too long for a lock or its own end, or the server has too little memory.
    Busy,
    /// The disk, or the space that the database may use, is full.
    Full,
    /// The file or the server takes no writes.
    ReadOnly,
    /// The file or its folder does not exist.
    Missing,
    /// The file cannot be read or written, or the server's disk fails.
    Disk,
    /// No process listens on the server's port.
    Refused,
    /// The host's name has no address.
    NameNotResolved,
    /// The server cannot be reached, or has closed the connection.
    Unreachable,
    /// The server does not answer within the time limit.
    Silent,
    /// The server is starting or stopping.
    Restarting,
    /// The server accepts no further connection.
    TooManyConnections,
    /// No connection of the pool was free or could be made within the time limit.
    NoConnection,
    /// This process has no file descriptor left for it.
    NoDescriptors,
    /// There is no TLS connection as the settings demand it.
    Tls,
    /// The server refuses the user or the password.
    LoginRefused,
    /// The server has no database of this name.
    NoDatabase,
    /// The file or a table is damaged.
    Damaged,
    /// Any other error.
    Other,
}

impl DatabaseProblem {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_database(error.as_ref()),
            sqlx::Error::PoolTimedOut => Self::NoConnection,
            sqlx::Error::Io(error) => of_io(error),
            sqlx::Error::Tls(_) => Self::Tls,
            sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// Whether a setting is wrong, as the server says itself.
    pub(super) fn is_wrong_setting(self) -> bool {
        matches!(self, Self::LoginRefused | Self::NoDatabase)
    }

    /// Returns what may be shown to anybody; `None` if the problem does not pass by itself.
    pub(super) fn outage(self) -> Option<Outage> {
        let (code, state) = match self {
            Self::Locked => ("database_locked", "locked by another program"),
            Self::Busy => ("database_busy", "too busy"),
            Self::Full => ("database_full", "has no space left"),
            Self::ReadOnly => ("database_read_only", "cannot be written"),
            Self::Missing => ("database_missing", "its folder or file does not exist"),
            Self::Disk => ("database_disk", "its disk cannot be read or written"),
            Self::Refused => ("database_refused", "its server refuses connections"),
            Self::NameNotResolved => ("database_name", "the name of its server's host cannot be resolved"),
            Self::Unreachable => ("database_unreachable", "its server cannot be reached"),
            Self::Silent => ("database_silent", "its server does not answer in time"),
            Self::Restarting => ("database_restarting", "its server is starting or stopping"),
            Self::TooManyConnections => ("database_connections", "its server has no connection left"),
            Self::NoConnection => ("database_no_connection", "its server is away or too busy"),
            Self::NoDescriptors => ("database_descriptors", "no file descriptor is left for it"),
            Self::Tls => ("database_tls", "its server offers no TLS connection as it is demanded"),
            Self::LoginRefused | Self::NoDatabase | Self::Damaged | Self::Other => return None,
        };
        Some(Outage { part: Part::Database, code, state })
    }
}

fn of_io(error: &io::Error) -> DatabaseProblem {
    use io::ErrorKind as Kind;
    if descriptors::is_shortage(error) {
        return DatabaseProblem::NoDescriptors;
    }
    match error.kind() {
        Kind::ConnectionRefused | Kind::NotFound => DatabaseProblem::Refused,
        Kind::TimedOut => DatabaseProblem::Silent,
        _ if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) => DatabaseProblem::Tls,
        _ if error.to_string().starts_with(NAME_NOT_RESOLVED) => DatabaseProblem::NameNotResolved,
        _ => DatabaseProblem::Unreachable,
    }
}

fn of_database(error: &dyn DatabaseError) -> DatabaseProblem {
    let code = error.code();
    let code = code.as_deref().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        code.parse().map_or(DatabaseProblem::Other, of_sqlite)
    } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        of_postgres(code)
    } else {
        DatabaseProblem::Other
    }
}

/// Returns the problem for an extended result code of SQLite (<https://sqlite.org/rescode.html>). Its lowest byte is the
/// primary result code.
fn of_sqlite(code: i32) -> DatabaseProblem {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL (too many attempts to lock the write-ahead log)
        5 | 6 | 15 => DatabaseProblem::Locked,
        // SQLITE_FULL
        13 => DatabaseProblem::Full,
        // SQLITE_CORRUPT, SQLITE_NOTADB
        11 | 26 => DatabaseProblem::Damaged,
        // SQLITE_PERM, SQLITE_READONLY
        3 | 8 => DatabaseProblem::ReadOnly,
        // SQLITE_CANTOPEN, which doesn't say why the file cannot be opened.
        14 if descriptors::are_exhausted() => DatabaseProblem::NoDescriptors,
        // SQLITE_IOERR, SQLITE_CANTOPEN
        10 | 14 => DatabaseProblem::Disk,
        _ => DatabaseProblem::Other,
    }
}

/// Returns the problem for an SQLSTATE of PostgreSQL
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). Its first two characters are its class.
fn of_postgres(sqlstate: &str) -> DatabaseProblem {
    match (sqlstate.get(..2).unwrap_or_default(), sqlstate) {
        // disk_full
        (_, "53100") => DatabaseProblem::Full,
        // too_many_connections
        (_, "53300") => DatabaseProblem::TooManyConnections,
        // data_corrupted, index_corrupted
        (_, "XX001" | "XX002") => DatabaseProblem::Damaged,
        // invalid_catalog_name
        (_, "3D000") => DatabaseProblem::NoDatabase,
        // read_only_sql_transaction (a standby)
        (_, "25006") => DatabaseProblem::ReadOnly,
        // Transaction rollback and insufficient resources; lock_not_available, query_canceled (by the time limit of
        // statements), idle_in_transaction_session_timeout.
        ("40" | "53", _) | (_, "55P03" | "57014" | "25P03") => DatabaseProblem::Busy,
        // Invalid authorization.
        ("28", _) => DatabaseProblem::LoginRefused,
        // Operator intervention, such as a shutdown or a start.
        ("57", _) => DatabaseProblem::Restarting,
        // Connection exception.
        ("08", _) => DatabaseProblem::Unreachable,
        // System error.
        ("58", _) => DatabaseProblem::Disk,
        _ => DatabaseProblem::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_errors_are_classified() {
        for (sqlstate, expected) in [
            ("57P01", DatabaseProblem::Restarting),
            ("57P03", DatabaseProblem::Restarting),
            ("08006", DatabaseProblem::Unreachable),
            ("28P01", DatabaseProblem::LoginRefused),
            ("28000", DatabaseProblem::LoginRefused),
            ("3D000", DatabaseProblem::NoDatabase),
            ("57014", DatabaseProblem::Busy),
            ("40P01", DatabaseProblem::Busy),
            ("53300", DatabaseProblem::TooManyConnections),
            ("53100", DatabaseProblem::Full),
            ("XX001", DatabaseProblem::Damaged),
            ("42P01", DatabaseProblem::Other),
            ("", DatabaseProblem::Other),
        ] {
            assert_eq!(of_postgres(sqlstate), expected, "{sqlstate}");
        }
    }

    #[test]
    fn errors_of_the_network_are_told_apart() {
        let problem = |error: io::Error| DatabaseProblem::of(&sqlx::Error::Io(error));
        assert_eq!(problem(io::ErrorKind::ConnectionRefused.into()), DatabaseProblem::Refused);
        assert_eq!(problem(io::ErrorKind::TimedOut.into()), DatabaseProblem::Silent);
        assert_eq!(problem(io::ErrorKind::ConnectionReset.into()), DatabaseProblem::Unreachable);
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(problem(io::Error::other(untrusted)), DatabaseProblem::Tls);
        let unresolved = std::net::ToSocketAddrs::to_socket_addrs("database.invalid:5432").unwrap_err();
        assert_eq!(problem(unresolved), DatabaseProblem::NameNotResolved);
    }

    #[test]
    fn what_a_server_refuses_for_good_does_not_pass() {
        for problem in [DatabaseProblem::LoginRefused, DatabaseProblem::NoDatabase] {
            assert!(problem.is_wrong_setting() && problem.outage().is_none(), "{problem:?}");
        }
        assert!(!DatabaseProblem::Silent.is_wrong_setting() && DatabaseProblem::Silent.outage().is_some());
    }
}
