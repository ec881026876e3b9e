//! Fuzz targets: functions that read any bytes, and panic on a defect. `cargo fuzz` runs them until it is stopped,
//! `tests/fuzz.rs` with a bounded number of inputs.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use al_chat::{
    adapters::{
        credentials::Credentials,
        log_files,
        model::{ModelRequest, OpenAi},
    },
    app::App,
    domain::{persona::Persona, prompt},
    foundation::{
        clock::Clock,
        config::{Config, Source},
        http_client::{self, Client},
        tasks::Tasks,
    },
    services::{log_report, log_search, log_verification},
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    time::{Instant, timeout},
};

/// A function that reads any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their corpora.
pub const TARGETS: [(&str, Target); 9] = [
    ("bearer", bearer),
    ("config_file", config_file),
    ("env_file", env_file),
    ("http", http),
    ("model_answer", model_answer),
    ("papita_answer", papita_answer),
    ("persona", persona),
    ("request_body", request_body),
    ("session_log", session_log),
];

/// The longest time for one input.
const PATIENCE: Duration = Duration::from_secs(20);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"));

/// A folder for the files of a target.
fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Writes bytes to a file that is only for this target.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

/// A `.env` file.
pub fn env_file(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(folder);
    let source = Source::of_process(&file(&FOLDER, ".env", bytes));
    let _ = (source.notices(), format!("{source:?}"));
    if let Err(invalid) = Config::read(&source) {
        assert!(!invalid.to_string().is_empty());
    }
}

/// A configuration file, `al-chat.toml`.
pub fn config_file(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(folder);
    let path = file(&FOLDER, "al-chat.toml", bytes).display().to_string();
    if let Err(invalid) = Config::read(&Source::of_pairs([("CONFIG_FILE", path)])) {
        assert!(invalid.to_string().contains("CONFIG_FILE"), "{invalid}");
    }
}

/// A persona file, with its front matter.
pub fn persona(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Persona::parse("fuzz", text);
    }
}

/// A file of a session log, as the log's tools read it.
pub fn session_log(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(folder);
    let path = file(&FOLDER, "session_2026-01-01.log", bytes);
    let files = log_files::find(&[path]).expect("the file is there");
    let _ = log_report::report(&files, &log_report::Query::default(), |_| {});
    let _ = log_search::search(&files, "session_20260101_000000", |_| {});
    let task = log_verification::Task { files: &files, secrets: &[], whole_folders: &[], expected: &[], in_use: &[] };
    let _ = log_verification::verify(&task, |_| {});
}

/// A service with the built-in responder, in this process.
struct Service {
    app: App,
    _folder: TempDir,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        ("PORT", "0".to_owned()),
        ("AI_SERVICE", "basic".to_owned()),
        ("DATABASE_URL", format!("sqlite:///{}", path("al-chat.db"))),
        ("SESSION_LOG_DIR", path("SessionLog")),
    ];
    let config = Config::read(&Source::of_pairs(settings)).expect("valid settings");
    let clock = Clock::system(config.session_log.timezone.clone());
    let app = RUNTIME.block_on(App::start(config, clock)).expect("the service starts");
    Service { app, _folder: folder }
});

/// Whether a client closes its side of a connection after a request, which ends the request if it is not complete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    Closed,
}

/// Sends bytes to the service and returns the status of its first response; `None` if it sends none.
fn exchange(bytes: &[u8], side: Side) -> Option<u16> {
    let mut wire = TcpStream::connect(SERVICE.app.address()).expect("a connection");
    wire.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    // The service may have refused the request before its end.
    let _ = wire.write_all(bytes);
    if side == Side::Closed {
        let _ = wire.shutdown(Shutdown::Write);
    }
    let mut response = Vec::new();
    if let Err(error) = wire.read_to_end(&mut response) {
        let is_timeout = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
        assert!(!is_timeout, "the service neither answers nor closes the connection");
    }
    let status = response.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(status).ok()?.parse().ok()
}

/// Bytes on a connection to the service.
pub fn http(bytes: &[u8]) {
    let status = exchange(bytes, Side::Closed);
    assert!(status.is_none_or(|status| status < 500 || matches!(status, 501 | 505)), "status {status:?}");
}

