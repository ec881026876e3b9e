//! Texts in the session log with `SESSION_LOG_CONTENT=on`: sealed, readable while their key exists, and erased with it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use al_chat::{
    foundation::config::Database,
    services::logged_texts::{LineTexts, TextReader},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::{
    command_line::run,
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Script},
    idempotency::{ask, assert_interrupted, keyed},
    interrupted_streams::wait_for_records,
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        raw_connection::RawConnection,
        service::{TestSetup, start_with, wait_until},
        user::{User, start_with_ada, text},
        visitor::Visitor,
    },
};

/// A text that each test sends; the model repeats it.
const SECRET: &str = "the quokka ate my homework 4711";

const ON: (&str, &str) = ("SESSION_LOG_CONTENT", "on");

const ADMIN: &str = "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe";

async fn echoing_model() -> FakeModel {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    model
}

fn setup_with_sealed_texts(model: &FakeModel) -> TestSetup {
    TestSetup::for_model(model).with(ON.0, ON.1)
}

fn ask_in_session(session: &str) -> Value {
    json!({ "message": SECRET, "session_id": session })
}

fn erase_request(client: &Client, id: &str) -> RequestBuilder {
    client.request(Method::DELETE, &format!("/api/session/{id}/content"))
}

pub async fn erase(client: &Client, id: &str) -> HttpResponse {
    client.send(erase_request(client, id)).await
}

/// Returns the stored keys in base64.
async fn keys(setup: &TestSetup) -> Vec<String> {
    let url = setup.database_url();
    let statement = "SELECT key FROM content_keys JOIN content_key_slots USING (slot) ORDER BY id";
    let keys = if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(statement).fetch_all(&mut connection).await
    } else {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(statement).fetch_all(&mut connection).await
    };
    keys.unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Returns the files below a folder that contain one of the texts.
fn files_with(folder: &Path, texts: &[String]) -> Vec<PathBuf> {
    let contains = |path: &PathBuf| {
        // A file may be removed meanwhile.
        let bytes = fs::read(path).unwrap_or_default();
        texts.iter().any(|text| memchr::memmem::find(&bytes, text.as_bytes()).is_some())
    };
    files(folder).into_iter().filter(contains).collect()
}

/// Waits until no file in the data folder contains one of the texts: SQLite's write-ahead log is emptied at intervals.
async fn wait_until_gone(setup: &TestSetup, texts: &[String]) {
    wait_until("texts to be gone from all files", async || files_with(setup.path(), texts).is_empty().then_some(()))
        .await;
}

