//! The portal's endpoints: one chat per visitor, identified by a cookie.

use std::{collections::HashSet, fs, time::Duration};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::{
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Script},
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        raw_connection::RawConnection,
        service::{Service, TestSetup, start_with, wait_until},
        user::{User, number, prompt_lines},
        visitor::{Visitor, cookie, token},
    },
};

/// The portal's operations, with a body for those that have one.
const OPERATIONS: [(&str, &str, &str); 4] = [
    ("POST", "/chat", r#"{"message":"hello"}"#),
    ("GET", "/chat_history", ""),
    ("POST", "/clear_chat", ""),
    ("GET", "/api_status", ""),
];

/// Returns a request for an operation of the portal.
fn request_for(client: &Client, (method, path, body): (&str, &str, &str)) -> RequestBuilder {
    let request = client.request(method.parse().unwrap(), path);
    if body.is_empty() { request } else { request.header("content-type", "application/json").body(body.to_owned()) }
}

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn refusal() -> Behaviour {
    Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() }
}

/// Starts a service with an echoing model, and makes a first visit to its portal.
async fn with_visitor(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service, Visitor) {
    let (model, setup, service) = start_with(settings).await;
    model.set_behaviour(Behaviour::Echo);
    let visitor = Visitor::first_visit(&service.client).await;
    (model, setup, service, visitor)
}

/// Asserts that the response is an error in the portal's format.
#[track_caller]
fn assert_failure(answer: &HttpResponse, status: u16, code: &str) -> String {
    let sentence = answer.assert_error(status, code);
    assert_eq!(answer.json()["success"], false, "{}", answer.text);
    sentence
}

#[tokio::test]
async fn a_visitors_messages_are_stored_and_sent_to_the_model() {
    let (model, _setup, service, visitor) = with_visitor(&[]).await;
    assert_eq!(visitor.ask(" Hello\n ").await, "Hello");
    assert_eq!(visitor.ask("And you?").await, "And you?");
    assert_eq!(visitor.history().await, ["Hello", "> Hello", "And you?", "> And you?"]);
    let prompt = prompt_lines(&model, 1);
    assert!(prompt[0].starts_with("s: ") && prompt[0].contains("Amaya"), "{prompt:?}");
    assert_eq!(prompt[1..], ["u: Hello", "a: Hello", "u: And you?"]);
    let body = &model.calls()[1].body;
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&0.9.into(), &200.into()));

    let other = Visitor::first_visit(&service.client).await;
    assert_eq!(other.history().await, [""; 0]);
    other.ask("Who is there?").await;
    let prompt = prompt_lines(&model, 2);
    assert!(!prompt.iter().any(|line| line.contains("Hello")), "{prompt:?}");
    assert_eq!((other.history().await.len(), visitor.history().await.len()), (2, 4));
}

#[tokio::test]
async fn invalid_messages_are_rejected() {
    let (model, setup, _service, visitor) = with_visitor(&[]).await;
    let rows = [json!({}), json!({ "message": null }), json!({ "message": "" }), json!({ "message": " \n\t" })];
    for body in rows {
        let answer = visitor.post(&body).await;
        assert_eq!(assert_failure(&answer, 400, "message_required"), "Message cannot be empty");
        assert_eq!(token(&answer), visitor.token);
    }
    let long = "ü".repeat(4001);
    assert_failure(&visitor.send(&long).await, 400, "message_too_long");
    assert_failure(&visitor.post(&json!({ "message": 7 })).await, 400, "invalid_request");
    assert_failure(&visitor.post(&json!({ "message": "hi", "session_id": "a b" })).await, 400, "invalid_session_id");
    let request = visitor.json_request("/chat", &json!({ "message": "hi" })).header("idempotency-key", "a b");
    assert_failure(&visitor.client.send(request).await, 400, "invalid_idempotency_key");
    assert_eq!((model.call_count(), setup.count_rows("owners").await), (0, 0));
    visitor.ask(&format!(" {} ", &long[..8000])).await;
}

