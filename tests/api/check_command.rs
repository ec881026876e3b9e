//! `al-chat check`: its report about configurations that do not work.

use std::{
    collections::BTreeSet,
    fs,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    command_line::run,
    fakes::{
        byte_server::ByteServer,
        certificates::Authority,
        event_receiver::EventReceiver,
        hook::{FakeHook, HookBehaviour},
        model::{Behaviour, FakeModel, Reply},
        tls,
    },
    support::service::{TEST_TIMEOUT, TestSetup},
};

/// Runs a check and asserts its exit code and its output.
async fn assert_check(setup: &TestSetup, code: i32, words: &[&str]) {
    let ran = run(setup, &["check"]).await;
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for words in words {
        assert!(ran.out.contains(words), "{words} in {ran:?}");
    }
}

fn setup_for(base: &str) -> TestSetup {
    TestSetup::new().with("OPENAI_BASE_URL", base).with("OPENAI_API_KEY", "sk-local")
}

#[tokio::test]
async fn check_requests_a_whole_and_a_streamed_answer() {
    let model = FakeModel::start().await;
    assert_check(&TestSetup::for_model(&model), 0, &["gpt-4o-mini answers, whole and streamed"]).await;
    let streams = model.calls().iter().map(|call| call.body["stream"] == true).collect::<Vec<_>>();
    assert_eq!(streams, [false, true]);
    model.behave_once(Behaviour::Answer(Reply::default()));
    model.set_behaviour(Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() });
    assert_check(&TestSetup::for_model(&model), 1, &["gpt-4o-mini answers whole, but not streamed; "]).await;
}

