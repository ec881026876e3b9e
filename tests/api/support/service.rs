//! The service under test: its settings and data folder, run in this process or as a child process.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use al_chat::{
    app::App,
    foundation::{
        clock::Clock,
        config::{Config, Source},
    },
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    fakes::{event_receiver::EventReceiver, model::FakeModel, papita::FakePapita},
    support::{client::Client, database::TestDatabase, log_check},
};

/// The longest time that a test waits for one thing to happen.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The path of the compiled `al-chat` program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_al-chat");

/// The data folder of a service. Before it is removed, each line of its session log is checked against the schema.
#[derive(Debug)]
struct DataFolder(TempDir);

impl Drop for DataFolder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            log_check::assert_lines_match(&self.0.path().join("SessionLog"));
        }
    }
}

/// The settings and the data folder of a service under test. A service can be started from one setup repeatedly.
#[derive(Debug)]
pub struct TestSetup {
    /// The folder, which is removed with its last user: the service notices when its database is gone.
    dir: Arc<DataFolder>,
    settings: BTreeMap<String, String>,
    /// Replaces Papita's default address, since parallel tests cannot share one port.
    default_papita: Url,
    /// The PostgreSQL database of this setup, dropped with its last user; `None` on SQLite.
    database: Option<Arc<TestDatabase>>,
}

impl TestSetup {
    /// Returns a setup with a free port, a new folder, the time zone UTC, and no Papita at its default address.
    pub fn new() -> Self {
        let dir = Arc::new(DataFolder(tempfile::tempdir().expect("a folder")));
        // The discard port, on which no server listens.
        let default_papita = Url::parse("http://127.0.0.1:9").expect("a URL");
        let database = TestDatabase::on_tests_server().map(Arc::new);
        let setup = Self { dir, settings: BTreeMap::new(), default_papita, database };
        let log = setup.log_dir().display().to_string();
        let server = setup.database.as_ref().map(|database| database.url().to_owned());
        let database = server.unwrap_or_else(|| setup.sqlite_url());
        setup
            .with("PORT", "0")
            .with("SESSION_LOG_DIR", &log)
            .with("SESSION_LOG_TIMEZONE", "UTC")
            .with("DATABASE_URL", &database)
            // A database server is slow to accept the connections of all tests at once.
            .with("DATABASE_CONNECT_TIMEOUT", "10s")
            .with("LOG_LEVEL", "info")
    }

    fn sqlite_url(&self) -> String {
        // The fourth slash is the first character of the absolute path.
        format!("sqlite:///{}", self.dir.0.path().join("al-chat.db").display())
    }

    /// Uses SQLite even if the environment names a PostgreSQL server, for tests of SQLite itself.
    pub fn on_sqlite(self) -> Self {
        let url = self.sqlite_url();
        self.with("DATABASE_URL", &url)
    }

    /// Returns a setup that calls this model with the local key `sk-local`.
    pub fn for_model(model: &FakeModel) -> Self {
        Self::new().with("OPENAI_BASE_URL", &model.base_url()).with("OPENAI_API_KEY", "sk-local")
    }

    /// Returns a setup that calls this model with the key that this Papita serves.
    pub fn for_papita(model: &FakeModel, papita: &FakePapita) -> Self {
        Self::new().with("OPENAI_BASE_URL", &model.base_url()).with("PAPITA_API_URL", &papita.url())
    }

    /// Sets the setting `name`.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds these settings.
    pub fn with_all(self, settings: &[(&str, &str)]) -> Self {
        settings.iter().fold(self, |setup, (name, value)| setup.with(name, value))
    }

    /// Makes this Papita reachable at the default address, without a setting that names it.
    /// Sends events to this receiver.
    pub fn with_receiver(self, receiver: &EventReceiver) -> Self {
        receiver.settings().iter().fold(self, |setup, (name, value)| setup.with(name, value))
    }

    pub fn with_papita_at_default_address(mut self, papita: &FakePapita) -> Self {
        self.default_papita = Url::parse(&papita.url()).expect("a URL");
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.0.path()
    }

    pub fn log_dir(&self) -> PathBuf {
        self.dir.0.path().join("SessionLog")
    }

    /// Moves the folder of the session log away and puts a file in its place, so that no line can be written.
    pub fn block_log(&self) {
        fs::rename(self.log_dir(), self.path().join("away")).expect("a folder");
        fs::write(self.log_dir(), "in the way").expect("a file");
    }

    /// Puts the folder of the session log back.
    pub fn unblock_log(&self) {
        fs::remove_file(self.log_dir()).expect("a file");
        fs::rename(self.path().join("away"), self.log_dir()).expect("a folder");
    }

    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// Returns the address of the service's database.
    pub fn database_url(&self) -> &str {
        &self.settings["DATABASE_URL"]
    }

    /// Executes a statement in the service's database over a connection of the test's own.
    pub async fn change_database(&self, statement: &'static str) {
        let url = &self.settings["DATABASE_URL"];
        let changed = if url.starts_with("postgres") {
            PgConnection::connect(url).await.expect("a connection").execute(statement).await.map(drop)
        } else {
            SqliteConnection::connect(url).await.expect("a connection").execute(statement).await.map(drop)
        };
        changed.expect("the statement succeeds");
    }