#[tokio::test]
async fn all_portal_errors_have_success_false() {
    let (_model, _setup, service, visitor) = with_visitor(&[("BODY_TIMEOUT", "200ms")]).await;
    let posted = |content_type: &str, body: String| {
        visitor.client.send(visitor.request(Method::POST, "/chat").header("content-type", content_type).body(body))
    };
    assert_failure(&posted("text/plain", r#"{"message":"hi"}"#.to_owned()).await, 415, "unsupported_media_type");
    for body in ["", "{", "hi"] {
        assert_failure(&posted("application/json", body.to_owned()).await, 400, "invalid_json");
    }
    let large = json!({ "message": "hi", "unknown": "x".repeat(1 << 20) }).to_string();
    assert_failure(&posted("application/json", large).await, 413, "body_too_large");
    for (method, path, allowed) in [
        (Method::GET, "/chat", "POST"),
        (Method::POST, "/chat_history", "GET"),
        (Method::GET, "/clear_chat", "POST"),
        (Method::PUT, "/api_status", "GET"),
    ] {
        let answer = visitor.call(method, path).await;
        assert_failure(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
    let mut wire = RawConnection::connect(service.address()).await;
    let head = "Host: al-chat\r\nContent-Type: application/json\r\nContent-Length: 9";
    wire.send(&format!("POST /chat HTTP/1.1\r\n{head}\r\n\r\n{{")).await;
    let answer = wire.response().await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"success\":false"), "{answer}");
    // Errors of other endpoints do not have this field.
    let answer = service.client.post("/api/chat", &json!({})).await;
    answer.assert_error(400, "message_required");
    assert_eq!(answer.json().get("success"), None);
}

#[tokio::test]
async fn the_cookie_is_host_only_and_persistent() {
    let (_model, _setup, service, visitor) = with_visitor(&[("VISITOR_RETENTION", "2d")]).await;
    let attributes = "Path=/; HttpOnly; SameSite=Lax; Max-Age=172800";
    let plain: [&[(&str, &str)]; 4] =
        [&[], &[("x-forwarded-proto", "http")], &[("forwarded", "proto=http")], &[("sec-fetch-site", "same-origin")]];
    let host = service.address().to_string();
    let origin = format!("https://{host}");
    let by_tls: [&[(&str, &str)]; 4] = [
        &[("x-forwarded-proto", "https")],
        &[("forwarded", "for=10.0.0.7;proto=https")],
        &[("origin", &origin)],
        &[("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")],
    ];
    let secure = format!("{attributes}; Secure");
    for (rows, name, expected) in
        [(plain, "al_chat_visitor", attributes), (by_tls, "__Host-al_chat_visitor", secure.as_str())]
    {
        for headers in rows {
            for operation in &OPERATIONS[..3] {
                let first = service.client.send(with_headers(request_for(&service.client, *operation), headers)).await;
                assert_eq!(first.status, 200, "{operation:?} {headers:?}: {}", first.text);
                let minted = token(&first);
                assert_eq!(cookie(&first), format!("{name}={minted}; {expected}"), "{headers:?}");
                assert_eq!(minted.len(), 43);
                assert_ne!(minted, visitor.token);
                assert_eq!(first.header("cache-control"), "no-store");
                let again = request_for(&service.client, *operation).header("cookie", format!("{name}={minted}"));
                let again = service.client.send(with_headers(again, headers)).await;
                assert_eq!(cookie(&again), cookie(&first));
            }
        }
    }
    assert_eq!(cookie(&service.client.get("/api_status").await), "");
    assert_eq!(cookie(&service.client.chat("hello").await), "");
    let preflight = service.client.send(service.client.request(Method::OPTIONS, "/chat")).await;
    assert_eq!((preflight.status.as_u16(), cookie(&preflight)), (204, String::new()));
}

#[tokio::test]
async fn an_invalid_cookie_is_replaced() {
    let (_model, setup, service, visitor) = with_visitor(&[]).await;
    let garbled =
        ["", "x", "%00", "\"", "../../x", &"A".repeat(42), &"A".repeat(44), &"/".repeat(43), &"x".repeat(9000)];
    for value in garbled {
        for operation in &OPERATIONS[..3] {
            let request = request_for(&service.client, *operation).header("cookie", format!("al_chat_visitor={value}"));
            let answer = service.client.send(request).await;
            assert_eq!(answer.status, 200, "{value}: {}", answer.text);
            assert_ne!(token(&answer), value);
            assert_eq!(token(&answer).len(), 43);
        }
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"al_chat_visitor=\xff\xfe; \xff").unwrap();
    let answer =
        service.client.send(service.client.request(Method::GET, "/chat_history").header("cookie", bytes)).await;
    answer.assert_ok();
    // A well-formed token that is unknown is accepted and has an empty history.
    let unknown = Visitor { token: "A".repeat(43), ..visitor };
    assert_eq!(unknown.history().await, [""; 0]);
    let before = setup.count_rows("visitors").await;
    unknown.ask("Hello").await;
    assert_eq!(unknown.history().await, ["Hello", "> Hello"]);
    assert_eq!(setup.count_rows("visitors").await, before + 1);
}

#[tokio::test]
async fn after_two_hundred_turns_cookie_and_history_are_intact() {
    let (_model, _setup, _service, visitor) = with_visitor(&[]).await;
    for turn in 0..200 {
        visitor.ask(&format!("Turn {turn}")).await;
    }
    let history = visitor.history().await;
    assert_eq!(history.len(), 400);
    for turn in 0..200 {
        assert_eq!(history[2 * turn..2 * turn + 2], [format!("Turn {turn}"), format!("> Turn {turn}")]);
    }
}

#[tokio::test]
async fn the_latest_thousand_messages_of_a_history_are_shown() {
    let (_model, setup, _service, visitor) = with_visitor(&[]).await;
    visitor.ask("At last").await;
    setup
        .change_database(
            "INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, created_at)
             WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 600)
             SELECT chat_id, owner_id, i - 1000, sender, 'complete', CAST(i AS TEXT), 0, '', 0
             FROM number, visitors, (SELECT 'user' AS sender UNION ALL SELECT 'bot' AS sender) senders
             ORDER BY i, sender DESC",
        )
        .await;
    let history = visitor.history().await;
    assert_eq!(history.len(), 1000);
    assert_eq!(history[..2], ["102", "> 102"]);
    assert_eq!(history[996..], ["600", "> 600", "At last", "> At last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_two_tabs_are_stored_in_order() {
    let (model, setup, service, visitor) = with_visitor(&[]).await;
    // Concurrent first requests with a cookie that is not stored yet.
    let messages = (0..8).map(|tab| format!("Tab {tab}")).collect::<Vec<_>>();
    let answers = join_all(messages.iter().map(|words| visitor.ask(words))).await;
    assert_eq!(answers, messages);
    for table in ["visitors", "owners", "chats"] {
        assert_eq!(setup.count_rows(table).await, 1, "{table}");
    }
    let prompt = prompt_lines(&model, 7);
    assert_eq!(prompt.iter().filter(|line| line.starts_with("u: ")).count(), 8, "{prompt:?}");
    let history = visitor.history().await;
    let exchanges = history.chunks(2).map(|it| (it[0].clone(), it[1].clone())).collect::<HashSet<_>>();
    assert_eq!(exchanges, messages.iter().map(|words| (words.clone(), format!("> {words}"))).collect());
    // The same for a known visitor, with a whole and a streamed answer.
    let streamed = async { visitor.stream("Streamed").await.text_and_end().await.0 };
    let (streamed, whole) = tokio::join!(streamed, visitor.ask("Whole"));
    assert_eq!((streamed.as_str(), whole.as_str()), ("Streamed", "Whole"));
    assert_eq!(visitor.history().await.len(), 20);
    drop(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_visitors_have_separate_histories() {
    let (_model, setup, service, _visitor) = with_visitor(&[]).await;
    let crowd = join_all((0..30).map(|_| Visitor::first_visit(&service.client))).await;
    let tabs =
        crowd.iter().flat_map(|visitor| (0..4).map(move |tab| async move { visitor.ask(&format!("Tab {tab}")).await }));
    join_all(tabs).await;
    for table in ["visitors", "owners", "chats"] {
        assert_eq!(setup.count_rows(table).await, 30, "{table}");
    }
    for visitor in &crowd {
        let history = visitor.history().await;
        assert_eq!(history.len(), 8, "{history:?}");
    }
}

#[tokio::test]
async fn a_failed_turn_is_an_error_and_not_in_the_history() {
    let (model, setup, service, visitor) = with_visitor(&[("MODEL_RETRIES", "0")]).await;
    visitor.ask("Before").await;
    model.behave_once(refusal());
    let failed = visitor.send("Failing").await;
    assert_failure(&failed, 400, "request_refused");
    assert_eq!(token(&failed), visitor.token);
    model.behave_once(Behaviour::Truncated);
    assert_failure(&visitor.send("Failing again").await, 502, "model_connection_lost");
    model.behave_once(refusal());
    let failed = visitor.stream("Failing as it comes").await.into_response().await;
    assert_failure(&failed, 400, "request_refused");
    assert_eq!(visitor.history().await, ["Before", "> Before"]);
    assert_eq!(visitor.ask("After").await, "After");
    assert_eq!(visitor.history().await, ["Before", "> Before", "After", "> After"]);
    let prompt = prompt_lines(&model, 4);
    assert!(!prompt.iter().any(|line| line.contains("Failing")), "{prompt:?}");

    // A request that fails immediately also sets the cookie.
    model.behave_once(refusal());
    let first = service.client.post("/chat", &json!({ "message": "Failing" })).await;
    assert_failure(&first, 400, "request_refused");
    let known = Visitor { token: token(&first), ..visitor };
    known.ask("Hello").await;
    assert_eq!((known.history().await.len(), setup.count_rows("visitors").await), (2, 2));
}

#[tokio::test]
async fn a_visitor_can_clear_its_history() {
    let (model, setup, _service, visitor) = with_visitor(&[]).await;
    let cleared = json!({ "success": true });
    assert_eq!(visitor.call(Method::POST, "/clear_chat").await.assert_ok(), cleared);
    assert_eq!(setup.count_rows("owners").await, 0);
    visitor.ask("A secret").await;
    for (content_type, body) in [("application/json", "{}"), ("text/plain", "x"), ("application/json", "{")] {
        let request = visitor.request(Method::POST, "/clear_chat").header("content-type", content_type).body(body);
        let answer = visitor.client.send(request).await;
        assert_eq!((answer.assert_ok(), token(&answer)), (cleared.clone(), visitor.token.clone()));
        assert_eq!(visitor.history().await, [""; 0]);
    }
    // A clear also deletes the running turn's message.
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (answer, ()) = tokio::join!(visitor.send("Thinking"), async {
        model.wait_for_calls(2).await;
        visitor.call(Method::POST, "/clear_chat").await.assert_ok();
        gate.open();
    });
    assert_failure(&answer, 409, "chat_changed");
    assert_eq!(setup.count_rows("messages").await, 0);
    visitor.ask("Anew").await;
    assert!(!prompt_lines(&model, 2).iter().any(|line| line.contains("secret")));
    assert_eq!(visitor.history().await, ["Anew", "> Anew"]);
}

#[tokio::test]
async fn the_answering_mode_is_shown() {
    let (model, setup, service, visitor) = with_visitor(&[]).await;
    let status = service.client.get("/api_status").await.assert_ok();
    assert_eq!(status, json!({ "openai_available": true, "demo_mode": false }));
    let lines = setup.log().len();
    for body in [json!({ "message": " __demo_check__\n" }), json!({ "message": "__demo_check__", "stream": true })] {
        let body = visitor.post(&body).await.assert_ok();
        assert_eq!((&body["success"], &body["demo_mode"]), (&true.into(), &false.into()));
        assert!(!body["response"].as_str().unwrap().is_empty());
    }
    let unknown = service.client.post("/chat", &json!({ "message": "__demo_check__" })).await.assert_ok();
    assert_eq!(unknown["demo_mode"], false);
    assert_eq!((model.call_count(), setup.count_rows("owners").await, setup.log().len()), (0, 0, lines));

    let demo = TestSetup::new().with("AI_SERVICE", "basic").with("PORTAL", "off").start().await;
    let status = demo.client.get("/api_status").await.assert_ok();
    assert_eq!(status, json!({ "openai_available": false, "demo_mode": true }));
    let visitor = Visitor::first_visit(&demo.client).await;
    assert_eq!(visitor.send("__demo_check__").await.assert_ok()["demo_mode"], true);
    visitor.ask("Hello").await;
    assert_eq!(visitor.history().await.len(), 2);
}

#[tokio::test]
async fn requests_from_pages_of_other_sites_are_rejected() {
    let (model, setup, service, visitor) = with_visitor(&[]).await;
    visitor.ask("Ours").await;
    let host = service.address().to_string();
    let own_origin = format!("http://{host}");
    let cross_site_headers: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", "not an origin")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &own_origin)],
        &[("sec-fetch-site", "")],
        &[("origin", "https://evil.example"), ("x-forwarded-host", "shop.example")],
    ];
    for headers in cross_site_headers {
        for operation in OPERATIONS {
            let request =
                request_for(&service.client, operation).header("cookie", format!("al_chat_visitor={}", visitor.token));
            let answer = service.client.send(with_headers(request, headers)).await;
            let sentence = assert_failure(&answer, 403, "foreign_origin");
            assert!(sentence.contains("this page"), "{sentence}");
            assert_eq!(cookie(&answer), "", "{operation:?} {headers:?}");
        }
    }
    assert_eq!((visitor.history().await.len(), model.call_count(), setup.count_rows("owners").await), (2, 1, 1));

    let own: [&[(&str, &str)]; 5] = [
        &[("origin", &own_origin)],
        &[("origin", &own_origin), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")],
        &[("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in own {
        for operation in OPERATIONS {
            let answer = service.client.send(with_headers(request_for(&service.client, operation), headers)).await;
            assert_eq!(answer.status, 200, "{operation:?} {headers:?}: {}", answer.text);
            assert_eq!(answer.headers.get_all("access-control-allow-origin").iter().count(), 1);
        }
    }
}

#[tokio::test]
async fn a_portal_stream_has_the_cookie_and_the_usual_events() {
    let (_model, _setup, service, _visitor) = with_visitor(&[]).await;
    let body = json!({ "message": "Word by word" });
    let request = service.client.json_request("/chat", &body).header("accept", "text/event-stream");
    let events = service.client.open_stream(request).await;
    let (id, headers) = (events.request_id(), events.headers.clone());
    let (text, end) = events.text_and_end().await;
    assert_eq!((text.as_str(), end.name.as_str()), ("Word by word", "done"));
    assert_eq!((&end.data["message"], &end.data["request_id"]), (&text.as_str().into(), &id.into()));
    let answer = HttpResponse { status: reqwest::StatusCode::OK, headers, text };
    let visitor = Visitor { client: service.client.clone(), token: token(&answer) };
    assert_eq!(visitor.history().await, ["Word by word", "> Word by word"]);
}

/// Starts a turn that has sent one piece and waits for the next.
async fn start_gated_turn(model: &FakeModel, visitor: &Visitor) -> (crate::support::events::Events, String, PieceGate) {
    let piece_gate = PieceGate::new();
    let pieces = ["One ", "two ", "three"].map(str::to_owned).to_vec();
    model.behave_once(Behaviour::Stream(Script { pieces, pace: Pace::Gated(piece_gate.clone()), ..Script::default() }));
    piece_gate.release(1);
    let mut events = visitor.stream("Count").await;
    for name in ["start", "delta"] {
        assert_eq!(events.next().await.expect("one more event").name, name);
    }
    let id = events.request_id();
    (events, id, piece_gate)
}

#[tokio::test]
async fn only_its_visitor_can_stop_or_resume_a_turn() {
    let (model, _setup, service, visitor) = with_visitor(&[]).await;
    let other_visitor = Visitor::first_visit(&service.client).await;
    other_visitor.ask("Hello").await;
    let ada = User::register(&service.client, "ada").await;
    let (events, id, piece_gate) = start_gated_turn(&model, &visitor).await;
    let (stop, rest) = (format!("/api/chat/{id}/stop"), format!("/api/chat/{id}/events"));
    for (method, path) in [(Method::POST, &stop), (Method::GET, &rest)] {
        let with_header = |name: &str, value: &str| visitor.request(method.clone(), path).header(name, value);
        let requests = [
            service.client.request(method.clone(), path),
            other_visitor.request(method.clone(), path),
            ada.request(method.clone(), path),
            with_header("origin", "https://evil.example"),
            with_header("sec-fetch-site", "cross-site"),
            with_header("authorization", &format!("Bearer {}", ada.token)),
        ];
        for request in requests {
            service.client.send(request).await.assert_error(404, "turn_not_found");
        }
    }
    // A stream is resumed where it was interrupted.
    drop(events);
    let resumed = visitor.request(Method::GET, &rest).header("last-event-id", "2");
    let resumed = service.client.open_stream(resumed).await;
    piece_gate.open();
    let (text, end) = resumed.text_and_end().await;
    assert_eq!((text.as_str(), &end.data["message"]), ("two three", &"One two three".into()));

    let (events, id, _tap) = start_gated_turn(&model, &visitor).await;
    let stopped = visitor.call(Method::POST, &format!("/api/chat/{id}/stop")).await;
    assert_eq!(stopped.assert_ok(), json!({ "status": "stopped", "request_id": id }));
    let (_, end) = events.text_and_end().await;
    assert_eq!((&end.data["message"], &end.data["finish_reason"]), (&"One ".into(), &"stopped".into()));
    assert_eq!(visitor.history().await, ["Count", "> One two three", "Count", "> One "]);
}

#[tokio::test]
async fn idempotency_keys_of_visitors_are_separate() {
    let (model, _setup, service, visitor) = with_visitor(&[]).await;
    let ask = async |visitor: &Visitor, words: &str| {
        let request = visitor.json_request("/chat", &json!({ "message": words })).header("idempotency-key", "a");
        service.client.send(request).await
    };
    let first = ask(&visitor, "Once").await.assert_ok();
    assert_eq!(ask(&visitor, "Once").await.assert_ok(), first);
    assert_eq!((model.call_count(), visitor.history().await.len()), (1, 2));
    assert_failure(&ask(&visitor, "Twice").await, 422, "idempotency_key_reused");
    let other = Visitor::first_visit(&service.client).await;
    ask(&other, "Another").await.assert_ok();
    assert_eq!(ask(&other, "Another").await.assert_ok()["response"], "Another");
    assert_eq!((other.history().await, model.call_count()), (vec!["Another".to_owned(), "> Another".to_owned()], 2));
}

#[tokio::test]
async fn a_visitors_messages_are_not_accessible_to_accounts() {
    let (_model, setup, service, visitor) = with_visitor(&[]).await;
    visitor.ask("A secret recipe").await;
    let end = visitor.stream("And its price").await.text_and_end().await.1;
    let ada = User::register(&service.client, "ada").await;
    for field in ["user_message_id", "ai_response_id"] {
        let path = format!("/api/messages/{}", number(&end.data[field]));
        ada.get(&path).await.assert_error(404, "message_not_found");
        ada.delete(&path).await.assert_error(404, "message_not_found");
        visitor.call(Method::GET, &path).await.assert_error(401, "token_missing");
    }
    assert_eq!((ada.list_chats().await.len(), ada.search("recipe").await.len()), (0, 0));
    // The cookie gives no access to operations of accounts, and a token none to a visitor's chat.
    visitor.call(Method::GET, "/api/chat/histories").await.assert_error(401, "token_missing");
    ada.get("/chat_history").await.assert_error(401, "bearer_not_accepted");
    assert_eq!((visitor.history().await.len(), setup.count_rows("messages").await), (4, 4));
}

#[tokio::test]
async fn the_requests_session_is_in_the_log() {
    let (_model, setup, service, visitor) = with_visitor(&[]).await;
    let started = service.client.post("/api/session/start", &json!({})).await.assert_ok();
    let id = started["session_id"].as_str().unwrap();
    for body in [json!({ "message": "a", "session_id": id }), json!({ "message": "b", "sessionId": id })] {
        visitor.post(&body).await.assert_ok();
    }
    let request = visitor.json_request("/chat", &json!({ "message": "c" })).header("x-session-id", id);
    service.client.send(request).await.assert_ok();
    let lines = setup.log_lines("chat");
    assert_eq!(lines.len(), 3);
    for line in lines {
        assert_eq!(
            (&line["session_id"], &line["username"], &line["is_guest"]),
            (&id.into(), &"guest".into(), &true.into())
        );
    }
    let stopped = service.client.post("/api/session/stop", &json!({ "session_id": id })).await;
    stopped.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], 3);
}

#[tokio::test]
async fn visitors_who_do_not_return_are_purged() {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model).with("VISITOR_RETENTION", "2s");
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let (absent, returning) =
        (Visitor::first_visit(&service.client).await, Visitor::first_visit(&service.client).await);
    let ada = User::register(&service.client, "ada").await;
    let chat = ada.create_chat().await;
    ada.ask(chat, "I stay").await;
    absent.ask("I go").await;
    returning.ask("I come back").await;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        assert_eq!(returning.history().await.len(), 2);
    }
    let rows = async |table| setup.count_rows(table).await;
    wait_until("a visitor to be purged", async || (rows("visitors").await == 1).then_some(())).await;
    assert_eq!((rows("owners").await, rows("chats").await, rows("messages").await), (2, 2, 4));
    assert_eq!(absent.history().await, [""; 0]);
    assert_eq!(returning.history().await, ["I come back", "> I come back"]);
    assert_eq!(ada.transcript(chat).await.len(), 2);
    // The same cookie starts a new history.
    absent.ask("Here again").await;
    assert_eq!(absent.history().await, ["Here again", "> Here again"]);
}

#[tokio::test]
async fn purging_many_visitors_survives_a_restart() {
    let (_model, setup, service, visitor) = with_visitor(&[]).await;
    visitor.ask("Still here?").await;
    service.stop().await;
    let service = setup.start().await;
    let visitor = Visitor { client: service.client.clone(), ..visitor };
    assert_eq!(visitor.history().await, ["Still here?", "> Still here?"]);
    let others = join_all((0..50).map(|_| Visitor::first_visit(&service.client))).await;
    join_all(others.iter().map(|other| other.ask("Hello"))).await;
    setup.change_database("UPDATE visitors SET seen_at = 0 WHERE owner_id > 1").await;
    service.stop().await;
    let service = setup.start().await;
    wait_until("visitors to be purged", async || (setup.count_rows("visitors").await == 1).then_some(())).await;
    assert_eq!((setup.count_rows("owners").await, setup.count_rows("messages").await), (1, 2));
    let visitor = Visitor { client: service.client.clone(), ..visitor };
    assert_eq!(visitor.history().await.len(), 2);
}

#[tokio::test]
async fn the_database_contains_no_visitor_token() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let service = setup.start().await;
    let visitor = Visitor::first_visit(&service.client).await;
    visitor.ask("Something that is kept").await;
    service.stop().await;
    let files = fs::read_dir(setup.path()).expect("a folder").map(|entry| entry.expect("a file").path());
    let stored =
        files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).expect("a file")).collect::<Vec<_>>();
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("Something that is kept") && !holds(&visitor.token));
    let log = setup.log().iter().map(ToString::to_string).collect::<String>();
    assert!(!log.contains(&visitor.token), "{log}");
}