fn lines_of(log: &Path) -> Vec<String> {
    let mut files = files(log);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files
        .iter()
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Returns what can be read of the texts in `chat` lines, with a database that another process may use.
async fn read_texts(database: &Database, lines: &[String]) -> Vec<LineTexts> {
    let mut reader = TextReader::open(database).await.unwrap();
    let mut texts = Vec::new();
    for line in lines.iter().filter(|line| line.starts_with(r#"{"event":"chat""#)) {
        texts.push(reader.read(line.as_bytes()).await.unwrap());
    }
    reader.close().await.unwrap();
    texts
}

/// Returns the message and the answer of a line, or `erased`, `altered` or `none`.
fn shown(texts: &[LineTexts]) -> Vec<String> {
    let show = |texts: &LineTexts| match texts {
        LineTexts::Readable(texts) => format!("{} > {}", texts.message, texts.answer),
        LineTexts::NoKey => "erased".to_owned(),
        LineTexts::Altered => "altered".to_owned(),
        LineTexts::Comment(comment) => comment.clone(),
        LineTexts::NotLogged => "none".to_owned(),
    };
    texts.iter().map(show).collect()
}

async fn shown_log(setup: &TestSetup) -> Vec<String> {
    shown(&read_texts(&setup.config().database, &lines_of(&setup.log_dir())).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_texts_are_read_with_the_database_only() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let mut process = setup.start_process().await;
    let client = &process.client;
    for body in [ask_in_session("a"), ask_in_session("a"), ask_in_session("b"), json!({ "message": SECRET })] {
        client.post("/api/chat", &body).await.assert_ok();
    }
    client.stream_chat(SECRET).await.text_and_end().await;
    let lines = setup.log_lines("chat");
    let mut ids = lines.iter().map(|line| text(&line["content_key"])).collect::<Vec<_>>();
    assert_eq!(ids[0], ids[1]);
    ids.dedup();
    assert_eq!(ids.len(), 4, "a key for each session, and for each turn without one");
    for line in &lines {
        assert!(line.get("message").is_none() && line.get("answer").is_none() && line["sealed"].is_string(), "{line}");
        assert_eq!((&line["message_chars"], &line["answer_chars"]), (&json!(SECRET.len()), &json!(SECRET.len())));
    }
    let stored = keys(&setup).await;
    assert_eq!(stored.len(), 4);
    assert_eq!(files_with(setup.path(), &[SECRET.to_owned()]), [""; 0].map(PathBuf::from));
    assert_eq!(files_with(&setup.log_dir(), &stored), [""; 0].map(PathBuf::from));
    let expected = vec![format!("{SECRET} > {SECRET}"); 5];
    assert_eq!(shown_log(&setup).await, expected);
    process.kill().await;
    // A text does not open in another line.
    let mut swapped = lines.clone();
    swapped[0]["sealed"] = lines[1]["sealed"].clone();
    let swapped = swapped.iter_mut().map(|line| {
        line.as_object_mut().unwrap().remove("event");
        line.to_string().replacen('{', r#"{"event":"chat","#, 1)
    });
    let swapped = swapped.collect::<Vec<_>>();
    let database = setup.config().database;
    assert_eq!(shown(&read_texts(&database, &swapped[..2]).await), ["altered", &expected[0]]);
}

#[tokio::test]
async fn without_texts_in_the_log_there_are_no_keys() {
    for setting in ["off", "plain"] {
        let (model, setup, service) = start_with(&[(ON.0, setting)]).await;
        model.set_behaviour(Behaviour::Echo);
        service.client.post("/api/chat", &ask_in_session("a")).await.assert_ok();
        assert_eq!(setup.count_rows("content_keys").await, 0);
        erase(&service.client, "a").await.assert_error(404, "content_not_found");
        let line = setup.log_lines("chat").remove(0);
        assert!(line.get("sealed").is_none() && line.get("content_key").is_none(), "{line}");
        assert_eq!(line.get("answer"), (setting == "plain").then(|| json!(SECRET)).as_ref());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erased_texts_are_gone_from_every_file_and_copy() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let client = &process.client;
    for session in ["kept", "gone", "gone"] {
        client.post("/api/chat", &ask_in_session(session)).await.assert_ok();
    }
    client.chat(SECRET).await.assert_ok();
    let copy = lines_of(&setup.log_dir());
    let totals = client.get("/api/openai/usage").await.assert_ok();
    let before = keys(&setup).await;

    erase(client, "gone").await.assert_ok();
    erase(client, "gone").await.assert_error(404, "content_not_found");
    let alone = text(&setup.log_lines("chat")[3]["content_key"]);
    erase(client, &alone).await.assert_ok();

    let mut erased = before.clone();
    erased.retain(|key| *key != before[0]);
    assert_eq!((keys(&setup).await, erased.len()), (vec![before[0].clone()], 2));
    wait_until_gone(&setup, &erased).await;
    let expected = [&format!("{SECRET} > {SECRET}"), "erased", "erased", "erased"];
    assert_eq!(shown_log(&setup).await, expected);
    assert_eq!(shown(&read_texts(&setup.config().database, &copy).await), expected);
    let after = client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&after["request_count"], &after["total_tokens"]), (&totals["request_count"], &totals["total_tokens"]));

    // Later texts of the session have a new key.
    client.post("/api/chat", &ask_in_session("gone")).await.assert_ok();
    assert_eq!(shown_log(&setup).await[4], expected[0]);
}

#[tokio::test]
async fn many_erased_keys_leave_no_trace_in_the_file() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).on_sqlite();
    let service = setup.start().await;
    for session in 0..300 {
        service.client.post("/api/chat", &ask_in_session(&format!("s-{session}"))).await.assert_ok();
    }
    let before = keys(&setup).await;
    for session in (0..300).filter(|session| session % 7 != 0) {
        erase(&service.client, &format!("s-{session}")).await.assert_ok();
    }
    let kept = keys(&setup).await;
    let erased = before.iter().filter(|key| !kept.contains(key)).cloned().collect::<Vec<_>>();
    assert_eq!((before.len(), erased.len()), (300, 257));
    service.stop().await;
    wait_until_gone(&setup, &erased).await;
}

#[tokio::test]
async fn an_account_erases_its_own_texts_only() {
    let (model, setup, service, ada) = start_with_ada(&[ON, ("ADMIN_TOKEN", ADMIN)]).await;
    model.set_behaviour(Behaviour::Echo);
    let bob = User::register(&service.client, "bob").await;
    // A client may choose the id of its session, so that several callers may use one.
    for user in [&ada, &bob] {
        user.post("/api/chat", &ask_in_session("shared")).await.assert_ok();
    }
    service.client.post("/api/chat", &ask_in_session("shared")).await.assert_ok();
    bob.post("/api/chat", &ask_in_session("bobs")).await.assert_ok();
    let path = |id| format!("/api/session/{id}/content");
    ada.delete(&path("bobs")).await.assert_error(404, "content_not_found");
    ada.delete(&path("unknown")).await.assert_error(404, "content_not_found");
    ada.delete(&path("no%20id")).await.assert_error(400, "invalid_session_id");
    ada.delete(&path("shared")).await.assert_ok();
    ada.delete(&path("shared")).await.assert_error(404, "content_not_found");
    assert_eq!(setup.count_rows("content_keys").await, 3);
    let operator = erase_request(&service.client, "shared").bearer_auth(ADMIN);
    service.client.send(operator).await.assert_ok();
    assert_eq!(setup.count_rows("content_keys").await, 1);
}

#[tokio::test]
async fn only_operators_and_accounts_may_erase() {
    let (_model, _setup, service) = start_with(&[ON, ("ADMIN_TOKEN", ADMIN)]).await;
    let client = &service.client;
    let with_token = async |token: &str| client.send(erase_request(client, "s").bearer_auth(token)).await;
    erase(client, "s").await.assert_error(401, "token_missing");
    for token in ["null", &ADMIN[1..], &format!("{ADMIN}e"), &ADMIN.to_lowercase()] {
        let answer = with_token(token).await;
        answer.assert_error(401, "token_invalid");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    with_token(ADMIN).await.assert_error(404, "content_not_found");

    // Without the setting, the operator is whoever is at this machine.
    let (_model, _setup, service) = start_with(&[ON]).await;
    let client = &service.client;
    erase(client, "s").await.assert_error(404, "content_not_found");
    client.send(erase_request(client, "s").bearer_auth(ADMIN)).await.assert_error(401, "token_invalid");
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7"),
        ("via", "1.1 proxy"),
        ("origin", "http://localhost:5000"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
        // A page whose name was pointed at this machine after it was loaded.
        ("host", "rebound.example:5000"),
    ] {
        client.send(erase_request(client, "s").header(name, value)).await.assert_error(401, "token_missing");
    }
    let from_own_page = erase_request(client, "s").header("sec-fetch-site", "same-origin");
    client.send(from_own_page).await.assert_error(404, "content_not_found");
}

#[tokio::test]
async fn a_weak_admin_token_is_refused_and_none_is_shown() {
    let model = echoing_model().await;
    for token in ["short", "change-this-to-something-else-in-production-7cd1", "N3v2Zr7mQy0LxWbT t1k8Jd5uHc9sAfGe!"] {
        let setup = setup_with_sealed_texts(&model).with("ADMIN_TOKEN", token);
        let ran = run(&setup, &["check"]).await;
        let text = ran.err + &ran.out;
        assert!(ran.code != Some(0) && text.contains("ADMIN_TOKEN") && !text.contains(token), "{text}");
    }
}

#[tokio::test]
async fn the_end_of_an_account_erases_its_texts() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let [ada, bob] = [User::register(&process.client, "ada").await, User::register(&process.client, "bob").await];
    let chat = ada.create_chat().await;
    ada.ask(chat, SECRET).await;
    ada.post("/api/chat", &ask_in_session("a")).await.assert_ok();
    ada.post("/api/chat", &json!({ "message": SECRET })).await.assert_ok();
    let keyed = ada.json_request(Method::POST, "/api/chat", &json!({ "message": SECRET }));
    ada.client.send(keyed.header("idempotency-key", "k")).await.assert_ok();
    let erased = keys(&setup).await;
    assert_eq!(erased.len(), 3, "of the chat, the session and the rest");
    bob.post("/api/chat", &json!({ "message": "I stay" })).await.assert_ok();
    ada.delete("/api/auth/me").await.assert_ok();
    assert_eq!(keys(&setup).await.len(), 1);
    assert_eq!(setup.count_rows("idempotency_keys").await, 0);
    // The chat is deleted, too.
    wait_until_gone(&setup, &[erased, vec![SECRET.to_owned()]].concat()).await;
    assert_eq!(shown_log(&setup).await, ["erased", "erased", "erased", "erased", "I stay > I stay"]);
}

#[tokio::test]
async fn deleting_or_clearing_a_chat_erases_its_texts() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let chats = [ada.create_chat().await, ada.create_chat().await, ada.create_chat().await];
    for chat in chats {
        ada.ask(chat, SECRET).await;
    }
    let before = keys(&setup).await;
    ada.delete_chat(chats[0]).await;
    ada.clear(chats[1]).await;
    assert_eq!(keys(&setup).await, before[2..]);
    wait_until_gone(&setup, &before[..2]).await;
    ada.ask(chats[1], "Once more").await;
    let expected = ["erased", "erased", &format!("{SECRET} > {SECRET}"), "Once more > Once more"];
    assert_eq!(shown_log(&setup).await, expected);
}