    /// Locks the service's database against writes until the returned value is released.
    pub async fn lock_database(&self) -> DatabaseLock {
        self.lock_database_with("LOCK TABLE usage_totals, idempotency_keys, chats IN EXCLUSIVE MODE").await
    }

    /// Locks the service's database against writes: SQLite's as a whole, PostgreSQL's by this statement.
    pub async fn lock_database_with(&self, lock: &'static str) -> DatabaseLock {
        let url = &self.settings["DATABASE_URL"];
        if url.starts_with("postgres") {
            let mut connection = PgConnection::connect(url).await.expect("a connection");
            connection.execute("BEGIN").await.expect("a transaction");
            connection.execute(lock).await.expect("a lock");
            DatabaseLock::Postgres(connection)
        } else {
            let options = url.parse::<SqliteConnectOptions>().expect("a URL").busy_timeout(TEST_TIMEOUT);
            let mut connection = SqliteConnection::connect_with(&options).await.expect("a connection");
            connection.execute("BEGIN EXCLUSIVE").await.expect("a lock");
            DatabaseLock::Sqlite(connection)
        }
    }

    /// Returns the number of rows in a table of the service's database.
    pub async fn count_rows(&self, table: &str) -> i64 {
        let url = &self.settings["DATABASE_URL"];
        let statement = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let counted = if url.starts_with("postgres") {
            let mut connection = PgConnection::connect(url).await.expect("a connection");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await
        } else {
            let mut connection = SqliteConnection::connect(url).await.expect("a connection");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await
        };
        counted.expect("a number")
    }

    pub fn config(&self) -> Config {
        let mut config = Config::read(&Source::of_pairs(self.settings.clone())).expect("a valid configuration");
        if !config.credentials.papita_configured {
            config.credentials.papita_url = self.default_papita.clone().into();
        }
        config
    }

    /// Starts the service in this process, with the system clock.
    pub async fn start(&self) -> Service {
        let config = self.config();
        let clock = Clock::system(config.session_log.timezone.clone());
        self.start_with_clock(clock).await
    }

    /// Starts the service in this process with this clock.
    pub async fn start_with_clock(&self, clock: Clock) -> Service {
        let app = App::start(self.config(), clock).await.expect("the service starts");
        let client = Client::new(app.address());
        Service { app, client, dir: Arc::clone(&self.dir), database: self.database.clone() }
    }

    /// Returns a command that runs the program with exactly the settings of this setup as environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(PROGRAM, arguments)
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.settings).current_dir(self.dir.0.path());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts the service as a child process.
    pub async fn start_process(&self) -> Process {
        self.start_command(self.command(&[])).await
    }

    /// Starts the service as a child process that ignores this signal, so that the system call fails instead.
    #[cfg(target_os = "linux")]
    pub async fn start_process_ignoring(&self, signal: &str) -> Process {
        // An ignored signal stays ignored over `exec`.
        let script = format!("trap '' {signal}; exec \"$0\"");
        self.start_command(self.command_by_script(&script)).await
    }

    /// Returns a command that runs a shell script with exactly these settings; `$0` is the program.
    #[cfg(unix)]
    pub fn command_by_script(&self, script: &str) -> Command {
        self.command_of("/bin/sh", &["-c", script, PROGRAM])
    }

    /// Returns a command that runs the program without the rights of root, which ignore the permissions of files.
    #[cfg(target_os = "linux")]
    pub fn ordinary_command(&self, arguments: &[&str]) -> Command {
        if !rustix::process::geteuid().is_root() {
            return self.command(arguments);
        }
        let mut command = self.command_by_script("exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" \"$@\"");
        command.args(arguments);
        command
    }

    /// Starts the service with this command and waits until it listens.
    pub async fn start_command(&self, command: Command) -> Process {
        self.start_command_within(command, TEST_TIMEOUT).await
    }

    /// Starts the service with this command and waits at most this long until it listens.
    pub async fn start_command_within(&self, mut command: Command, time: Duration) -> Process {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a piped standard error")).lines();
        let address = timeout(time, async {
            let mut start_lines = Vec::new();
            loop {
                let line = lines.next_line().await.expect("diagnostics");
                let line = line.unwrap_or_else(|| panic!("the program ended instead of listening: {start_lines:#?}"));
                start_lines.push(line.clone());
                if let Some((_, rest)) = line.split_once("AL-Chat listens on http://") {
                    break (
                        rest.split_whitespace().next().expect("an address").parse().expect("an address"),
                        start_lines,
                    );
                }
            }
        });
        let (address, start_lines): (SocketAddr, _) = address.await.expect("the program listens in time");
        let (sender, diagnostics) = tokio::sync::mpsc::unbounded_channel();
        // Reads on, so that the program never blocks on a full pipe.
        #[expect(clippy::disallowed_methods, reason = "ends with the program's output")]
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = sender.send(line);
            }
        });
        let (dir, database) = (Arc::clone(&self.dir), self.database.clone());
        Process { child, address, client: Client::new(address), start_lines, diagnostics, dir, database }
    }

    /// Returns all lines of the session log, oldest first. Fails on a line that is not JSON.
    pub fn log(&self) -> Vec<Value> {
        self.log_files().iter().flat_map(|path| read_lines(path)).collect()
    }

    /// Returns the files of the session log that are not compressed, the oldest first.
    fn log_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.log_dir()) else { return Vec::new() };
        let mut files = entries.map(|entry| entry.expect("a file").path()).collect::<Vec<_>>();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        files.sort();
        files
    }

    /// Returns the session log's lines of one event.
    pub fn log_lines(&self, event: &str) -> Vec<Value> {
        let mut lines = self.log();
        lines.retain(|line| line["event"] == event);
        lines
    }

    /// Waits until the session log has at least `count` lines of this event, and returns them.
    pub async fn wait_for_log_lines(&self, event: &str, count: usize) -> Vec<Value> {
        wait_until(&format!("{count} {event} lines"), async || {
            // The last line may be being written.
            let mut lines = self.log_files().iter().flat_map(|path| whole_lines(&text_of(path))).collect::<Vec<_>>();
            lines.retain(|line| line["event"] == event);
            (lines.len() >= count).then_some(lines)
        })
        .await
    }
}