#[tokio::test]
async fn check_suggests_the_right_path_for_a_wrong_base_url() {
    let model = FakeModel::start().await;
    let right = format!("a model server answers at {}; set OPENAI_BASE_URL", model.base_url());
    for path in ["", "/", "/v1/chat/completions", "/v1/models/", "/v1/v1", "/api/v1", "/v2", "/openai"] {
        assert_check(&setup_for(&format!("http://{}{path}", model.address())), 1, &[&right]).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_a_model_is_reported() {
    let page = ByteServer::replying(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><Title>Sign \x1b[1min</title>",
    )
    .await;
    let base = format!("http://{}/v1", page.address);
    assert_check(&setup_for(&base), 1, &["a web page (Sign [1min), not a model server", "no model server was found"])
        .await;
    let other =
        ByteServer::replying(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_check(&setup_for(&format!("http://{}/v1", other.address)), 1, &["no model server was found"]).await;
    let moved = ByteServer::replying(
        b"HTTP/1.1 301 Moved\r\nLocation: https://model.example/v1/models\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert_check(&setup_for(&format!("http://{}/v1", moved.address)), 1, &["on to https://model.example/v1/models"])
        .await;
}

#[tokio::test]
async fn a_key_of_another_provider_is_recognized() {
    let model = FakeModel::start().await;
    model.accept_only(&["sk-another"]);
    for (key, name) in
        [("gsk_0123456789abcdef", "Groq"), ("sk-ant-api03-0123456789", "Anthropic"), ("AIzaSy0123456789", "Gemini")]
    {
        let setup = TestSetup::for_model(&model).with("OPENAI_API_KEY", key);
        let ran = run(&setup, &["check"]).await;
        assert!(ran.out.contains("the key looks like one of") && ran.out.contains(name), "{ran:?}");
        assert!(!ran.out.contains(&key[..8]) && !ran.err.contains(&key[..8]), "{ran:?}");
    }
    assert_check(&TestSetup::for_model(&model), 1, &["is the key one of 127.0.0.1"]).await;
}

#[tokio::test]
async fn an_unknown_model_is_reported_with_similar_names() {
    let model = FakeModel::start().await;
    let body = json!({ "error": { "message": "no", "code": "model_not_found" } }).to_string();
    model.set_behaviour(Behaviour::Respond { status: 404, headers: vec![], body });
    let setup = TestSetup::for_model(&model).with("OPENAI_MODEL", "gpt-4o-mni");
    assert_check(&setup, 1, &["no such model", "the nearest are gpt-4o-mini (OPENAI_MODEL)"]).await;
}

#[tokio::test]
async fn an_unreachable_server_is_reported_with_the_cause() {
    let model = FakeModel::start().await;
    let long_name = "a".repeat(64);
    for (base, cause) in [
        ("http://127.0.0.1:9/v1".to_owned(), "the connection is refused"),
        (format!("http://{long_name}.example/v1"), "the host's name cannot be resolved"),
        (format!("https://{}/v1", model.address()), "use http://"),
    ] {
        assert_check(&setup_for(&base), 1, &["gpt-4o-mini does not answer", cause]).await;
    }
}

#[tokio::test]
async fn ssl_cert_file_and_dir_add_trusted_authorities() {
    let (model, authority) = (FakeModel::start().await, Authority::new());
    let server = tls::start(&authority.issue(&["localhost"]), model.address()).await;
    let setup = setup_for(&format!("https://localhost:{}/v1", server.address.port()));
    assert_check(&setup, 1, &["authority that this machine does not trust", "SSL_CERT_FILE", "SSL_CERT_DIR"]).await;
    let (file, dir) = (setup.path().join("authority.pem"), setup.path().join("authorities"));
    fs::write(&file, authority.certificate()).expect("a file");
    fs::create_dir(&dir).expect("a folder");
    fs::copy(&file, dir.join("authority.pem")).expect("a file");
    let setup = setup.with("SSL_CERT_FILE", &file.display().to_string());
    assert_check(&setup, 0, &["whole and streamed"]).await;
    let setup = setup.with("SSL_CERT_FILE", "").with("SSL_CERT_DIR", &dir.display().to_string());
    assert_check(&setup, 0, &["whole and streamed"]).await;
    // HTTP on a port that expects HTTPS.
    assert_check(&setup_for(&format!("http://localhost:{}/v1", server.address.port())), 1, &["use https://"]).await;
}

#[tokio::test]
async fn a_slow_first_answer_is_reported_with_its_duration() {
    let model = FakeModel::start().await;
    model.behave_once(Behaviour::Delayed(Duration::from_millis(3500), Box::new(Behaviour::Answer(Reply::default()))));
    let setup = TestSetup::for_model(&model).with("TURN_TIMEOUT", "2s").with("MODEL_FIRST_BYTE_TIMEOUT", "1s");
    let ran = run(&setup, &["check"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("waiting for gpt-4o-mini for 3 s"), "{ran:?}");
    assert!(ran.out.contains("took 3 s to answer, and a turn waits for 2 s (TURN_TIMEOUT)"), "{ran:?}");
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_retried() {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let server = ByteServer::start(async |mut stream| {
        let _ = stream.read(&mut [0; 16 << 10]).await;
        let loading = json!({ "error": { "message": "Loading model", "code": 503 } }).to_string();
        let answer = json!({ "choices": [{ "message": { "content": "OK" }, "finish_reason": "stop" }] }).to_string();
        let (status, body) = match CONNECTIONS.fetch_add(1, Relaxed) {
            0..=3 => ("503 Service Unavailable", loading),
            _ => ("200 OK", answer),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        let _ = stream.write_all((head + &body).as_bytes()).await;
    })
    .await;
    assert_check(&setup_for(&format!("http://{}/v1", server.address)), 0, &["answers, whole and streamed"]).await;
    assert_eq!(CONNECTIONS.load(Relaxed), 6, "four requests and two reads of the list of models");
}

#[tokio::test]
async fn a_check_leaves_no_files() {
    let setup = TestSetup::new().on_sqlite();
    let expected =
        ["Database: ", "al-chat.db is made at the start", "Session log: ", "SessionLog is made at the start"];
    assert_check(&setup, 0, &expected).await;
    assert_eq!(fs::read_dir(setup.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn check_and_backup_create_no_file_beside_the_database() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let fingerprint = process.client.get("/api/openai/info").await.json()["credentials_info"]["openai_api_key_prefix"]
        .as_str()
        .expect("a fingerprint")
        .to_owned();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let names = || {
        let entries = fs::read_dir(setup.path()).expect("a folder").map(|entry| entry.expect("a file").file_name());
        entries.map(|name| name.into_string().expect("a name")).collect::<BTreeSet<_>>()
    };
    let before = names();
    assert!(!before.contains("al-chat.db-wal") && !before.contains("al-chat.db-shm"), "{before:?}");
    let bytes = fs::read(setup.path().join("al-chat.db")).expect("a database");
    assert_check(&setup, 0, &["al-chat.db can be used.", &fingerprint]).await;
    assert_eq!(names(), before);
    assert_eq!(run(&setup, &["backup", "copy.db"]).await.code, Some(0));
    let mut expected = before;
    expected.insert("copy.db".to_owned());
    assert_eq!(names(), expected);
    assert!(fs::read(setup.path().join("al-chat.db")).expect("a database") == bytes, "the database was changed");
}

#[tokio::test]
async fn check_accepts_a_database_and_a_log_in_use() {
    let setup = TestSetup::new().on_sqlite();
    let service = setup.start().await;
    let files = || {
        fs::read_dir(setup.log_dir()).expect("a folder").count() + fs::read_dir(setup.path()).expect("a folder").count()
    };
    let before = files();
    assert_check(&setup, 0, &["a server is running on it", "a running server does"]).await;
    assert_eq!(files(), before);
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    assert_check(&setup, 0, &["al-chat.db can be used.", "SessionLog can be written."]).await;
}

#[tokio::test]
async fn an_unusable_database_or_log_fails_the_check() {
    let setup = TestSetup::new().on_sqlite();
    let file = setup.path().join("file");
    fs::write(&file, "not a database, and not a folder").expect("a file");
    let place = |name: &str| setup.path().join(name).display().to_string();
    for database in ["file", "file/al-chat.db", "missing/al-chat.db", "."] {
        let wrong = TestSetup::new().with("DATABASE_URL", &format!("sqlite://{}", place(database)));
        assert_check(&wrong, 1, &["Database: cannot be used; ", "Session log: "]).await;
    }
    for log in ["file", "file/log"] {
        let wrong = TestSetup::new().on_sqlite().with("SESSION_LOG_DIR", &place(log));
        assert_check(&wrong, 1, &["cannot be written", "SESSION_LOG_DIR"]).await;
    }
    let server = TestSetup::new().with("DATABASE_URL", "postgres://ada:Battery-77@127.0.0.1:9/chat");
    let ran = run(&server, &["check"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("Database: cannot be used; "), "{ran:?}");
    assert!(!ran.out.contains("Battery-77") && !ran.err.contains("Battery-77"), "{ran:?}");
}

#[tokio::test]
async fn a_closed_output_pipe_is_not_an_error() {
    for arguments in [&["check"][..], &["openapi"], &["--help"]] {
        let setup = TestSetup::new();
        let mut child =
            setup.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs");
        drop(child.stdout.take());
        let output = timeout(TEST_TIMEOUT, child.wait_with_output()).await.expect("an exit in time").expect("output");
        let diagnostics = String::from_utf8(output.stderr).expect("output in UTF-8");
        assert_eq!((output.status.code(), diagnostics.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn check_asks_the_guard() {
    let (model, guard) = (FakeModel::start().await, FakeHook::start().await);
    let setup = TestSetup::for_model(&model).with("GUARD_URL", &format!("{}?key=hush-hush", guard.url()));
    let goes_on = ["/hook, asked about \"What are your opening hours?\": it may go on in "];
    assert_check(&setup, 0, &goes_on).await;
    assert_eq!(guard.requests()[0]["text"], "What are your opening hours?");
    let setup = setup.with("GUARD_ANSWERS", "on");
    assert_check(&setup, 0, &["asked about \"We are open from nine to five.\": it may go on in "]).await;
    guard.behave(HookBehaviour::answer(|_| json!({ "verdict": "reject" })));
    assert_check(&setup, 1, &["it is rejected, which a guard should not do with a harmless text"]).await;
    guard.behave(HookBehaviour::Redirect);
    assert_check(&setup, 1, &["no verdict; it answers with a redirect (status 307)", "turns are refused"]).await;
    guard.stop().await;
    let refused = "no verdict; the connection is refused; check host and port";
    assert_check(&setup.with("GUARD_FAIL", "open"), 0, &[refused, "turns go on with texts that are not judged"]).await;
}

#[tokio::test]
async fn check_asks_the_context_hook() {
    let (model, hook) = (FakeModel::start().await, FakeHook::start().await);
    let setup = TestSetup::for_model(&model).with("CONTEXT_URL", &format!("{}?key=hush-hush", hook.url()));
    let page = json!({ "text": "We open at nine.", "url": "https://shop.example/hours" });
    hook.behave(HookBehaviour::answer(move |_| json!({ "texts": [page, { "text": "We close at five." }] })));
    let found = ["/hook, asked about \"What are your opening hours?\": 2 texts, 1 with the address of a page, in "];
    assert_check(&setup, 0, &found).await;
    assert_eq!(hook.requests()[0]["question"], "What are your opening hours?");
    hook.behave(HookBehaviour::Redirect);
    let failed = ["no texts; it answers with a redirect (status 307)", "turns go on without its texts"];
    assert_check(&setup, 0, &failed).await;
}

#[tokio::test]
async fn check_looks_at_the_settings_of_events_and_posts_none() {
    let (model, receiver) = (FakeModel::start().await, EventReceiver::start().await);
    let [(url, address), (secret, key)] = receiver.settings();
    let setup = TestSetup::for_model(&model).with(url, &address);
    let ran = run(&setup, &["check"]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("EVENTS_SECRET: expected whsec_"), "{}", ran.err);
    let words = ["Events: posted to http://127.0.0.1:", "EVENTS_SECRET from the environment"];
    assert_check(&setup.with(secret, &key), 0, &words).await;
    assert_eq!(receiver.attempts(), 0);
}
