//! Measures the latency of requests to many stored chats: `cargo bench --bench chats`, or with `-- --quick` for a short
//! run.
//!
//! Fills a database with 100,000 messages of one owner and as many of others, and requests lists, pages and searches
//! over loopback; then fifty clients write to fifty chats. Runs on SQLite, and on the PostgreSQL server in
//! `AL_CHAT_TEST_POSTGRES` if it is set. Takes about a minute for each and removes its files.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

mod archive;
mod connection;
#[path = "../tests/api/fakes/mod.rs"]
#[allow(unreachable_pub, clippy::needless_pass_by_value, clippy::panic, reason = "written for the tests")]
mod fakes;
#[allow(dead_code, reason = "each bench uses some of it")]
mod measured;
#[allow(dead_code, reason = "each bench uses some of it")]
mod server;

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use archive::{Database, Size};
use bytes::Bytes;
use connection::Connection;
use http_body_util::Full;
use hyper::{Request, StatusCode, header, http::response};
use measured::Measured;
use serde_json::{Value, json};
use server::Server;
use tokio::task::JoinSet;
use url::form_urlencoded;

/// The environment variable with the URL of a PostgreSQL server, as for the tests. Its user may create databases.
const VARIABLE: &str = "AL_CHAT_TEST_POSTGRES";

/// The longest acceptable latency, in milliseconds.
const AIM: f64 = 9.99;

/// The number of clients that write concurrently, each to its own chat.
const WRITERS: usize = 50;

/// A text that occurs once in each row of a list.
const ROW: &[u8] = br#""created_at":"#;

/// The number of rows per page.
const PAGE: usize = 50;

/// The extent of the measurement.
struct Plan {
    size: Size,
    /// The number of requests of each kind.
    requests: usize,
    /// The duration of the concurrent writes.
    writing: Duration,
}