#[tokio::test]
async fn texts_of_guests_and_visitors_are_erased_after_a_time() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).with("VISITOR_RETENTION", "2s");
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let visitor = Visitor::first_visit(&service.client).await;
    let ada = User::register(&service.client, "ada").await;
    visitor.ask(SECRET).await;
    service.client.post("/api/chat", &ask_in_session("guest")).await.assert_ok();
    service.client.chat(SECRET).await.assert_ok();
    let erased = keys(&setup).await;
    ada.post("/api/chat", &json!({ "message": "I stay" })).await.assert_ok();
    clock.advance(Duration::from_mins(1));
    wait_until("keys to be erased", async || (keys(&setup).await.len() == 1).then_some(())).await;
    service.client.post("/api/chat", &ask_in_session("guest")).await.assert_ok();
    assert_eq!(keys(&setup).await.len(), 2);
    service.stop().await;
    wait_until_gone(&setup, &erased).await;
    let shown = shown_log(&setup).await;
    assert_eq!(shown[..4], ["erased", "erased", "erased", "I stay > I stay"]);
}

/// Returns the request with this body and the key `k`.
fn keyed_ask(client: &Client, body: &Value) -> RequestBuilder {
    keyed(client, "k", body)
}

#[tokio::test]
async fn answers_for_repeated_requests_are_erased_too() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let client = &process.client;
    // The second turn has neither a session nor an account.
    for (turn, body) in [ask_in_session("a"), json!({ "message": SECRET })].iter().enumerate() {
        let first = client.send(keyed_ask(client, body)).await.assert_ok();
        assert_eq!(client.send(keyed_ask(client, body)).await.assert_ok(), first);
        assert_eq!(files_with(setup.path(), &[SECRET.to_owned()]), [""; 0].map(PathBuf::from));
        let id = text(&setup.log_lines("chat")[turn]["content_key"]);
        erase(client, if turn == 0 { "a" } else { &id }).await.assert_ok();
        // It was paid, so that it is not asked again.
        client.send(keyed_ask(client, body)).await.assert_error(409, "turn_interrupted");
        assert_eq!(model.call_count(), turn + 1);
    }
}

