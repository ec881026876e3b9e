//! Connections to a SQLite database, which one process at a time uses.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    checkpoints::CheckpointTask,
    connections::Connections,
    database::{Pool, SqliteConnections},
    database_file::DatabaseFile,
    lock_note, migrations,
    open_failure::DatabaseOpenFailure,
    schema_owner::{self, SchemaOwner},
    sqlite_file::{self, FileState, JournalFile},
};
use crate::foundation::{config::SqliteAddress, file_access::FileAccess};

/// The number of pages in the write-ahead log at which a commit runs a checkpoint. [`CheckpointTask`] runs one long
/// before that.
const AUTOCHECKPOINT_PAGES: &str = "10000";

/// The size to which SQLite truncates the write-ahead log's file after a checkpoint, in bytes.
const JOURNAL_SIZE_LIMIT: &str = "4194304";

/// The time for which a command that writes waits for the locks of the service.
const WRITER_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the database, makes it if there is none, and runs its migrations.
///
/// SQLite lets one connection write at a time, so there is one connection for writing and a pool for reading: several
/// writing connections would wait for each other's locks.
pub(super) async fn open(address: &SqliteAddress, access: FileAccess) -> Result<Connections, DatabaseOpenFailure> {
    lock_note::set_foreign_log_aside(&address.path, access);
    let state = inspect(address).await?;
    warn_of_misread_address(address, state);
    let mut file = DatabaseFile::open(&address.path, access)?;
    let options = connect_options(file.path())
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        // In WAL mode a commit survives the end of the process; a power failure may undo the last ones.
        .synchronous(SqliteSynchronous::Normal)
        // What is deleted, such as the key of erased texts, is overwritten in the file.
        .pragma("secure_delete", "ON")
        .pragma("wal_autocheckpoint", AUTOCHECKPOINT_PAGES)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT);
    let write = pool(1).connect_with(options.clone()).await.map_err(DatabaseOpenFailure::Sqlite)?;
    let checkpoints = match migrate_and_connect(&write, options.clone()).await {
        Ok(checkpoints) => checkpoints,
        Err(failure) => {
            // This attempt's connection must be closed before the next attempt.
            write.close().await;
            return Err(failure);
        }
    };
    let read = pool(4).connect_lazy_with(options.read_only(true));
    file.set_made();
    let file = Arc::new(file);
    let sqlite = |connections| Pool::Sqlite(SqliteConnections { connections, file: Some(Arc::clone(&file)) });
    let (write, read) = (sqlite(write), sqlite(read));
    let checkpoints = CheckpointTask { pool: checkpoints, file };
    Ok(Connections { write, read, heartbeat: None, checkpoints: Some(checkpoints) })
}

