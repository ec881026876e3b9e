//! The headers that limit what browsers do with a response: every route of the contract, every page and file, and errors of
//! all kinds.

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::json;

use crate::support::{
    operations::operations,
    raw_connection::{RawAnswer, RawConnection},
    service::TestSetup,
    user::start_with_ada,
};

/// The policy of responses that are no pages.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// What a kind of response has in headers of which there are several values.
#[derive(Clone, Copy)]
struct Kind {
    /// `Cache-Control`.
    cache: &'static [&'static str],
    /// `Cross-Origin-Resource-Policy`.
    resource: &'static str,
    /// The beginning of `Content-Security-Policy`.
    policy: &'static str,
    /// `Cross-Origin-Opener-Policy`.
    opener: &'static str,
}

/// Answers of the API, which may be personal. Streams forbid proxies to change them, too.
const ANSWER: Kind =
    Kind { cache: &["no-store", "no-store, no-transform"], resource: "same-origin", policy: NOTHING, opener: "" };

/// Pages.
const PAGE: Kind = Kind {
    cache: &["no-cache"],
    resource: "same-origin",
    policy: "default-src 'none'; script-src ",
    opener: "same-origin",
};

/// Scripts and styles of pages.
const PART: Kind = Kind { policy: NOTHING, opener: "", ..PAGE };

/// Files that other websites load.
const SHARED: Kind = Kind { resource: "cross-origin", ..PART };

#[track_caller]
fn assert_headers(what: &str, headers: &HeaderMap, kind: Kind) {
    let only = |name: &str| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect::<Vec<_>>();
        assert!(values.len() < 2, "{what}: several {name}: {values:?}");
        values.first().copied().unwrap_or_default()
    };
    assert_eq!(only("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(only("referrer-policy"), "same-origin", "{what}");
    assert_eq!(only("cross-origin-resource-policy"), kind.resource, "{what}");
    assert_eq!(only("cross-origin-opener-policy"), kind.opener, "{what}");
    assert!(kind.cache.contains(&only("cache-control")), "{what}: {}", only("cache-control"));
    let policy = only("content-security-policy");
    assert!(policy.starts_with(kind.policy), "{what}: {policy}");
    if kind.policy == NOTHING {
        assert_eq!(policy, NOTHING, "{what}");
    } else {
        let scripts = policy.split(';').find(|part| part.trim_start().starts_with("script-src ")).expect("script-src");
        assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{what}: {scripts}");
        for part in ["base-uri 'none'", "form-action 'none'", "frame-ancestors "] {
            assert!(policy.contains(part), "{what}: {part} in {policy}");
        }
    }
}

/// Asserts that the response has the headers of an answer of the API. Returns whether it was a success.
async fn assert_answer(method: &Method, path: &str, mut request: RequestBuilder) -> bool {
    if *method == Method::POST {
        let body = json!({ "message": "hi", "text": "hi" });
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await.expect("an answer");
    assert_headers(&format!("{method} {path}"), response.headers(), ANSWER);
    response.status().is_success()
}

#[tokio::test]
async fn every_operation_sets_the_headers() {
    let (_model, _setup, service, ada) = start_with_ada(&[]).await;
    let chat = ada.call(Method::POST, "/api/chat/create").await.json()["id"].to_string();
    let mut successes = 0;
    for (method, path) in operations(&chat) {
        assert_answer(&method, &path, service.client.request(method.clone(), &path)).await;
        let is_success = assert_answer(&method, &path, ada.request(method.clone(), &path)).await;
        successes += usize::from(is_success);
    }
    assert!(successes > 20, "only {successes} operations succeeded");
}

#[tokio::test]
async fn every_page_and_file_sets_the_headers() {
    let service = TestSetup::new().start().await;
    for (path, kind) in [
        ("/", PAGE),
        ("/embed-demo", PAGE),
        ("/docs", PAGE),
        ("/admin", PAGE),
        ("/admin.css", PART),
        ("/admin.js", PART),
        ("/portal.css", PART),
        ("/portal.js", PART),
        ("/embed-demo.css", PART),
        ("/embed-demo.js", PART),
        ("/openapi.json", PART),
        ("/chat-window.js", SHARED),
        ("/chat-window-on-demand.js", SHARED),
        ("/chat-window.d.ts", SHARED),
        ("/metrics", ANSWER),
    ] {
        let file = service.client.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        assert_headers(path, &file.headers, kind);
        let tag = file.header("etag").to_owned();
        if !tag.is_empty() {
            let request = service.client.request(Method::GET, path).header("if-none-match", tag);
            let cached = service.client.send(request).await;
            assert_eq!(cached.status, 304, "{path}");
            // It has no media type; the browser has the headers of the stored response.
            assert_headers(path, &cached.headers, Kind { opener: "", ..kind });
        }
    }
    // A drawing is a page when it is opened in a tab, and may do nothing there.
    let drawing = service.client.get("/personas/amaya.svg").await;
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(drawing.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn errors_of_every_kind_set_the_headers() {
    let service = TestSetup::new().start().await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::PUT, "/api/chat", 405),
        (Method::GET, "/api/chat/1", 401),
        (Method::OPTIONS, "/api/chat", 204),
    ] {
        let answer = service.client.send(service.client.request(method, path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_headers(path, &answer.headers, ANSWER);
    }
    for request in ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"] {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.send(request).await;
        let answer = RawAnswer::parse(&wire.response().await);
        for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
            assert_eq!(answer.header(name), Some(value), "{request:?}");
        }
        assert_eq!(answer.header("content-security-policy"), Some(NOTHING), "{request:?}");
    }
}
