//! The service under test: settings, a folder of its own, and two ways to run it.

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
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

use crate::{
    client::Client,
    database::OwnDatabase,
    fakes::{model::FakeModel, papita::FakePapita},
};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program that is shipped.
const PROGRAM: &str = env!("CARGO_BIN_EXE_al-chat");

/// A folder and the settings of a service that lives in it. It may be started there again and again.
#[derive(Debug)]
pub struct House {
    dir: TempDir,
    settings: BTreeMap<String, String>,
    /// Stands for Papita's default address, which tests cannot all share.
    default_papita: Url,
    /// Where it is on a server, it goes with the last who needs it.
    database: Option<Arc<OwnDatabase>>,
}

impl House {
    /// Nothing configured: a free port, a folder, UTC, and nobody at Papita's default address.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        // The discard port, where nobody listens.
        let default_papita = Url::parse("http://127.0.0.1:9").expect("a URL");
        let database = OwnDatabase::on_tests_server().map(Arc::new);
        let house = Self { dir, settings: BTreeMap::new(), default_papita, database };
        let log = house.log_dir().display().to_string();
        let server = house.database.as_ref().map(|database| database.url().to_owned());
        let database = server.unwrap_or_else(|| house.sqlite_url());
        house
            .with("PORT", "0")
            .with("SESSION_LOG_DIR", &log)
            .with("SESSION_LOG_TIMEZONE", "UTC")
            .with("DATABASE_URL", &database)
            // All tests at once are more than a server is used to.
            .with("DATABASE_CONNECT_TIMEOUT", "10s")
            .with("LOG_LEVEL", "info")
    }

    fn sqlite_url(&self) -> String {
        // Three slashes, and that of the absolute path.
        format!("sqlite:///{}", self.dir.path().join("al-chat.db").display())
    }

    /// Keeps to SQLite whatever the environment says, for what is about it.
    pub fn on_sqlite(self) -> Self {
        let url = self.sqlite_url();
        self.with("DATABASE_URL", &url)
    }

    /// A service that asks this model with the local key `sk-local`.
    pub fn of_model(model: &FakeModel) -> Self {
        Self::new().with("OPENAI_BASE_URL", &model.base_url()).with("OPENAI_API_KEY", "sk-local")
    }

    /// A service that asks this model with the key of this Papita.
    pub fn of_papita(model: &FakeModel, papita: &FakePapita) -> Self {
        Self::new().with("OPENAI_BASE_URL", &model.base_url()).with("PAPITA_API_URL", &papita.url())
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Puts a Papita at the default address, without any setting that says so.
    pub fn with_papita_on_default(mut self, papita: &FakePapita) -> Self {
        self.default_papita = Url::parse(&papita.url()).expect("a URL");
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn log_dir(&self) -> PathBuf {
        self.dir.path().join("SessionLog")
    }

    /// Does something to the database from outside, as a curious operator would.
    pub async fn change_database(&self, statement: &'static str) {
        let url = &self.settings["DATABASE_URL"];
        let changed = if url.starts_with("postgres") {
            PgConnection::connect(url).await.expect("a connection").execute(statement).await.map(drop)
        } else {
            SqliteConnection::connect(url).await.expect("a connection").execute(statement).await.map(drop)
        };
        changed.expect("the database does as asked");
    }

    /// How many rows a table of the database has.
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

    fn config(&self) -> Config {
        let mut config = Config::read(&Source::of_pairs(self.settings.clone())).expect("a valid configuration");
        if !config.credentials.papita_configured {
            config.credentials.papita_url = self.default_papita.clone();
        }
        config
    }

    /// Starts the service in this process.
    pub async fn open(&self) -> Service {
        let config = self.config();
        let clock = Clock::system(config.session_log.timezone.clone());
        self.open_at(clock).await
    }

    /// Starts the service in this process with this clock.
    pub async fn open_at(&self, clock: Clock) -> Service {
        let app = App::start(self.config(), clock).await.expect("the service starts");
        let client = Client::new(app.address());
        Service { app, client, database: self.database.clone() }
    }

    /// The program with exactly these settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(PROGRAM, arguments)
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.settings).current_dir(self.dir.path());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts the service as a process of its own.
    pub async fn launch(&self) -> Process {
        self.launch_by(self.command(&[])).await
    }

    /// Starts the service as a process of its own that doesn't die of this signal, and so gets the error behind it.
    #[cfg(target_os = "linux")]
    pub async fn launch_ignoring(&self, signal: &str) -> Process {
        // What a process ignores, the program it becomes ignores, too.
        let script = format!("trap '' {signal}; exec \"$0\"");
        self.launch_by(self.command_by_script(&script)).await
    }

    /// A script of the shell with exactly these settings, in which `$0` is the program.
    #[cfg(unix)]
    pub fn command_by_script(&self, script: &str) -> Command {
        self.command_of("/bin/sh", &["-c", script, PROGRAM])
    }

    /// Starts the service by this command.
    pub async fn launch_by(&self, mut command: Command) -> Process {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its diagnostics")).lines();
        let address = timeout(PATIENCE, async {
            let mut said = Vec::new();
            loop {
                let line = lines.next_line().await.expect("diagnostics");
                let line = line.unwrap_or_else(|| panic!("the program ended instead of listening: {said:#?}"));
                said.push(line.clone());
                if let Some((_, rest)) = line.split_once("AL-Chat listens on http://") {
                    break (rest.split_whitespace().next().expect("an address").parse().expect("an address"), said);
                }
            }
        });
        let (address, start_lines): (SocketAddr, _) = address.await.expect("the program listens in time");
        let (sender, diagnostics) = tokio::sync::mpsc::unbounded_channel();
        // Read on, so that the program never waits for its reader.
        #[expect(clippy::disallowed_methods, reason = "ends with the program's output")]
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = sender.send(line);
            }
        });
        let database = self.database.clone();
        Process { child, address, client: Client::new(address), start_lines, diagnostics, database }
    }

    /// All lines of the session log, of all days in order. Fails on a line that is not a JSON object.
    pub fn log(&self) -> Vec<Value> {
        let Ok(entries) = fs::read_dir(self.log_dir()) else { return Vec::new() };
        let mut files = entries.map(|entry| entry.expect("a file").path()).collect::<Vec<_>>();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        files.sort();
        let lines = files.iter().flat_map(|path| read_lines(path));
        lines.collect()
    }

    /// The lines of one event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let mut lines = self.log();
        lines.retain(|line| line["event"] == event);
        lines
    }

    /// Waits until there are at least `count` lines of this event.
    pub async fn wait_for_events(&self, event: &str, count: usize) -> Vec<Value> {
        wait_until(&format!("{count} {event} lines"), async || {
            let events = self.events(event);
            (events.len() >= count).then_some(events)
        })
        .await
    }
}