/// Updates the tables, and returns the pool for checkpoints.
async fn migrate_and_connect(
    write: &SqlitePool,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, DatabaseOpenFailure> {
    migrations::sqlite().await?.run(write).await?;
    // A checkpoint waits this long for other connections, and other connections wait as long for the checkpoint.
    let checkpoints = pool(1).connect_with(options.busy_timeout(Duration::from_millis(20)));
    checkpoints.await.map_err(DatabaseOpenFailure::Sqlite)
}

/// Checks without writing anything that a database can be opened at an address. Fails if the file cannot be used, or if
/// it is the database of another program.
pub(super) async fn inspect(address: &SqliteAddress) -> Result<FileState, DatabaseOpenFailure> {
    let state = sqlite_file::inspect(address)?;
    let FileState::Database(journal) = state else { return Ok(state) };
    let owner = schema_owner_of(&address.path, journal).await.map_err(DatabaseOpenFailure::Sqlite)?;
    ensure_not_of_other_program(&address.path, owner)?;
    Ok(state)
}

fn ensure_not_of_other_program(path: &Path, owner: SchemaOwner) -> Result<(), DatabaseOpenFailure> {
    let SchemaOwner::OtherProgram(tables) = owner else { return Ok(()) };
    Err(DatabaseOpenFailure::OtherProgram { database: format!("the file {}", path.display()), tables })
}

async fn schema_owner_of(path: &Path, journal: JournalFile) -> Result<SchemaOwner, sqlx::Error> {
    let mut database = connect_to_inspect(path, journal).await?;
    let owner = schema_owner::owner_of_sqlite(&mut database).await;
    database.close().await?;
    owner
}

/// Opens a connection for one short read, which makes no file beside the database. Without a journal file the connection
/// takes no lock: if another process begins to write meanwhile, it may read half a change, which looks like damage.
async fn connect_to_inspect(path: &Path, journal: JournalFile) -> Result<SqliteConnection, sqlx::Error> {
    let options = match journal {
        // SQLite makes no journal files for an immutable database.
        JournalFile::None => connect_options(path).read_only(true).immutable(true),
        // A connection that may write would run a checkpoint and remove the log when it is closed.
        JournalFile::WriteAheadLog => connect_options(path).read_only(true),
        // SQLite must be able to write to roll the unfinished transaction back.
        JournalFile::RollbackJournal => connect_options(path),
    };
    SqliteConnection::connect_with(&options).await
}

/// Opens a database for reading only. `is_used`: a process may use it, so that SQLite takes locks, for which it has files beside a
/// database in WAL mode.
pub(super) async fn read_only(path: &Path, is_used: bool) -> Result<Pool, DatabaseOpenFailure> {
    let options = connect_options(path).read_only(true).immutable(!is_used);
    let connections = pool(1).connect_with(options).await.map_err(DatabaseOpenFailure::Sqlite)?;
    let owner = async {
        let mut connection = connections.acquire().await?;
        schema_owner::owner_of_sqlite(&mut connection).await
    };
    let checked = owner.await.map_err(DatabaseOpenFailure::Sqlite);
    if let Err(failure) = checked.and_then(|owner| ensure_not_of_other_program(path, owner)) {
        connections.close().await;
        return Err(failure);
    }
    Ok(Pool::Sqlite(SqliteConnections { connections, file: None }))
}

/// Opens a database for a few statements that write, while another process may use it. Each waits for the other's locks.
pub(super) async fn writer(path: &Path) -> Result<Pool, DatabaseOpenFailure> {
    let options = connect_options(path).busy_timeout(WRITER_TIMEOUT).foreign_keys(true);
    let connections = pool(1).connect_with(options).await.map_err(DatabaseOpenFailure::Sqlite)?;
    Ok(Pool::Sqlite(SqliteConnections { connections, file: None }))
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    // SQLite takes a name that begins with `file:` for a URI.
    let is_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    let options = SqliteConnectOptions::new();
    let options = if is_uri { options.filename(Path::new(".").join(path)) } else { options.filename(path) };
    // Besides the service, only a backup, `al-chat keys` or an operator's SQLite shell holds a lock, each for a moment.
    options.busy_timeout(Duration::from_secs(1))
}

fn pool(max_connections: u32) -> SqlitePoolOptions {
    let options = SqlitePoolOptions::new().max_connections(max_connections);
    // A connection does not age. A new one would be to whatever file is at the path then.
    let options = options.idle_timeout(None).max_lifetime(None);
    options.acquire_timeout(Duration::from_secs(5)).test_before_acquire(false)
}

/// Warns of parameters that have no effect, and of a relative path that was probably meant as an absolute one.
fn warn_of_misread_address(address: &SqliteAddress, state: FileState) {
    let SqliteAddress { path, has_three_slashes, ignored, .. } = address;
    if !ignored.is_empty() {
        tracing::warn!("DATABASE_URL has parameters without effect: {}", ignored.join(", "));
    }
    let absolute = Path::new("/").join(path);
    if *has_three_slashes && state == FileState::Absent && !path.is_absolute() && absolute.is_file() {
        let (path, absolute) = (path.display(), absolute.display());
        tracing::warn!(
            "DATABASE_URL names {path} in the working directory, which is new; for {absolute}, which exists, it would be \
             sqlite:///{absolute}"
        );
    }
}