#[tokio::main]
async fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let quick = has("--quick") || !has("--bench");
    let plan = if quick {
        let size = Size { chats: 100, turns: 5000, others: 2 };
        Plan { size, requests: 20, writing: Duration::from_secs(1) }
    } else {
        let size = Size { chats: 1000, turns: 50_000, others: 10 };
        Plan { size, requests: 300, writing: Duration::from_secs(10) }
    };
    let dir = tempfile::tempdir().expect("a folder");
    print_costs("SQLite", dir.path(), "sqlite://al-chat.db", &plan).await;

    #[expect(clippy::disallowed_methods, reason = "a setting of the bench, not of the service")]
    let Ok(server) = std::env::var(VARIABLE) else {
        println!("PostgreSQL: left out, for {VARIABLE} names no server");
        return;
    };
    let name = format!("al_chat_bench_{}", std::process::id());
    let mut administrator = Database::open(&at(&server, "postgres")).await;
    administrator.run(format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let dir = tempfile::tempdir().expect("a folder");
    print_costs("PostgreSQL", dir.path(), &at(&server, &name), &plan).await;
    administrator.run(format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

/// Returns the URL of a database on a server.
fn at(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).expect("a server's address");
    url.set_path(database);
    url.into()
}

async fn print_costs(name: &str, dir: &Path, database: &str, plan: &Plan) {
    let mut chat = Server::al_chat_alone(dir, database).await;
    let mut client = Client::register(chat.address).await;
    // A running service would hold the file's lock.
    chat.stop().await;
    let began = Instant::now();
    let file = format!("sqlite:///{}", dir.join("al-chat.db").display());
    let filled = if database.starts_with("sqlite:") { &file } else { database };
    Database::open(filled).await.fill(plan.size).await;
    let filling = began.elapsed();

    let mut chat = Server::al_chat_alone(dir, database).await;
    client.connect(chat.address).await;
    println!("{name}, {} messages, put there in {:.1} s:", plan.size.turns * 4, filling.as_secs_f64());
    let (kinds, slow) = print_readings(&mut client, plan).await;
    print_sends(&mut client, plan).await;
    println!("  {slow} of {kinds} kinds of requests take {AIM} ms or longer (p99)");
    print_writers(&client, plan).await;
    println!("  memory, at the most: {:.1} MiB", chat.memory("VmHWM"));
    chat.stop().await;
}

/// Requests each kind of list, page and search. Returns the number of kinds and how many were too slow.
async fn print_readings(client: &mut Client, plan: &Plan) -> (usize, usize) {
    let chats = client.list("/api/chat/histories").await;
    assert_eq!(chats.len(), plan.size.chats, "all chats are listed");
    let (big, _) = chats.iter().map(|chat| (id(chat), count(chat))).max_by_key(|(_, count)| *count).expect("chats");
    let closest = |chat: &&Value| count(chat).abs_diff(100);
    let middling = id(chats.iter().min_by_key(closest).expect("chats"));
    let pages = plan.size.chats / PAGE;
    let (histories, messages) = (format!("/api/chat/histories?limit={PAGE}"), format!("/api/messages/{big}/messages"));
    let messages = format!("{messages}?limit={PAGE}");
    let mut kinds = vec![
        ("chats, all", "/api/chat/histories".to_owned()),
        ("chats, first page", histories.clone()),
        ("chats, middle page", client.page(&histories, pages / 2).await),
        ("chats, last page", client.page(&histories, pages).await),
        ("messages, first page", messages.clone()),
        ("messages, deep page", client.page(&messages, plan.size.turns / 10 / PAGE - 1).await),
        ("a chat of 100 messages", format!("/api/chat/{middling}")),
    ];
    let two = archive::APART.join(" ");
    for (name, words) in [
        ("a rare word", archive::RARE),
        ("a frequent word", "the"),
        ("a frequent short word", "to"),
        ("two frequent words", "the to"),
        ("two words", "order parcel"),
        ("two words never together", &two),
        ("a beginning", "par"),
        ("another beginning", "deli"),
        ("a word and a beginning", "parcel vel"),
        ("CJK", archive::UNSPACED),
        ("a word of others", archive::OTHERS),
        ("nobody's word", "xylophone"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", words).finish();
        let first = format!("/api/chat/search?limit={PAGE}&{query}");
        let deep = client.page(&first, 20).await;
        kinds.push((name, first.clone()));
        if deep != first {
            kinds.push(("  a deep page", deep));
        }
    }
    let mut slow = 0;
    for (name, path) in &kinds {
        let mut measured = Measured::default();
        let mut rows = 0;
        for _ in 0..plan.requests {
            let sent = Instant::now();
            let (_, body) = client.fetch(path).await;
            measured.latencies.push(sent.elapsed());
            rows = body.windows(ROW.len()).filter(|part| *part == ROW).count();
        }
        slow += usize::from(!print(name, measured, rows));
    }
    (kinds.len(), slow)
}

/// Prints one line. Returns whether the latency is acceptable.
fn print(name: &str, mut measured: Measured, rows: usize) -> bool {
    measured.latencies.sort_unstable();
    let [p50, p99] = [0.5, 0.99].map(|part| measured.percentile(part) / 1e3);
    let is_quick = p99 < AIM;
    println!("  {name:26} {rows:5} rows   p50 {p50:7.2} ms   p99 {p99:7.2} ms{}", if is_quick { "" } else { "   !" });
    is_quick
}

/// Sends messages to the chat with the most messages.
async fn print_sends(client: &mut Client, plan: &Plan) {
    let mut measured = Measured::default();
    for _ in 0..plan.requests {
        let sent = Instant::now();
        client.say(1).await;
        measured.latencies.push(sent.elapsed());
    }
    print("a turn in the longest chat", measured, 2);
}

/// Makes each writer send messages to its own chat until the time is over.
async fn print_writers(client: &Client, plan: &Plan) {
    let mut writers = JoinSet::new();
    let began = Instant::now();
    for chat in 0..WRITERS {
        let mut client = client.another().await;
        let writing = plan.writing;
        writers.spawn(async move {
            let mut latencies = Vec::new();
            while began.elapsed() < writing {
                let sent = Instant::now();
                client.say(chat + 2).await;
                latencies.push(sent.elapsed());
            }
            latencies
        });
    }
    let mut latencies = writers.join_all().await.concat();
    let time = began.elapsed();
    latencies.sort_unstable();
    let measured = Measured { latencies, time, cpu: None };
    let [p50, p99, most] = [0.5, 0.99, 0.9999].map(|part| measured.percentile(part) / 1e3);
    println!("  {WRITERS} clients write to {WRITERS} chats: {:.0} turns a second, no error", measured.rate());
    println!("    p50 {p50:.1} ms   p99 {p99:.1} ms   the slowest {most:.1} ms");
}

fn id(chat: &Value) -> u64 {
    chat["id"].as_u64().expect("a chat's number")
}

fn count(chat: &Value) -> u64 {
    chat["message_count"].as_u64().expect("a chat's messages")
}

/// A connection with the token of one account.
struct Client {
    connection: Connection,
    address: SocketAddr,
    token: String,
}

impl Client {
    /// Registers the first account of a database.
    async fn register(address: SocketAddr) -> Self {
        let connection = Connection::open(address).await.expect("a connection");
        let mut this = Self { connection, address, token: String::new() };
        let account = json!({"username": "ada", "email": "ada@example.com", "password": "difference engine"});
        let registered = this.post("/api/auth/register", &account, StatusCode::CREATED).await;
        assert_eq!(registered["id"], 1, "the first one");
        let logged_in = this.post("/api/auth/login", &account, StatusCode::OK).await;
        logged_in["access_token"].as_str().expect("a token").clone_into(&mut this.token);
        this
    }

    async fn connect(&mut self, address: SocketAddr) {
        self.address = address;
        self.connection = Connection::open(address).await.expect("a connection");
    }

    /// Opens another connection with the same account.
    async fn another(&self) -> Self {
        let connection = Connection::open(self.address).await.expect("a connection");
        Self { connection, address: self.address, token: self.token.clone() }
    }

    async fn say(&mut self, chat: usize) {
        let said = json!({"text": "When does my parcel arrive? I ordered it on Monday, and it should be here by now."});
        self.post(&format!("/api/messages/{chat}/send"), &said, StatusCode::OK).await;
    }

    async fn post(&mut self, path: &str, body: &Value, expected: StatusCode) -> Value {
        let request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request.body(Full::new(Bytes::from(body.to_string()))).expect("a request");
        let (head, body) = self.connection.send(request).await;
        assert_eq!(head.status, expected, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn fetch(&mut self, path: &str) -> (response::Parts, Bytes) {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request.body(Full::new(Bytes::new())).expect("a request");
        let (head, body) = self.connection.send(request).await;
        assert_eq!(head.status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&body));
        (head, body)
    }

    async fn list(&mut self, path: &str) -> Vec<Value> {
        serde_json::from_slice(&self.fetch(path).await.1).expect("a list")
    }

    /// Returns the path of this page of a list, counted from 1, or of the last page if there are fewer.
    async fn page(&mut self, first: &str, number: usize) -> String {
        let mut path = first.to_owned();
        for _ in 1..number {
            let (head, _) = self.fetch(&path).await;
            let link = head.headers.get(header::LINK).and_then(|link| link.to_str().ok());
            let next = link.and_then(|link| link.strip_prefix('<')?.split_once('>'));
            match next {
                Some((next, _)) => next.clone_into(&mut path),
                None => break,
            }
        }
        path
    }
}