/// The body of a request. The first byte chooses the operation.
pub fn request_body(bytes: &[u8]) {
    const PATHS: [&str; 5] = ["/api/chat", "/api/chat/stream", "/api/session/stop", "/api/session/start", "/chat"];
    let Some((first, body)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let status = exchange(&[head.as_bytes(), body].concat(), Side::Open);
    assert!(status.is_some_and(|status| status < 500), "{path}: status {status:?}");
}

/// The bearer of a request, of which none is valid.
pub fn bearer(bytes: &[u8]) {
    let bearer = bytes.iter().filter(|byte| **byte >= b' ' && **byte != 0x7F).copied().collect::<Vec<_>>();
    let head = b"GET /api/auth/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ";
    let status = exchange(&[head.as_slice(), &bearer, b"\r\n\r\n"].concat(), Side::Open);
    assert!(matches!(status, Some(400 | 401 | 431)), "status {status:?}");
}

/// A server that answers each request with the same bytes, and closes the connection.
struct Server {
    address: SocketAddr,
    response: Mutex<Vec<u8>>,
}

impl Server {
    fn start() -> &'static Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server: &'static Self = Box::leak(Box::new(Self { address, response: Mutex::default() }));
        let serve = move || {
            for mut wire in listener.incoming().flatten() {
                let response = server.response.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // The client may have closed the connection.
                let _ = wire.set_read_timeout(Some(PATIENCE));
                let _ = wire.read(&mut [0; 16 << 10]);
                let _ = wire.write_all(&response).and_then(|()| wire.shutdown(Shutdown::Write));
            }
        };
        std::thread::Builder::new().spawn(serve).expect("a thread");
        server
    }

    /// Answers with these bytes from now on: a head that the first byte chooses, and the others as the body.
    fn set(&self, bytes: &[u8]) {
        let (first, body) = bytes.split_first().unwrap_or((&0, &[]));
        let statuses = ["200 OK", "200 OK", "400 Bad Request", "401 Unauthorized", "429 Too Many Requests", "503 Busy"];
        let types = ["application/json", "text/event-stream", "text/html"];
        let status = statuses[usize::from(*first) % statuses.len()];
        let media_type = types[usize::from(*first) / statuses.len() % types.len()];
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n");
        *self.response.lock().unwrap_or_else(PoisonError::into_inner) = [head.as_bytes(), body].concat();
    }
}

/// Settings and a client for a server at this address.
fn settings_for(name: &str, server: &Server) -> (Config, Client) {
    let address = format!("http://{}/v1", server.address);
    let config = Config::read(&Source::of_pairs([(name, address)])).expect("valid settings");
    let client = http_client::build(config.model.connect_timeout, &config.proxy).expect("a client");
    (config, client)
}

/// An answer of a model's server, whole and as a stream.
pub fn model_answer(bytes: &[u8]) {
    static SERVER: LazyLock<&Server> = LazyLock::new(Server::start);
    static SETTINGS: LazyLock<(Config, Client)> = LazyLock::new(|| settings_for("OPENAI_BASE_URL", &SERVER));
    SERVER.set(bytes);
    let (config, client) = &*SETTINGS;
    for stream in [false, true] {
        let asked = async {
            let messages = [prompt::test()];
            let request = ModelRequest {
                model: &config.model.default,
                instruction: None,
                messages: &messages,
                with_images: false,
                temperature: None,
                answer_limit: None,
                reasons: false,
                stream,
            };
            let model = OpenAi::new(&config.model, client.clone());
            let Ok(mut answer) = model.ask(request, None, Instant::now() + PATIENCE).await else { return };
            while let Ok(Some(_)) = answer.next().await {}
            let _ = (answer.report(), answer.finish());
        };
        RUNTIME.block_on(async { timeout(PATIENCE, asked).await }).expect("an end in time");
    }
}

/// An answer of Papita to the request for the key.
pub fn papita_answer(bytes: &[u8]) {
    static SERVER: LazyLock<&Server> = LazyLock::new(Server::start);
    static SETTINGS: LazyLock<(Config, Client)> = LazyLock::new(|| settings_for("PAPITA_API_URL", &SERVER));
    SERVER.set(bytes);
    let (config, client) = &*SETTINGS;
    let asked = async {
        let credentials = Credentials::new(&config.credentials, true, client.clone(), Tasks::default());
        format!("{:?}", credentials.access(&config.model).await)
    };
    RUNTIME.block_on(async { timeout(PATIENCE, asked).await }).expect("an end in time");
}
