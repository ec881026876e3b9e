//! Input that is made to do harm: hidden requests, bytes without end, deep and odd JSON. It is refused within bounds of time
//! and memory, and others are served meanwhile.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use url::form_urlencoded;

use crate::{
    fakes::{
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    support::{
        operations::operations,
        raw_connection::{RawAnswer, RawConnection},
        service::{Process, TestSetup, start_with, wait_until},
        user::{User, start_with_ada},
    },
};

const MIB: usize = 1 << 20;

/// The longest time that others may wait for an answer meanwhile. Tests run in parallel, on few processors.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks questions one after another until `attack` has ended. Returns its result.
async fn while_others_are_served<T>(process: &Process, attack: impl Future<Output = T>) -> T {
    let mut attack = pin!(attack);
    let ask = async || {
        // On a connection of its own: an idle one gives way to others.
        let question = process.client.json_request("/api/chat", &json!({ "message": "hi" }));
        process.client.send(question.header("connection", "close")).await.assert_ok();
    };
    loop {
        let asked = Instant::now();
        tokio::select! {
            result = &mut attack => {
                ask().await;
                return result;
            }
            () = ask() => {
                assert!(asked.elapsed() < PATIENCE, "an answer took {:?}", asked.elapsed());
            }
        }
    }
}

/// Starts the service with a fake model as a process, and answers one question.
async fn start_process(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Process) {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with_all(settings);
    let process = setup.start_process().await;
    process.client.chat("hi").await.assert_ok();
    (model, setup, process)
}

/// A request that is hidden in another one. Whether it was read is in the session log.
const HIDDEN: &str =
    "POST /api/session/stop HTTP/1.1\r\nHost: a\r\nContent-Length: 23\r\n\r\n{\"session_id\":\"hidden\"}";

#[tokio::test]
async fn requests_hidden_in_others_are_never_read() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    for head in [
        // Two lengths, of which a proxy may take the other one.
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 200\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 200\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\nContent-Length: 0\r\n\r\n",
        // Names and values that are read in more than one way.
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nX: 1\r\n\tContent-Length: 200\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 0\u{b}\r\n\r\n",
        // Ends of lines that a proxy may take for a part of a value.
        "GET /api/health HTTP/1.1\r\nHost: a\r\nX: 1\n\n",
        "GET /api/health HTTP/1.1\r\nHost: a\r\nX: 1\n\r\n",
        "GET /api/health HTTP/1.1\nHost: a\n\n",
        "\r\n\r\nGET /api/health HTTP/1.1\nHost: a\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: a\r\nX: 1\r\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nHost: a\r\nX: 1\nContent-Length: 0\r\nContent-Length: 200\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;x\ny\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n",
        "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    ] {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.send(&format!("{head}{HIDDEN}")).await;
        let read = wire.read_to_end().await;
        assert_eq!(read.matches("HTTP/1.1 ").count(), 1, "{head:?}: {read}");
        assert!((400..500).contains(&RawAnswer::parse(&read).status()), "{head:?}: {read}");
    }
    assert!(setup.log_lines("session_stop").is_empty(), "{:?}", setup.log_lines("session_stop"));
    // The same request is read when it is not hidden.
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send(&format!("GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")).await;
    wire.read_until("\"stopped\"").await;
    assert_eq!(setup.log_lines("session_stop").len(), 1);
}

/// Sends the beginning and then pieces without end, until the server closes the connection or answers. Returns the response, if
/// there was one.
async fn send_without_end(process: &Process, beginning: &str, piece: &str) -> String {
    let began = Instant::now();
    let mut wire = RawConnection::connect(process.address).await;
    wire.send(beginning).await;
    while !wire.has_arrived() && wire.try_send(piece).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(15), "the server reads without end after {beginning:?}");
    }
    // `has_arrived` has taken the first byte.
    wire.response_or_end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_without_end_are_cut_off_at_little_memory() {
    let (_model, _setup, process) = start_process(&[("HEADER_TIMEOUT", "1s"), ("BODY_TIMEOUT", "1s")]).await;
    let before = process.peak_memory();
    let chunked = "Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let long = "x".repeat(16 << 10);
    let attacks = async {
        for (beginning, piece) in [
            // The request line, one header, and many headers.
            ("GET /".to_owned(), long.clone()),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: ".to_owned(), long.clone()),
            ("GET / HTTP/1.1\r\nHost: a\r\n".to_owned(), "X: 1\r\n".repeat(1000)),
            // The size of a chunk, blanks behind it, the extension of a chunk, and trailers.
            (format!("POST /api/chat HTTP/1.1\r\n{chunked}\r\n\r\n"), "0".repeat(16 << 10)),
            (format!("POST /api/chat HTTP/1.1\r\n{chunked}\r\n\r\n1"), " ".repeat(16 << 10)),
            (format!("POST /api/chat HTTP/1.1\r\n{chunked}\r\n\r\n1;"), long.clone()),
            (format!("POST /api/chat HTTP/1.1\r\n{chunked}\r\n\r\n1\r\n{{\r\n0\r\nX: "), long.clone()),
            (format!("POST /api/chat HTTP/1.1\r\n{chunked}\r\n\r\n1\r\n{{\r\n0\r\n"), "X: 1\r\n".repeat(1000)),
            // Small chunks.
            (format!("POST /api/auth/login HTTP/1.1\r\n{chunked}\r\n\r\n"), "10\r\nxxxxxxxxxxxxxxxx\r\n".repeat(1000)),
        ] {
            let response = send_without_end(&process, &beginning, &piece).await;
            assert!(response.is_empty() || response.contains("TTP/1.1 4"), "{:?}: {response}", &piece[..8]);
        }
    };
    while_others_are_served(&process, attacks).await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 32 * MIB, "{} MiB", growth >> 20);
}

