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
        credentials::{Credentials, KeyPolicy},
        log_files,
        model::{ModelRequest, OpenAi},
        session_log::SessionLog,
        storage::{Storage, TICKET_SECRET},
    },
    app::App,
    domain::{
        log_chain::ChainHasher,
        log_position::{CountedLines, InstanceCount},
        persona::Persona,
        prompt,
    },
    foundation::{
        clock::Clock,
        config::{Config, Source},
        file_access::FileAccess,
        http_client::{self, Client},
        tasks::Tasks,
    },
    services::{log_report, log_search, log_verification},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::hmac;
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A function that reads any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their corpora.
pub const TARGETS: [(&str, Target); 10] = [
    ("bearer", bearer),
    ("config_file", config_file),
    ("env_file", env_file),
    ("http", http),
    ("model_answer", model_answer),
    ("papita_answer", papita_answer),
    ("persona", persona),
    ("request_body", request_body),
    ("session_log", session_log),
    ("ticket", ticket),
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

/// A file of a session log, as the log's tools read it, and the service at its start.
pub fn session_log(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(folder);
    let path = file(&FOLDER, "session_2026-01-01.log", bytes);
    let files = log_files::find(&[path]).expect("the file is there");
    let _ = log_report::report(&files, &log_report::Query::default(), |_| {});
    let _ = log_search::search(&files, "session_20260101_000000", |_| {});
    let task = log_verification::Task { files: &files, secrets: &[], whole_folders: &[], expected: &[], in_use: &[] };
    let _ = log_verification::verify(&task, |_| {});
    RUNTIME.block_on(async { timeout(PATIENCE, recover(&FOLDER)).await }).expect("an end in time");
}

/// The clock of a session log with the default settings.
static CLOCK: LazyLock<Clock> = LazyLock::new(|| {
    let config = Config::read(&Source::of_pairs::<&str, &str>([])).expect("defaults");
    Clock::system(config.session_log.timezone)
});

/// Opens the session log in a folder, and reads its lines as a service does whose database holds none of them.
async fn recover(folder: &TempDir) {
    let log = SessionLog::open(folder.path(), FileAccess::Owner, false, ChainHasher::without_key(), CLOCK.clone());
    let log = log.expect("the log can be opened");
    let none = InstanceCount { instance: Uuid::nil(), counted: 0, chain: None, missing: 0, is_complete: false };
    let mut batches = log.uncounted_lines(CountedLines::from_iter([none])).expect("a thread");
    while let Some(Ok(_)) = batches.recv().await {}
    log.close().await;
}

/// A service with the built-in responder, in this process.
struct Service {
    app: App,
    _folder: TempDir,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let folder = folder();
    let app = start(&folder, &settings_in(&folder, None));
    Service { app, _folder: folder }
});

/// The settings of a service whose files are in a folder, with this configuration file.
fn settings_in(folder: &TempDir, config_file: Option<PathBuf>) -> Config {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        ("PORT", "0".to_owned()),
        ("AI_SERVICE", "basic".to_owned()),
        ("DATABASE_URL", format!("sqlite:///{}", path("al-chat.db"))),
        ("SESSION_LOG_DIR", path("SessionLog")),
    ];
    let config_file = config_file.map(|path| ("CONFIG_FILE", path.display().to_string()));
    Config::read(&Source::of_pairs(settings.into_iter().chain(config_file))).expect("valid settings")
}

fn start(folder: &TempDir, config: &Config) -> App {
    let clock = Clock::system(config.session_log.timezone.clone());
    let app = RUNTIME.block_on(App::start(config.clone(), clock));
    app.unwrap_or_else(|failure| panic!("the service in {} does not start: {failure}", folder.path().display()))
}

/// A service with a site, and the secret of its tickets.
struct SiteService {
    app: App,
    secret: hmac::Key,
    _folder: TempDir,
}

/// The origin of the site's pages.
const ORIGIN: &str = "https://shop.example";

static SITE_SERVICE: LazyLock<SiteService> = LazyLock::new(|| {
    let folder = folder();
    let sites = format!("[[sites]]\nid = \"shop\"\norigins = [\"{ORIGIN}\"]\n");
    let config = settings_in(&folder, Some(file(&folder, "al-chat.toml", sites.as_bytes())));
    // The first start makes the secret. It is read while no service has the database open.
    let first = start(&folder, &config);
    RUNTIME.block_on(first.stop(CancellationToken::new()));
    let secret = RUNTIME.block_on(Storage::read_secret(&config.database, TICKET_SECRET)).expect("a secret");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let service = SiteService { app: start(&folder, &config), secret, _folder: folder };
    let valid = r#"{"site":"shop","origin":"https://shop.example","visitor":"1","exp":4102444800}"#;
    let status = ask_with_ticket(&service.app, service.signed(valid.as_bytes()).as_bytes());
    assert_eq!(status, Some(200), "a ticket that this target signs is accepted");
    service
});

