//! Rejected requests: the error reaches clients that are still sending, and malformed HTTP gets errors of the contract.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    connections::wait_for_connection,
    fakes::model::FakeModel,
    support::{
        raw_connection::{RawAnswer, RawConnection},
        service::{Service, TestSetup, start_with},
    },
};

const PIECE: usize = 64 << 10;

/// Sends this text and reads until the server closes the connection.
async fn send_all(service: &Service, text: &str) -> RawAnswer {
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send(text).await;
    RawAnswer::parse(&wire.read_to_end().await)
}

/// The framing of a request body.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
}

/// Sends a head and a body of 24 MiB without reading meanwhile, as Python's clients do.
async fn send_much(service: &Service, head: &str, framing: Framing) -> RawAnswer {
    const PIECES: usize = 384;
    let mut wire = RawConnection::connect(service.address()).await;
    let (announced, before, behind) = match framing {
        Framing::Length => (format!("Content-Length: {}", PIECES * PIECE), "", ""),
        Framing::Chunked => ("Transfer-Encoding: chunked".to_owned(), "10000\r\n", "\r\n"),
    };
    wire.send(&format!("{head}\r\n{announced}\r\n\r\n")).await;
    let piece = format!("{before}{}{behind}", "x".repeat(PIECE));
    for _ in 0..PIECES {
        wire.send(&piece).await;
    }
    if matches!(framing, Framing::Chunked) {
        wire.send("0\r\n\r\n").await;
    }
    RawAnswer::parse(&wire.response().await)
}