#[tokio::test]
async fn unsealed_answers_of_the_session_are_erased_too() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).with("RESUME_WINDOW", "0");
    let process = setup.start_process().await;
    let client = &process.client;
    let body = ask_in_session("a");
    client.send(keyed_ask(client, &body)).await.assert_ok();
    // As a turn stores it whose key could not be stored in time.
    setup
        .change_database(
            "UPDATE idempotency_keys SET answer = 'the quokka ate my homework 4711', sealed_answer = NULL, content_key = NULL",
        )
        .await;
    assert_eq!(client.send(keyed_ask(client, &body)).await.assert_ok()["message"], SECRET);
    erase(client, "a").await.assert_ok();
    wait_until_gone(&setup, &[SECRET.to_owned()]).await;
    client.send(keyed_ask(client, &body)).await.assert_error(409, "turn_interrupted");
    assert_eq!(model.call_count(), 1);
}

/// Makes the keys of texts unavailable, as if storing them took too long.
async fn hide_keys(setup: &TestSetup) {
    setup.change_database("ALTER TABLE content_keys RENAME TO hidden_keys").await;
}

async fn show_keys(setup: &TestSetup) {
    setup.change_database("ALTER TABLE hidden_keys RENAME TO content_keys").await;
}

/// Returns the request for a stream with the idempotency key `k`.
fn keyed_stream(client: &Client, session: &str) -> RequestBuilder {
    keyed_ask(client, &json!({ "message": SECRET, "session_id": session, "stream": true }))
}