impl SiteService {
    /// Returns a ticket with these bytes as its content, with the signature of the service.
    fn signed(&self, content: &[u8]) -> String {
        let signed = format!("alt_{}", BASE64.encode(content));
        let signature = hmac::sign(&self.secret, signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature.as_ref()))
    }
}

/// Whether a client closes its side of a connection after a request, which ends the request if it is not complete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    Closed,
}

/// Sends bytes to a service and returns the status of its first response; `None` if it sends none.
fn exchange(app: &App, bytes: &[u8], side: Side) -> Option<u16> {
    let mut wire = TcpStream::connect(app.address()).expect("a connection");
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
    let status = exchange(&SERVICE.app, bytes, Side::Closed);
    assert!(status.is_none_or(|status| status < 500 || matches!(status, 501 | 505)), "status {status:?}");
}

/// The body of a request. The first byte chooses the operation and its form.
pub fn request_body(bytes: &[u8]) {
    const JSON: &str = "application/json";
    const OPERATIONS: [(&str, &str); 9] = [
        ("/api/chat", JSON),
        ("/api/chat/stream", JSON),
        ("/api/session/stop", JSON),
        ("/api/session/start", JSON),
        ("/chat", JSON),
        ("/api/chat/image", JSON),
        ("/api/chat/image", "multipart/form-data; boundary=x"),
        ("/api/chat/image", "application/x-www-form-urlencoded"),
        ("/api/embed/ticket", JSON),
    ];
    let Some((first, body)) = bytes.split_first() else { return };
    let (path, media_type) = OPERATIONS[usize::from(*first) % OPERATIONS.len()];
    let status = post(&SERVICE.app, path, media_type, "", body);
    assert!(status.is_some_and(|status| status < 500), "{path}: status {status:?}");
}

/// Sends a request with a body, and these further headers.
fn post(app: &App, path: &str, media_type: &str, headers: &str, body: &[u8]) -> Option<u16> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {media_type}\r\n{headers}Content-Length: \
         {}\r\n\r\n",
        body.len()
    );
    exchange(app, &[head.as_bytes(), body].concat(), Side::Open)
}

/// Returns bytes without those that no header can have.
fn header_value(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().filter(|byte| **byte >= b' ' && **byte != 0x7F).copied().collect()
}

/// The bearer of a request, of which none is valid: of an account, and of whoever asks at a site.
pub fn bearer(bytes: &[u8]) {
    let bearer = header_value(bytes);
    let head = b"GET /api/auth/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ";
    let account = exchange(&SERVICE.app, &[head.as_slice(), &bearer, b"\r\n\r\n"].concat(), Side::Open);
    for status in [account, ask_with_ticket(&SITE_SERVICE.app, &bearer)] {
        assert!(matches!(status, Some(400 | 401 | 431)), "status {status:?}");
    }
}

/// Asks at the site with this bearer.
fn ask_with_ticket(app: &App, bearer: &[u8]) -> Option<u16> {
    let body = b"{\"message\":\"hello\"}";
    let head = b"POST /api/chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\
                 Authorization: Bearer ";
    exchange(app, &[head.as_slice(), bearer, b"\r\n\r\n", body].concat(), Side::Open)
}

/// A ticket with these bytes as its content, or as its text: of whoever asks, and as the ticket that is renewed.
pub fn ticket(bytes: &[u8]) {
    let service = &*SITE_SERVICE;
    let text = format!("alt_{}", String::from_utf8_lossy(bytes));
    let unsigned = ask_with_ticket(&service.app, &header_value(text.as_bytes()));
    assert!(matches!(unsigned, Some(400 | 401 | 431)), "status {unsigned:?}");
    let signed = service.signed(bytes);
    let status = ask_with_ticket(&service.app, signed.as_bytes());
    assert!(matches!(status, Some(200 | 401 | 431)), "status {status:?}");
    for previous in [text, signed] {
        let body = serde_json::json!({ "site": "shop", "previous": previous }).to_string();
        let origin = format!("Origin: {ORIGIN}\r\n");
        let status = post(&service.app, "/api/embed/ticket", "application/json", &origin, body.as_bytes());
        // One address gets some hundred tickets in a minute.
        assert!(matches!(status, Some(200 | 400 | 429)), "status {status:?}");
    }
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
    let client = http_client::build(config.providers.first().connect_timeout, &config.proxy, None).expect("a client");
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
                options: None,
                answer_limit: None,
                reasons: false,
                stream,
                span: None,
            };
            let model = OpenAi::new(config.providers.first(), config.model.response_limit, client.clone());
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
        let provider = config.providers.first();
        let policy = KeyPolicy { service: config.model.service, works_without_key: provider.works_without_key() };
        let (settings, tasks) = (&config.credentials, Tasks::default());
        let credentials = Credentials::new(settings, &provider.key, policy, true, client.clone(), &tasks);
        format!("{:?}", credentials.access().await)
    };
    RUNTIME.block_on(async { timeout(PATIENCE, asked).await }).expect("an end in time");
}