/// A model, and a service in this process that asks it, with these further settings.
pub async fn open_with(settings: &[(&str, &str)]) -> (FakeModel, House, Service) {
    let model = FakeModel::start().await;
    let mut house = House::of_model(&model);
    for (name, value) in settings {
        house = house.with(name, value);
    }
    let service = house.open().await;
    (model, house, service)
}

/// The JSON objects of a log file, each on a line of its own that ends in a line feed.
pub fn read_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the log is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "{} has a torn last line", path.display());
    let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is not JSON")) };
    text.lines().map(parse).collect()
}

/// Looks until `found` finds something. For states that nobody announces; whatever can be awaited is.
pub async fn wait_until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = found().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The service in this process.
#[derive(Debug)]
pub struct Service {
    app: App,
    pub client: Client,
    #[expect(dead_code, reason = "a service may outlive its house, and needs its database")]
    database: Option<Arc<OwnDatabase>>,
}

impl Service {
    pub fn address(&self) -> SocketAddr {
        self.app.address()
    }

    /// Stops it in order.
    pub async fn close(self) {
        self.app.stop().await;
    }
}

/// The service as a process.
#[derive(Debug)]
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    pub client: Client,
    /// What it wrote to standard error up to the line that says where it listens.
    pub start_lines: Vec<String>,
    /// What it writes to standard error after the line that says where it listens.
    pub diagnostics: tokio::sync::mpsc::UnboundedReceiver<String>,
    #[expect(dead_code, reason = "a process may outlive its house, and needs its database")]
    database: Option<Arc<OwnDatabase>>,
}

impl Process {
    /// Kills it as `kill -9` does.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends the signal of this name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("the process runs").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end. Returns its exit code.
    pub async fn exit_code(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait()).await.expect("the process ends in time").expect("its status").code()
    }
}