/// Reads a stream to its end. Returns the id of its request.
async fn read_stream(client: &Client, request: RequestBuilder) -> String {
    let events = client.open_stream(request).await;
    let id = events.request_id();
    assert_eq!(events.text_and_end().await.0, SECRET);
    id
}

async fn assert_not_found(client: &Client, request_id: &str) {
    client.resume(request_id, None).await.into_response().await.assert_error(404, "turn_not_found");
}

#[tokio::test]
async fn texts_of_a_session_without_any_key_are_erased_too() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let client = &process.client;
    let ada = User::register(client, "ada").await;
    hide_keys(&setup).await;
    let of_guest = read_stream(client, keyed_stream(client, "a")).await;
    let of_ada = read_stream(client, keyed_stream(client, "a").bearer_auth(&ada.token)).await;
    // Without an Idempotency-Key its text is in memory only.
    let in_memory = client.json_request("/api/chat", &json!({ "message": SECRET, "session_id": "b", "stream": true }));
    let in_memory = read_stream(client, in_memory).await;
    show_keys(&setup).await;
    assert_eq!((setup.count_rows("content_keys").await, setup.count_rows("idempotency_keys").await), (0, 2));
    assert_eq!(shown_log(&setup).await, ["none"; 3]);

    erase(client, "c").await.assert_error(404, "content_not_found");
    ada.delete("/api/session/a/content").await.assert_ok();
    assert_not_found(client, &of_ada).await;
    for id in [&of_guest, &in_memory] {
        assert_eq!(client.resume(id, None).await.text_and_end().await.0, SECRET);
    }
    for (session, id) in [("a", &of_guest), ("b", &in_memory)] {
        erase(client, session).await.assert_ok();
        assert_not_found(client, id).await;
        erase(client, session).await.assert_error(404, "content_not_found");
    }
    wait_until_gone(&setup, &[SECRET.to_owned()]).await;
    for request in [keyed_stream(client, "a"), keyed_stream(client, "a").bearer_auth(&ada.token)] {
        client.send(request).await.assert_error(409, "turn_interrupted");
    }
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn the_operator_erases_unsealed_answers_of_accounts() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).with("RESUME_WINDOW", "0");
    let process = setup.start_process().await;
    let client = &process.client;
    let ada = User::register(client, "ada").await;
    hide_keys(&setup).await;
    let other = "the wombat ate hers 4712";
    let in_session = |session: &str, message: &str, key: &str| {
        let body = json!({ "message": message, "session_id": session });
        keyed(client, key, &body).bearer_auth(&ada.token)
    };
    let without_session = || keyed(client, "c", &json!({ "message": other })).bearer_auth(&ada.token);
    let gone = client.send(in_session("a", SECRET, "a")).await.assert_ok();
    let kept = client.send(in_session("b", other, "b")).await.assert_ok();
    let kept_without = client.send(without_session()).await.assert_ok();
    show_keys(&setup).await;
    assert_eq!((&gone["message"], setup.count_rows("content_keys").await), (&json!(SECRET), 0));

    erase(client, "a").await.assert_ok();
    wait_until_gone(&setup, &[SECRET.to_owned()]).await;
    client.send(in_session("a", SECRET, "a")).await.assert_error(409, "turn_interrupted");
    assert_eq!(client.send(in_session("b", other, "b")).await.assert_ok(), kept);
    assert_eq!(client.send(without_session()).await.assert_ok(), kept_without);
    erase(client, "a").await.assert_error(404, "content_not_found");
    // The account erases its answers without a session with those of any of its sessions.
    ada.delete("/api/session/b/content").await.assert_ok();
    wait_until_gone(&setup, &[other.to_owned()]).await;
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn guests_answers_of_an_older_database_are_erased() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).with("SESSION_LOG_CONTENT", "off");
    let service = setup.start().await;
    // Older builds named any session so, also one that was not started here.
    let started = service.client.post("/api/session/start", &json!({})).await.assert_ok();
    let session = started["session_id"].as_str().unwrap();
    service.client.send(keyed_ask(&service.client, &ask_in_session(session))).await.assert_ok();
    service.stop().await;
    for statement in [
        "DROP INDEX idempotency_keys_by_session",
        "ALTER TABLE idempotency_keys DROP COLUMN session_id",
        "ALTER TABLE idempotency_keys DROP COLUMN is_erased",
        "DELETE FROM _sqlx_migrations WHERE version = 17",
    ] {
        setup.change_database(statement).await;
    }
    let service = setup.start().await;
    let client = &service.client;
    client.send(keyed_ask(client, &ask_in_session(session))).await.assert_ok();
    erase(client, session).await.assert_ok();
    client.send(keyed_ask(client, &ask_in_session(session))).await.assert_error(409, "turn_interrupted");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_unsealed_answer_is_not_stored_after_the_erasure() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model).with("RESUME_WINDOW", "0").with("DATABASE_STATEMENT_TIMEOUT", "2s");
    let process = setup.start_process().await;
    let client = &process.client;
    let ada = User::register(client, "ada").await;
    hide_keys(&setup).await;
    let body = ask_in_session("a");
    let of_ada = || keyed_ask(client, &body).bearer_auth(&ada.token);
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let (of_guest, from_ada, lock) =
        tokio::join!(client.send(keyed_ask(client, &body)), client.send(of_ada()), async {
            model.wait_for_calls(2).await;
            show_keys(&setup).await;
            let lock = setup.lock_database().await;
            gate.open();
            lock
        });
    of_guest.assert_ok();
    from_ada.assert_ok();
    // The answers are queued. The erasure comes before the next attempt to store them.
    lock.release().await;
    erase(client, "a").await.assert_ok();
    client.wait_for_readiness(200).await;
    for request in [keyed_ask(client, &body), of_ada()] {
        client.send(request).await.assert_error(409, "turn_interrupted");
    }
    assert_eq!(model.call_count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_whose_client_leaves_comes_to_its_end() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let stream = json!({ "message": SECRET, "session_id": "a", "stream": true });
    let id = read_stream(&client, client.json_request("/api/chat", &stream)).await;
    let lock = setup.lock_database_with("LOCK TABLE content_keys IN ACCESS EXCLUSIVE MODE").await;
    // Of a client that leaves at once, the server may not even see the request.
    for _ in 0..20 {
        let mut leaving = RawConnection::connect(process.address).await;
        leaving.send("DELETE /api/session/a/content HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    }
    process.wait_for_line("status=499").await;
    lock.release().await;
    wait_until("the erasure", async || (client.resume(&id, None).await.status == StatusCode::NOT_FOUND).then_some(()))
        .await;
}

#[tokio::test]
async fn a_turn_without_a_key_that_runs_during_the_erasure_leaves_no_text() {
    let model = FakeModel::start().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let client = &process.client;
    hide_keys(&setup).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let body = ask_in_session("a");
    let (answered, ()) = tokio::join!(client.send(keyed_ask(client, &body)), async {
        model.wait_for_calls(1).await;
        show_keys(&setup).await;
        erase(client, "a").await.assert_ok();
        gate.open();
    });
    answered.assert_ok();
    client.send(keyed_ask(client, &body)).await.assert_error(409, "turn_interrupted");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_turn_that_runs_during_the_erasure_leaves_no_text() {
    let model = FakeModel::start().await;
    let setup = setup_with_sealed_texts(&model);
    let process = setup.start_process().await;
    let client = &process.client;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    model.set_behaviour(Behaviour::Echo);
    let body = ask_in_session("a");
    let (answered, ()) = tokio::join!(client.send(keyed_ask(client, &body)), async {
        model.wait_for_calls(1).await;
        erase(client, "a").await.assert_ok();
        gate.open();
    });
    answered.assert_ok();
    assert_eq!(shown_log(&setup).await, ["erased"]);
    client.send(keyed_ask(client, &body)).await.assert_error(409, "turn_interrupted");
    // What begins after the erasure can be read, and repeated.
    let again = keyed(client, "k-2", &body);
    let first = client.send(again.try_clone().unwrap()).await.assert_ok();
    assert_eq!(client.send(again).await.assert_ok(), first);
    assert_eq!(shown_log(&setup).await, ["erased", &format!("{SECRET} > {SECRET}")]);
}

#[tokio::test]
async fn erased_streams_cannot_be_read_again() {
    let (model, _setup, service, ada) = start_with_ada(&[ON]).await;
    model.set_behaviour(Behaviour::Echo);
    let client = &service.client;
    let stream = async |request: RequestBuilder| read_stream(client, request).await;
    let in_session = |session: &str| json!({ "message": SECRET, "session_id": session, "stream": true });
    let [kept, gone] = ["kept", "gone"].map(|session| client.json_request("/api/chat", &in_session(session)));
    let of_ada = ada.json_request(Method::POST, "/api/chat", &json!({ "message": SECRET, "stream": true }));
    let [kept, gone, of_ada] = [stream(kept).await, stream(gone).await, stream(of_ada).await];
    for id in [&kept, &gone, &of_ada] {
        assert_eq!(client.resume(id, None).await.text_and_end().await.0, SECRET);
    }
    erase(client, "gone").await.assert_ok();
    ada.delete("/api/auth/me").await.assert_ok();
    for id in [&gone, &of_ada] {
        assert_not_found(client, id).await;
    }
    assert_eq!(client.resume(&kept, None).await.text_and_end().await.0, SECRET);
}

#[tokio::test]
async fn streams_of_deleted_and_cleared_chats_cannot_be_read_again() {
    // Without texts in the log, the turns have no keys.
    for setting in ["on", "off"] {
        let (model, _setup, service, ada) = start_with_ada(&[(ON.0, setting)]).await;
        model.set_behaviour(Behaviour::Echo);
        let client = &service.client;
        let visitor = Visitor::first_visit(client).await;
        let chats = [ada.create_chat().await, ada.create_chat().await, ada.create_chat().await];
        let in_chat = |chat| ada.send_request(chat, &json!({ "text": SECRET, "stream": true }));
        let mut ids = Vec::new();
        for request in chats.map(in_chat) {
            ids.push(read_stream(client, request).await);
        }
        ids.push(
            read_stream(client, visitor.json_request("/chat", &json!({ "message": SECRET, "stream": true }))).await,
        );
        let resumed = async |stream: usize| {
            let path = format!("/api/chat/{}/events", ids[stream]);
            let is_visitors = stream == chats.len();
            let request =
                if is_visitors { visitor.request(Method::GET, &path) } else { ada.request(Method::GET, &path) };
            client.open_stream(request).await
        };
        for stream in 0..ids.len() {
            assert_eq!(resumed(stream).await.text_and_end().await.0, SECRET);
        }
        ada.delete_chat(chats[0]).await;
        ada.clear(chats[1]).await;
        visitor.call(Method::POST, "/clear_chat").await.assert_ok();
        for stream in [0, 1, 3] {
            resumed(stream).await.into_response().await.assert_error(404, "turn_not_found");
        }
        assert_eq!(resumed(2).await.text_and_end().await.0, SECRET);
        // What follows in a cleared chat can be read again.
        let later = read_stream(client, in_chat(chats[1])).await;
        let request = ada.request(Method::GET, &format!("/api/chat/{later}/events"));
        assert_eq!(client.open_stream(request).await.text_and_end().await.0, SECRET);
    }
}

#[tokio::test]
async fn keys_stay_in_memory_if_none_is_deleted() {
    let (model, setup, service, ada) = start_with_ada(&[ON]).await;
    model.set_behaviour(Behaviour::Echo);
    let client = &service.client;
    let chat = ada.create_chat().await;
    let next_key = async || {
        client.post("/api/chat", &ask_in_session("a")).await.assert_ok();
        text(&setup.log_lines("chat").pop().unwrap()["content_key"])
    };
    let first = next_key().await;
    // A key that has to be read again is a new one.
    setup.change_database("DELETE FROM content_keys").await;
    erase(client, "unknown").await.assert_error(404, "content_not_found");
    ada.delete("/api/session/unknown/content").await.assert_error(404, "content_not_found");
    ada.delete("/api/chat/123456/delete").await.assert_error(404, "chat_not_found");
    ada.call(Method::POST, "/api/chat/123456/clear").await.assert_error(404, "chat_not_found");
    ada.clear(chat).await;
    assert_eq!(next_key().await, first);

    ada.ask(chat, SECRET).await;
    ada.clear(chat).await;
    assert_ne!(next_key().await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_waits_for_the_database_is_not_stored_after_the_erasure() {
    let model = FakeModel::start().await;
    let setup = setup_with_sealed_texts(&model).with("RESUME_WINDOW", "0").with("DATABASE_STATEMENT_TIMEOUT", "2s");
    let process = setup.start_process().await;
    let client = &process.client;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let body = ask_in_session("a");
    let (answered, lock) = tokio::join!(client.send(keyed_ask(client, &body)), async {
        model.wait_for_calls(1).await;
        let lock = setup.lock_database().await;
        gate.open();
        lock
    });
    answered.assert_ok();
    lock.release().await;
    erase(client, "a").await.assert_ok();
    client.wait_for_readiness(200).await;
    client.send(keyed_ask(client, &body)).await.assert_error(409, "turn_interrupted");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_logged_text_survives_sigkill() {
    let model = echoing_model().await;
    let setup = setup_with_sealed_texts(&model);
    for round in 0..5 {
        let mut process = setup.start_process().await;
        let lines = setup.log_lines("chat").len();
        let asking = async {
            let sessions = (0..8).map(|number| format!("{round}-{number}"));
            let turns = sessions.map(|session| {
                let client = process.client.clone();
                async move { client.try_send(client.json_request("/api/chat", &ask_in_session(&session))).await }
            });
            futures_util::future::join_all(turns).await
        };
        tokio::select! {
            _ = asking => {}
            _ = setup.wait_for_log_lines("chat", lines + 1) => {}
        }
        process.kill().await;
    }
    let shown = shown_log(&setup).await;
    assert!(shown.len() >= 5, "{shown:?}");
    // Turns whose clients have left may have no answer.
    assert!(shown.iter().all(|shown| shown.starts_with(&format!("{SECRET} > "))), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_an_open_stream_is_sealed() {
    let model = FakeModel::start().await;
    let setup = setup_with_sealed_texts(&model);
    for is_erased in [false, true] {
        let pieces = vec![SECRET.to_owned()];
        model.behave_once(Behaviour::Stream(Script { pieces, ending: Ending::Stall, ..Script::default() }));
        let mut process = setup.start_process().await;
        let body = json!({ "message": "What?", "stream": true, "session_id": "a" });
        let mut events = process.client.open_stream(process.client.json_request("/api/chat", &body)).await;
        events.read_deltas(1).await;
        wait_for_records(&setup, 1, "answer_chars", SECRET.len()).await;
        assert_eq!(files_with(setup.path(), &[SECRET.to_owned()]), [""; 0].map(PathBuf::from));
        if is_erased {
            erase(&process.client, "a").await.assert_ok();
        }
        process.kill().await;
        let mut process = setup.start_process().await;
        let last = shown_log(&setup).await.pop().unwrap();
        let expected = if is_erased { "erased".to_owned() } else { format!("What? > {SECRET}") };
        assert_eq!(last, expected);
        process.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erased_answers_are_not_recovered() {
    let model = FakeModel::start().await;
    let setup = setup_with_sealed_texts(&model).with("RESUME_WINDOW", "0").with("DATABASE_STATEMENT_TIMEOUT", "2s");
    let mut process = setup.start_process().await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let client = process.client.clone();
    let (_, lock) = tokio::join!(ask(&client, "k"), async {
        model.wait_for_calls(1).await;
        let lock = setup.lock_database().await;
        gate.open();
        lock
    });
    process.kill().await;
    lock.release().await;
    setup.change_database("DELETE FROM content_keys").await;
    let process = setup.start_process().await;
    assert_interrupted(&process.client, &model, "k").await;
}