/// Returns the operations of the contract that may have a body.
fn operations_with_body(parameter: &str) -> impl Iterator<Item = (Method, String)> {
    operations(parameter).into_iter().filter(|(method, _)| *method != Method::GET)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_300_mb_are_refused_before_they_are_sent() {
    let (_model, _setup, process) = start_process(&[]).await;
    let before = process.peak_memory();
    let attacks = async {
        for (method, path) in operations_with_body("1") {
            let mut wire = RawConnection::connect(process.address).await;
            let head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 314572800";
            wire.send(&format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n")).await;
            let answer = RawAnswer::parse(&wire.response().await);
            // Operations that read no body do what they are for. The body is never read.
            assert!(answer.status() < 500, "{method} {path}: {}", answer.head);
            assert_eq!(answer.header("connection"), Some("close"), "{method} {path}");
        }
        // Without a length, the limit counts.
        let json = "Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
        let form = "Host: a\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked";
        let part = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        let part = format!("{:x}\r\n{part}\r\n", part.len());
        let piece = format!("10000\r\n{}\r\n", "x".repeat(64 << 10));
        for (path, head, beginning) in [
            ("/api/chat", json, "c\r\n{\"message\":\"\r\n"),
            ("/api/messages/1/send", json, "9\r\n{\"text\":\"\r\n"),
            ("/api/chat/image", form, part.as_str()),
        ] {
            let beginning = format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{beginning}");
            let response = send_without_end(&process, &beginning, &piece).await;
            assert!(response.is_empty() || response.contains("TTP/1.1 4"), "{path}: {response}");
        }
    };
    while_others_are_served(&process, attacks).await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 128 * MIB, "{} MiB", growth >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_of_a_million_turns_holds_up_nobody() {
    let (model, _setup, process) = start_process(&[]).await;
    let before = process.peak_memory();
    let entries = r#"{"role":"user","content":"x"},"#.repeat(1_000_000);
    let body = format!(r#"{{"message":"hello","history":[{entries}{{"role":"user","content":"the last"}}]}}"#);
    let size = body.len();
    let attack = async {
        let sent = Instant::now();
        let request = process.client.request(Method::POST, "/api/chat").header("content-type", "application/json");
        process.client.send(request.body(body)).await.assert_ok();
        assert!(sent.elapsed() < Duration::from_secs(20), "the operation took {:?}", sent.elapsed());
    };
    while_others_are_served(&process, attack).await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 3 * size, "{} MiB for {} MiB", growth >> 20, size >> 20);
    // The last 10,000 entries are read.
    let expected = format!("{}the last\n\nhello", "x\n\n".repeat(9_999));
    let is_expected = |messages: &serde_json::Value| *messages == json!([{ "role": "user", "content": expected }]);
    assert!(model.calls().iter().any(|call| is_expected(&call.body["messages"])));
}

/// The address of a client that opens connections without end.
const GREEDY: [u8; 4] = [127, 0, 0, 2];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_connections_hold_up_nobody() {
    const COUNT: usize = 3000;
    const OPEN: usize = 200;
    let (_model, _setup, process) = start_process(&[("MAX_CONNECTIONS", "16")]).await;
    let before = process.peak_memory();
    let attack = async {
        let mut open = VecDeque::with_capacity(OPEN);
        for number in 0..COUNT {
            let mut wire = RawConnection::connect_from(GREEDY, process.address).await;
            let sent = match number % 4 {
                // Idle from the beginning, in the middle of a head, and after a response.
                0 => "",
                1 => "GET /api/personas HTTP/1.1\r\nHost: a",
                2 => "GET /api/personas HTTP/1.1\r\nHost: a\r\n\r\n",
                _ => "GET /api/personas HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            };
            // The server has refused it if there is no room.
            let _ = wire.try_send(sent).await;
            if number % 4 == 3 {
                let answer = wire.response_or_end().await;
                let status = answer.get(9..12).unwrap_or_default();
                assert!(["", "200", "503"].contains(&status), "{answer}");
                continue;
            }
            if open.len() == OPEN {
                open.pop_front();
            }
            open.push_back(wire);
        }
    };
    while_others_are_served(&process, attack).await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 24 * MIB, "{} MiB", growth >> 20);
}

/// Bodies that parsers and databases stumble over.
fn odd_bodies() -> Vec<Vec<u8>> {
    let fields = ["message", "text", "title", "username", "email", "password", "session_id", "question", "image"];
    let all_fields = |value: &str| {
        let fields = fields.iter().map(|name| format!("\"{name}\":{value}")).collect::<Vec<_>>().join(",");
        format!("{{{fields},\"metrics\":{{\"a\":{value}}},\"history\":{value},\"attached_files\":{value}}}")
            .into_bytes()
    };
    let deep_list = "[".repeat(100_000);
    let deep_object = "{\"a\":".repeat(100_000);
    let closed = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let mut bodies = vec![
        deep_list.clone().into_bytes(),
        deep_object.clone().into_bytes(),
        all_fields(&deep_list),
        all_fields(&deep_object),
        all_fields(&closed),
        all_fields(r#""\ud800""#),
        all_fields(r#""\udfff\ud800 a""#),
        all_fields(r#""a\u0000b@c.example""#),
        all_fields(r#""\u0000\u0001\u202e\ufeff\uffff""#),
        all_fields("1e400"),
        all_fields(&"9".repeat(100_000)),
        all_fields("-0.0"),
        format!("{{{}\"message\":\"hi\"}}", "\"message\":\"hi\",".repeat(50_000)).into_bytes(),
        format!("{{\"{}\":1}}", "k".repeat(500_000)).into_bytes(),
        format!("{{\"metrics\":{{{}\"z\":1}}}}", "\"a\":1,".repeat(100_000)).into_bytes(),
    ];
    bodies.push(b"\xEF\xBB\xBF{\"message\":\"hi\"}".to_vec());
    bodies.push(b"{\"message\":\"\xff\xfe\",\"text\":\"\xc0\x80\"}".to_vec());
    bodies.push("{\"message\":\"hi\"}".encode_utf16().flat_map(u16::to_le_bytes).collect());
    bodies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_bodies_are_no_failure_of_the_server() {
    let (_model, _setup, service, ada) = start_with_ada(&[]).await;
    let chat = ada.call(Method::POST, "/api/chat/create").await.json()["id"].to_string();
    let began = Instant::now();
    let mut most = Duration::ZERO;
    for (method, path) in operations_with_body(&chat) {
        // These end what the others need.
        if path.ends_with("/logout") || path.ends_with("/delete") || path == "/api/auth/me" {
            continue;
        }
        for body in odd_bodies() {
            let asked = Instant::now();
            let request = ada.request(method.clone(), &path).header("content-type", "application/json");
            let answer = request.body(body.clone()).send().await.expect("an answer");
            let status = answer.status().as_u16();
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert!(status < 500, "{method} {path} {shown}: {status} {}", answer.text().await.unwrap_or_default());
            most = most.max(asked.elapsed());
        }
    }
    assert!(most < PATIENCE, "one answer took {most:?} of {:?}", began.elapsed());
    // Whatever was stored can be read.
    for path in ["/api/chat/histories", &format!("/api/messages/{chat}/messages"), "/api/chat/search?q=hi"] {
        ada.get(path).await.assert_ok();
    }
    service.client.chat("hi").await.assert_ok();
}

#[tokio::test]
async fn deep_json_of_model_and_papita_is_an_error() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-papita");
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0"), ("CREDENTIAL_RETRY", "1ms")];
    let setup = TestSetup::for_papita(&model, &papita).with_all(&settings);
    let service = setup.start().await;
    service.client.chat("hi").await.assert_ok();
    let deep = "[".repeat(1_000_000);
    let deep_object = "{\"choices\":".repeat(500_000);
    for body in [deep.clone(), deep_object.clone(), format!("data: {deep}\n\n"), format!("data: {deep_object}\n\n")] {
        for (status, media_type) in [(200, "application/json"), (200, "text/event-stream"), (400, "application/json")] {
            let headers = vec![("content-type", media_type.to_owned())];
            model.set_behaviour(Behaviour::Respond { status, headers, body: body.clone() });
            let answer = service.client.chat("hi").await;
            assert!((400..=504).contains(&answer.status.as_u16()) && answer.status != 500, "{}", answer.text);
            let streamed = service.client.post("/api/chat/stream", &json!({ "message": "hi" })).await;
            let is_error = streamed.text.contains("event: error") || streamed.status.as_u16() >= 400;
            assert!(is_error && streamed.status != 500, "{}", streamed.text);
        }
    }
    model.set_behaviour(Behaviour::Echo);
    service.stop().await;

    papita.serve_body(200, deep);
    let service = setup.start().await;
    let answer = service.client.chat("hi").await;
    assert!((400..=504).contains(&answer.status.as_u16()) && answer.status != 500, "{}", answer.text);
    papita.serve_key("sk-papita");
    wait_until("an answer", async || (service.client.chat("hi").await.status == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_lose_their_connections_and_hold_up_nobody() {
    const SLOW: usize = 60;
    let settings = [("MAX_CONNECTIONS", "80"), ("HEADER_TIMEOUT", "1s"), ("BODY_TIMEOUT", "1s")];
    let (_model, _setup, process) = start_process(&settings).await;
    let before = process.peak_memory();
    let began = Instant::now();
    let body = "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let length = format!("{body}Content-Length: 1000000\r\n\r\n{{\"message\":\"");
    let chunks = format!("{body}Transfer-Encoding: chunked\r\n\r\n");
    let slow = async |index: usize| {
        let mut wire = RawConnection::connect(process.address).await;
        let (beginning, drop_by_drop) = match index % 3 {
            0 => ("GET /api/health HTTP/1.1\r\nHost: a\r\nX: ", "x"),
            1 => (length.as_str(), "x"),
            _ => (chunks.as_str(), "1\r\n{\r\n"),
        };
        let _ = wire.try_send(beginning).await;
        while !wire.has_arrived() && wire.try_send(drop_by_drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(began.elapsed() < Duration::from_secs(20), "a slow sender was never cut off");
        }
    };
    let attack = futures_util::future::join_all((0..SLOW).map(slow));
    while_others_are_served(&process, attack).await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 32 * MIB, "{} MiB", growth >> 20);
}

/// Stores a text as a message of the user's chat, and searches for these.
async fn store_and_search(ada: &User, chat: &str, text: &str, queries: &[&str]) {
    let began = Instant::now();
    let body = json!({ "text": text });
    let sent = ada.json_request(Method::POST, &format!("/api/messages/{chat}/send"), &body);
    let answer = ada.client.send(sent).await;
    assert!(answer.status.as_u16() < 500, "{}", answer.text);
    for query in queries {
        let query_text = form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
        let request = ada.request(Method::GET, &format!("/api/chat/search?q={query_text}"));
        let status = ada.client.send(request).await.status.as_u16();
        assert!(status < 500, "{status} for {:?}", query.chars().take(20).collect::<String>());
    }
    let text = text.chars().take(20).collect::<String>();
    assert!(began.elapsed() < 2 * PATIENCE, "{text:?} took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_grow_when_read_are_stored_and_searched_in_time() {
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.call(Method::POST, "/api/chat/create").await.json()["id"].to_string();
    let terms = (0..20_000).map(|number| format!("t{number} ")).collect::<Vec<_>>().concat();
    let accents = format!("a{}", "\u{301}".repeat(100_000));
    let queries =
        ["%".repeat(2000), "_".repeat(2000), "(a+)+$".repeat(300), "a* ".repeat(700), "\"\\\"'); -- ".to_owned()];
    let mut queries = queries.iter().map(String::as_str).collect::<Vec<_>>();
    let long_query = terms.get(..4000).unwrap_or_default();
    queries.extend(["\0", "\u{202e}", long_query, accents.get(..4001).unwrap_or_default()]);
    // U+FDFA becomes 18 characters when it is compared.
    for text in
        ["\u{fdfa}".repeat(10_000), accents.clone(), terms.clone(), "%_\\'\"".repeat(20_000), "a ".repeat(50_000)]
    {
        store_and_search(&ada, &chat, &text, &queries).await;
    }
}

#[tokio::test]
async fn odd_session_ids_are_refused_or_logged_as_one_line() {
    let (_model, setup, service) = start_with(&[]).await;
    let long = "x".repeat(2000);
    for id in ["\u{0}", "../../etc/passwd", "hidden\n{\"event\":\"x\"}", "' OR 1=1 --", &long, "\u{202e}"] {
        let answer = service.client.post("/api/session/stop", &json!({ "session_id": id })).await;
        assert!((200..500).contains(&answer.status.as_u16()), "{}", answer.text);
    }
    assert!(setup.log_lines("x").is_empty());
    service.client.chat("hi").await.assert_ok();
}