const JSON: &str = "Host: al-chat\r\nContent-Type: application/json";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_a_large_body_can_read_the_error() {
    let (model, _setup, service) = start_with(&[]).await;
    let refusals = [
        (format!("POST /api/session/stop HTTP/1.1\r\n{JSON}"), 413, "body_too_large"),
        (format!("POST /api/chat/create HTTP/1.1\r\n{JSON}"), 401, "token_missing"),
        (format!("POST /api/auth/logout HTTP/1.1\r\n{JSON}\r\nAuthorization: Bearer x"), 401, "token_invalid"),
        (format!("POST /nowhere HTTP/1.1\r\n{JSON}"), 404, "not_found"),
        (format!("PUT /api/chat HTTP/1.1\r\n{JSON}"), 405, "method_not_allowed"),
        ("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Type: image/png".to_owned(), 415, "unsupported_media_type"),
        (format!("POST /chat HTTP/1.1\r\n{JSON}\r\nOrigin: https://evil.example"), 403, "foreign_origin"),
        (format!("POST /api/chat HTTP/1.1\r\n{JSON}\r\nHost: another"), 400, "invalid_host"),
        (format!("POST /api/chat HTTP/1.1\r\n{JSON}\r\nBad Header: x"), 400, "malformed_request"),
        (format!("GET /api/health HTTP/1.1\r\n{JSON}"), 200, ""),
    ];
    for (head, status, code) in &refusals {
        for framing in [Framing::Length, Framing::Chunked] {
            for _ in 0..4 {
                for answer in join_all((0..4).map(|_| send_much(&service, head, framing))).await {
                    if *status == 200 {
                        assert_eq!(answer.status(), 200, "{head} {framing:?}");
                    } else {
                        answer.assert_error(*status, code);
                    }
                    assert_eq!(answer.header("connection"), Some("close"), "{head} {framing:?}");
                }
            }
        }
    }
    assert_eq!(model.call_count(), 0);
    service.client.chat("hi").await.assert_ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_client_can_read_the_error_for_40_mebibytes() {
    let (_model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let body = "x".repeat(40 << 20);
    for _ in 0..5 {
        let request = client.json_request("/api/chat", &json!({})).body(body.clone());
        client.send(request).await.assert_error(413, "body_too_large");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_stops_sending_is_disconnected() {
    let service = TestSetup::new().start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send(&format!("POST /nowhere HTTP/1.1\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n")).await;
    let piece = format!("10000\r\n{}\r\n", "x".repeat(PIECE));
    let mut pieces = 0;
    while wire.try_send(&piece).await.is_ok() {
        pieces += 1;
        assert!(pieces * PIECE < 96 << 20, "the server reads endlessly");
    }
    assert!(pieces * PIECE > 32 << 20, "the server read only {pieces} pieces");
}

#[tokio::test]
async fn a_rejected_client_does_not_hold_its_connection_permit() {
    let service = TestSetup::new().with("MAX_CONNECTIONS", "1").start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send(&format!("POST /nowhere HTTP/1.1\r\n{JSON}\r\nContent-Length: 1000000\r\n\r\nx")).await;
    RawAnswer::parse(&wire.response().await).assert_error(404, "not_found");
    let started = Instant::now();
    wait_for_connection(&service).await;
    assert!(started.elapsed() < Duration::from_secs(10), "the operation took {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_client_does_not_delay_the_shutdown() {
    let mut process = TestSetup::new().start_process().await;
    let mut wires = [RawConnection::connect(process.address).await, RawConnection::connect(process.address).await];
    for wire in &mut wires {
        wire.send(&format!("POST /nowhere HTTP/1.1\r\n{JSON}\r\nContent-Length: 50000000\r\n\r\nx")).await;
        RawAnswer::parse(&wire.response().await).assert_error(404, "not_found");
    }
    let [_silent, mut sending] = wires;
    let started = Instant::now();
    process.terminate();
    while sending.try_send("x").await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(10), "the connection was closed");
    }
    assert_eq!(process.exit_code().await, Some(0));
    assert!(started.elapsed() < Duration::from_secs(3), "the operation took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_long_path_is_cut_off_in_the_diagnostics() {
    let mut process = TestSetup::new().start_process().await;
    let path = format!("/{}", "x".repeat(5_000));
    process.client.get(&path).await.assert_error(404, "not_found");
    let line = process.wait_for_line("/xxxx").await;
    assert!(line.contains(&format!("path=\"{}…\"", &path[..200])) && line.len() < 1_000, "{line}");
}

#[tokio::test]
async fn a_small_unread_body_keeps_the_connection_open() {
    let service = TestSetup::new().start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    for body in ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] {
        for (path, code) in [("/nowhere", "not_found"), ("/api/chat/create", "token_missing")] {
            wire.send(&format!("POST {path} HTTP/1.1\r\n{JSON}\r\n{body}")).await;
            let answer = RawAnswer::parse(&wire.response().await);
            assert!(answer.body.contains(code), "{}", answer.body);
            assert_eq!(answer.header("connection"), None, "{}", answer.head);
        }
    }
    assert!(wire.get("/api/health/live").await.contains("alive"));
}

#[tokio::test]
async fn expect_continue_is_rejected_before_the_body() {
    let (model, _setup, service) = start_with(&[]).await;
    let large = "Expect: 100-continue\r\nContent-Length: 50000000";
    let refusals = [
        (format!("POST /api/chat HTTP/1.1\r\n{JSON}\r\n{large}\r\n\r\n"), 413, "body_too_large"),
        (format!("POST /api/chat/create HTTP/1.1\r\n{JSON}\r\n{large}\r\n\r\n"), 401, "token_missing"),
        (format!("POST /nowhere HTTP/1.1\r\n{JSON}\r\n{large}\r\n\r\n"), 404, "not_found"),
        (format!("POST /api/chat HTTP/1.1\r\nHost: a\r\n{large}\r\n\r\n"), 415, "unsupported_media_type"),
        (format!("POST /api/chat HTTP/1.1\r\n{large}\r\n\r\n"), 400, "invalid_host"),
    ];
    for (text, status, code) in &refusals {
        let answer = send_all(&service, text).await;
        answer.assert_error(*status, code);
        assert_eq!(answer.header("connection"), Some("close"), "{text}");
    }
    assert_eq!(model.call_count(), 0);

    let mut wire = RawConnection::connect(service.address()).await;
    let body = json!({ "message": "hello" }).to_string();
    let expected = format!("Expect: 100-continue\r\nContent-Length: {}", body.len());
    wire.send(&format!("POST /api/chat HTTP/1.1\r\n{JSON}\r\n{expected}\r\n\r\n")).await;
    assert_eq!(wire.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(&body).await;
    assert_eq!(RawAnswer::parse(&wire.response().await).status(), 200);
}

#[tokio::test]
async fn a_malformed_chunked_body_is_rejected() {
    let (model, _setup, service) = start_with(&[]).await;
    for chunks in ["zz\r\n", "5\r\n{\"mesX", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n{", "5;\n\r\n{"] {
        let head = format!("POST /api/chat HTTP/1.1\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n");
        send_all(&service, &format!("{head}{chunks}{}", "x".repeat(100_000)))
            .await
            .assert_error(400, "body_incomplete");
    }
    assert_eq!(model.call_count(), 0);
}

/// Returns requests that RFC 9112 requires to reject, whatever their path.
fn malformed() -> Vec<(String, u16, &'static str)> {
    let long = "x".repeat(300_000);
    let many = "a: b\r\n".repeat(101);
    let chunked = "0\r\n\r\n";
    let rows = [
        ("GET /api/health HTTP/1.1\r\n\r\n", 400, "invalid_host"),
        ("GET http://a/api/health HTTP/1.1\r\n\r\n", 400, "invalid_host"),
        ("OPTIONS /api/chat HTTP/1.1\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: a:http\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: user@a\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost: \u{e4}\r\n\r\n", 400, "invalid_host"),
        ("GET /api/health HTTP/1.1\r\nHost : a\r\n\r\n", 400, "malformed_request"),
        ("GET /api/health HTTP/1.1\r\nHost: a\r\nbad header: x\r\n\r\n", 400, "malformed_request"),
        ("GET /api/health HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n", 400, "malformed_request"),
        ("GET /api/health HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "malformed_request"),
        ("GET /api/health\r\nHost: a\r\n\r\n", 400, "malformed_request"),
        ("GET  /api/health HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
        ("GET /api/he alth HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
        ("G@T /api/health HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", 400, "malformed_request"),
        ("GET /api/health HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version_not_supported"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version_not_supported"),
        (
            "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
            "malformed_request",
        ),
        ("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nhello", 400, "malformed_request"),
        ("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400, "malformed_request"),
        ("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello", 400, "malformed_request"),
        ("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: five\r\n\r\nhello", 400, "malformed_request"),
        ("POST /api/chat HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"),
    ];
    let encodings = [
        ("Transfer-Encoding: gzip", 400, "malformed_request"),
        ("Transfer-Encoding: chunked, gzip", 400, "malformed_request"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400, "malformed_request"),
        ("Transfer-Encoding: ", 400, "malformed_request"),
        ("Transfer-Encoding: xchunked", 400, "malformed_request"),
        ("Transfer-Encoding: gzip, chunked", 501, "unsupported_transfer_encoding"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", 501, "unsupported_transfer_encoding"),
        ("Transfer-Encoding: chunked, chunked", 400, "invalid_transfer_encoding"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400, "invalid_transfer_encoding"),
        ("content-length: 5\r\ntransfer-encoding: chunked", 400, "invalid_transfer_encoding"),
    ];
    let larger = [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 431, "headers_too_large"),
        (format!("GET /api/health HTTP/1.1\r\nHost: a\r\nCookie: {long}\r\n\r\n"), 431, "headers_too_large"),
        (format!("GET /api/health HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431, "headers_too_large"),
    ];
    let encodings = encodings.into_iter().map(|(lines, status, code)| {
        (format!("POST /api/session/stop HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{chunked}"), status, code)
    });
    let rows = rows.into_iter().map(|(text, status, code)| (text.to_owned(), status, code));
    rows.chain(encodings).chain(larger).collect()
}

#[tokio::test]
async fn malformed_http_is_rejected_as_the_contract_describes() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    for (text, status, code) in malformed() {
        let started = Instant::now();
        let answer = send_all(&service, &text).await;
        let text = &text[..text.len().min(200)];
        assert_eq!(answer.status(), status, "{text:?}\n{}\n{}", answer.head, answer.body);
        answer.assert_error(status, code);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{text:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{text:?}");
        assert!(answer.header("date").is_some() || status == 505, "{text:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{text:?}");
    }
    assert!(setup.log_lines("session_stop").is_empty());
}

#[tokio::test]
async fn a_uri_that_is_too_long_is_rejected() {
    let service = TestSetup::new().start().await;
    let answer = send_all(&service, &format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(65_600))).await;
    // Which limit applies first depends on how much the server reads at once.
    match answer.status() {
        414 => answer.assert_error(414, "uri_too_long"),
        _ => answer.assert_error(431, "headers_too_large"),
    };
}

#[tokio::test]
async fn errors_of_the_http_library_have_cors_headers() {
    let service = TestSetup::new().with("FRONTEND_URL", "https://a.example, https://b.example").start().await;
    let cookies = "x".repeat(300_000);
    for (path, lines) in [("/chat", "bad header: x".to_owned()), ("/chat", format!("Cookie: {cookies}"))] {
        let text = format!("POST {path} HTTP/1.1\r\nHost: al-chat\r\nOrigin: https://b.example\r\n{lines}\r\n\r\n");
        let answer = send_all(&service, &text).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://b.example"));
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["success"], false, "{body}");
    }
}

#[tokio::test]
async fn an_error_for_a_head_request_has_no_body() {
    let service = TestSetup::new().start().await;
    let answer = send_all(&service, "HEAD / HTTP/1.1\r\nHost: al-chat\r\nbad header: x\r\n\r\n").await;
    assert_eq!((answer.status(), answer.body.as_str()), (400, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_pipelined_request_is_rejected_in_order() {
    let service = TestSetup::new().start().await;
    for (count, path) in [(1, "/api/health/live"), (20, "/docs")] {
        let mut wire = RawConnection::connect_narrow(service.address(), 16 << 10).await;
        let good = format!("GET {path} HTTP/1.1\r\nHost: al-chat\r\n\r\n");
        wire.send(&format!("{}bad\r\n\r\n", good.repeat(count))).await;
        let answers = wire.read_to_end().await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), count);
        let last = answers.rsplit_once("HTTP/1.1 ").unwrap().1;
        assert!(last.starts_with("400 ") && last.contains("malformed_request"), "{last}");
    }
}

#[tokio::test]
async fn http_1_0_works_with_and_without_a_host_header() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    for host in ["", "Host: al-chat\r\n"] {
        let answer = send_all(&service, &format!("GET /api/health/live HTTP/1.0\r\n{host}\r\n")).await;
        assert!(answer.status() == 200 && answer.body.contains("alive"), "{}", answer.head);
    }
    for stream in [false, true] {
        let body = json!({ "message": "hello", "stream": stream }).to_string();
        let head = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
        let answer = send_all(&service, &format!("POST /api/chat HTTP/1.0\r\n{head}\r\n\r\n{body}")).await;
        assert_eq!((answer.status(), answer.header("transfer-encoding")), (200, None), "{}", answer.head);
        let end = if stream { "event: done" } else { "\"message\"" };
        assert!(answer.body.contains(end), "{}", answer.body);
    }
    let mut wire = RawConnection::connect(service.address()).await;
    for _ in 0..2 {
        wire.send("GET /api/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        assert!(wire.response().await.contains("alive"));
    }
}

#[tokio::test]
async fn every_valid_host_header_is_accepted() {
    let service = TestSetup::new().start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    for host in ["al-chat", "AL_chat:5000", "127.0.0.1:80", "[::1]:5000", "[2001:db8::1]", "xn--bcher-kva.example:", ""]
    {
        wire.send(&format!("GET /api/health/live HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(wire.response().await.contains("alive"), "{host}");
    }
    wire.send("GET http://any.example/api/health/live HTTP/1.1\r\nHost: al-chat\r\n\r\n").await;
    assert!(wire.response().await.contains("alive"));
    for request in ["OPTIONS * HTTP/1.1", "CONNECT al-chat:80 HTTP/1.1"] {
        let answer = send_all(&service, &format!("{request}\r\nHost: al-chat\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.status() < 500, "{request}: {}", answer.head);
    }
}