/// A lock of the service's database against writes, held by a transaction of the test's own.
#[derive(Debug)]
pub enum DatabaseLock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl DatabaseLock {
    pub async fn release(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
        .expect("the connection closes");
    }
}

/// Starts a fake model, and a service in this process that calls it, with these further settings.
pub async fn start_with(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with_all(settings);
    let service = setup.start().await;
    (model, setup, service)
}

/// Returns the JSON values of a log file. Fails unless each is a whole line that ends in a line feed.
pub fn read_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the log is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "{} has an incomplete last line", path.display());
    whole_lines(&text)
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a file of the log")).into_owned()
}

/// Returns the JSON values of the lines that end in a line feed.
fn whole_lines(text: &str) -> Vec<Value> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is not JSON")) };
    whole.lines().map(parse).collect()
}

/// Returns the file of a session log's folder that has the newest lines.
pub fn day_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).expect("the log's folder").map(|entry| entry.expect("a file").path());
    let days = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    days.max().expect("a day's file")
}

/// Polls `found` every 5 ms until it returns a value. For states that cannot be awaited.
pub async fn wait_until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let polling = async {
        loop {
            if let Some(found) = found().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(TEST_TIMEOUT, polling).await.unwrap_or_else(|_| panic!("waited {TEST_TIMEOUT:?} for {what}"))
}

/// A service that runs in this process.
#[derive(Debug)]
pub struct Service {
    app: App,
    pub client: Client,
    #[expect(dead_code, reason = "keeps the folder while the service runs")]
    dir: Arc<DataFolder>,
    #[expect(dead_code, reason = "keeps the database while the service runs")]
    database: Option<Arc<TestDatabase>>,
}

impl Service {
    pub fn address(&self) -> SocketAddr {
        self.app.address()
    }

    /// Shuts the service down gracefully.
    pub async fn stop(self) {
        self.app.stop(CancellationToken::new()).await;
    }
}

/// A service that runs as a child process.
#[derive(Debug)]
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    pub client: Client,
    /// The lines of standard error up to the one with the listening address.
    pub start_lines: Vec<String>,
    /// The lines of standard error after the one with the listening address.
    pub diagnostics: tokio::sync::mpsc::UnboundedReceiver<String>,
    #[expect(dead_code, reason = "keeps the folder while the process runs")]
    dir: Arc<DataFolder>,
    #[expect(dead_code, reason = "keeps the database while the process runs")]
    database: Option<Arc<TestDatabase>>,
}

impl Process {
    /// Kills the process with SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Sends SIGTERM to the process.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal, named as for `kill`, to the process.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("a running process").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Returns the most memory that the process has occupied so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        let id = self.child.id().expect("a running process");
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
    }

    /// Waits for a line of the diagnostics that contains these words, and returns it.
    pub async fn wait_for_line(&mut self, words: &str) -> String {
        let reading = async {
            loop {
                let line = self.diagnostics.recv().await;
                let line = line.unwrap_or_else(|| panic!("the process has ended without reporting: {words}"));
                if line.contains(words) {
                    return line;
                }
            }
        };
        timeout(TEST_TIMEOUT, reading).await.unwrap_or_else(|_| panic!("waited {TEST_TIMEOUT:?} for: {words}"))
    }

    /// Waits until the process exits and returns its exit code; `None` if a signal killed it.
    pub async fn exit_code(&mut self) -> Option<i32> {
        timeout(TEST_TIMEOUT, self.child.wait())
            .await
            .expect("the process ends in time")
            .expect("an exit status")
            .code()
    }
}

/// Sets the permissions of a file or folder.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, permissions).expect("permissions");
}