#[tokio::test]
async fn portal_responses_are_not_cacheable() {
    let (_model, _setup, service, visitor) = with_visitor(&[]).await;
    for operation in OPERATIONS {
        let own = service.client.send(request_for(&service.client, operation)).await;
        assert_eq!((own.status.as_u16(), own.header("cache-control")), (200, "no-store"), "{operation:?}");
        let cross_site = request_for(&service.client, operation).header("sec-fetch-site", "cross-site");
        let cross_site = service.client.send(cross_site).await;
        assert_eq!(
            (cross_site.status.as_u16(), cross_site.header("cache-control")),
            (403, "no-store"),
            "{operation:?}"
        );
    }
    let events = visitor.stream("hello").await;
    assert_eq!(events.headers["cache-control"], "no-store, no-transform");
}

#[tokio::test]
async fn rejected_requests_create_no_visitor() {
    let (model, setup, service) = start_with(&[("MAX_TURNS", "1"), ("TURN_QUEUE", "0")]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let visitor = Visitor::first_visit(&service.client).await;
    let first = async { visitor.ask("I take the place").await };
    let others = async {
        model.wait_for_calls(1).await;
        for _ in 0..3 {
            let refused = service.client.post("/chat", &json!({ "message": "And I?" })).await;
            refused.assert_error(503, "too_busy");
        }
        gate.open();
    };
    tokio::join!(first, others);
    assert_eq!((setup.count_rows("visitors").await, setup.count_rows("messages").await), (1, 2));
}

#[tokio::test]
async fn errors_in_a_portal_stream_have_success_false() {
    let (model, _setup, _service, visitor) = with_visitor(&[("MODEL_RETRIES", "0")]).await;
    let pieces = vec!["Hel".to_owned()];
    model.behave_once(Behaviour::Stream(Script { ending: Ending::CutOff, pieces, ..Script::default() }));
    let (_, end) = visitor.stream("hello").await.text_and_end().await;
    assert_eq!((end.name.as_str(), &end.data["success"]), ("error", &false.into()), "{:?}", end.data);
    assert_eq!(end.data.get("details"), None, "an operation of visitors takes a message ID");
    let failed = async || {
        model.behave_once(Behaviour::CloseImmediately);
        visitor.send("hello").await
    };
    assert_eq!(failed().await.json().get("details"), None);
}

#[tokio::test]
async fn a_visitor_with_a_running_turn_is_not_purged() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("VISITOR_RETENTION", "2s");
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let gate = Gate::new();
    let (waiting, gone) = (Visitor::first_visit(&service.client).await, Visitor::first_visit(&service.client).await);
    gone.ask("I go").await;
    model.behave_once(Behaviour::Held(gate.clone()));
    let answered = async { waiting.ask("Are you there?").await };
    let meanwhile = async {
        model.wait_for_calls(2).await;
        clock.advance(Duration::from_mins(1));
        let is_alone = async || (setup.count_rows("visitors").await == 1).then_some(());
        wait_until("the other visitor to be purged", is_alone).await;
        gate.open();
    };
    tokio::join!(answered, meanwhile);
    wait_until("all visitors to be purged", async || (setup.count_rows("owners").await == 0).then_some(())).await;
}
