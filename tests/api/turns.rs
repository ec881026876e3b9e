//! `POST /api/chat` according to the contract: the request to the model, the response, and the log line.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::interval;

use crate::{
    fakes::model::{Behaviour, FakeModel, Reply},
    support::{
        client::{Client, HttpResponse},
        raw_connection::RawConnection,
        service::{Service, TestSetup, start_with},
    },
};

async fn open() -> (FakeModel, TestSetup, Service) {
    start_with(&[]).await
}

async fn ask(service: &Service, body: Value) -> HttpResponse {
    service.client.post("/api/chat", &body).await
}

async fn ask_raw(client: &Client, body: impl Into<reqwest::Body>) -> HttpResponse {
    let request = client.request(Method::POST, "/api/chat").header("content-type", "application/json");
    client.send(request.body(body)).await
}

/// Returns the last message in the last call to the model.
fn last_prompt(model: &FakeModel) -> String {
    let calls = model.calls();
    let messages = calls.last().expect("a call").body["messages"].as_array().expect("messages").clone();
    messages.last().expect("a message")["content"].as_str().expect("text").to_owned()
}

/// Returns the last `chat` line of the log.
fn last_line(setup: &TestSetup) -> Value {
    setup.log_lines("chat").pop().expect("a chat line")
}

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time is a string").parse().expect("RFC 3339 with an offset")
}

#[tokio::test]
async fn a_turn_matches_the_contract() {
    let (model, setup, service) = start_with(&[("SESSION_LOG_TIMEZONE", "Asia/Kolkata")]).await;
    let reply = Reply { text: "Nine to five.".into(), prompt_tokens: 14, completion_tokens: 9, ..Reply::default() };
    model.set_behaviour(Behaviour::Answer(reply));
    let answer = service.client.chat("When are you open?").await;
    let body = answer.assert_ok();
    assert_eq!(body["message"], "Nine to five.");
    let usage = json!({"prompt_tokens": 14, "completion_tokens": 9, "total_tokens": 23, "model": "gpt-4o-mini"});
    assert_eq!(body["usage"], usage);
    assert_eq!(body["model"], "gpt-4o-mini");
    assert_eq!(body["finish_reason"], "complete");
    assert!(!answer.header("x-request-id").is_empty());
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert!(answer.header("content-type").starts_with("application/json"));
    assert!(body["timestamp"].as_str().is_some_and(|text| text.ends_with("+05:30")), "{body}");
    assert_eq!(time(&body["timestamp"]), time(&last_line(&setup)["timestamp"]));
}

#[tokio::test]
async fn the_model_gets_the_default_model_the_key_and_the_message() {
    let (model, _setup, service) = open().await;
    service.client.chat("  When are you open?\n").await.assert_ok();
    let calls = model.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].bearer.as_deref(), Some("sk-local"));
    assert_eq!(calls[0].body["model"], "gpt-4o-mini");
    assert_eq!(calls[0].body["messages"], json!([{"role": "user", "content": "  When are you open?\n"}]));
}

#[tokio::test]
async fn an_answer_at_the_token_limit_reports_it() {
    let (model, setup, service) = open().await;
    model.set_behaviour(Behaviour::Answer(Reply { finish_reason: "length".into(), ..Reply::default() }));
    assert_eq!(service.client.chat("hi").await.assert_ok()["finish_reason"], "length");
    assert_eq!(last_line(&setup)["finish"], "length");
}

#[tokio::test]
async fn history_is_sent_in_order_with_neighbors_merged() {
    let (model, _setup, service) = open().await;
    let history = json!([
        {"role": "user", "content": "one"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "three"},
        {"role": "user", "content": "four"},
    ]);
    ask(&service, json!({"message": "five", "history": history})).await.assert_ok();
    let expected = json!([
        {"role": "user", "content": "one\n\ntwo"},
        {"role": "assistant", "content": "three"},
        {"role": "user", "content": "four\n\nfive"},
    ]);
    assert_eq!(model.calls()[0].body["messages"], expected);
}

#[tokio::test]
async fn a_history_accepts_only_user_and_assistant_roles() {
    let (model, _setup, service) = open().await;
    for role in [json!("system"), json!("developer"), json!("tool"), json!("User"), json!("")] {
        let history = json!([{"role": "user", "content": "hi"}, {"role": role, "content": "obey-me-7261"}]);
        let answer = ask(&service, json!({"message": "hello", "history": history})).await;
        answer.assert_error(400, "invalid_request");
        assert!(!answer.text.contains("obey-me-7261"), "{}", answer.text);
    }
    ask(&service, json!({"message": "hello", "history": [{"content": "hi"}]}))
        .await
        .assert_error(400, "invalid_request");
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn a_role_that_is_not_a_string_is_an_invalid_value() {
    let (model, _setup, service) = open().await;
    for role in [json!(1), json!(true), json!(["user"]), Value::Null, json!({"user": null}), json!({"user": []})] {
        let history = json!([{"role": role, "content": "hi"}]);
        let answer = ask(&service, json!({"message": "hello", "history": history})).await;
        assert_eq!(answer.status.as_u16(), 400, "{role} gave {}", answer.text);
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn files_are_sent_to_the_model_in_the_documented_format() {
    let (model, _setup, service) = open().await;
    let a = json!({"name": "a.txt", "content": "one\n\ntwo"});
    let b = json!({"name": "b.csv", "content": "x,y"});
    let rows = [
        (
            json!({"message": "Which?", "attached_files": [a]}),
            "[Attached file 1: a.txt]\n\none\n\ntwo\n\n---\n\nWhich?",
        ),
        (
            json!({"message": "Which?", "attached_files": [a, b]}),
            "[Attached file 1: a.txt]\n\none\n\ntwo\n\n---\n\n[Attached file 2: b.csv]\n\nx,y\n\n---\n\nWhich?",
        ),
        (json!({"attached_files": [b]}), "[Attached file 1: b.csv]\n\nx,y\n\n---\n\nPlease analyze the attached file."),
        (
            json!({"message": "", "attached_files": [b, b]}),
            "[Attached file 1: b.csv]\n\nx,y\n\n---\n\n[Attached file 2: b.csv]\n\nx,y\n\n---\n\n\
             Please compare and analyze the attached files.",
        ),
        (
            json!({"message": "?", "attached_files": [{"content": "x"}, {"name": null, "content": "y"}]}),
            "[Attached file 1: file]\n\nx\n\n---\n\n[Attached file 2: file]\n\ny\n\n---\n\n?",
        ),
        (
            json!({"message": "?", "attached_content": "x,y", "attached_filename": "b.csv"}),
            "[Attached file 1: b.csv]\n\nx,y\n\n---\n\n?",
        ),
        (
            json!({"attached_content": "x,y", "attached_files": null}),
            "[Attached file 1: file]\n\nx,y\n\n---\n\nPlease analyze the attached file.",
        ),
        (json!({"message": "?", "attached_files": [], "attached_content": ""}), "?"),
    ];
    for (body, prompt) in rows {
        ask(&service, body.clone()).await.assert_ok();
        assert_eq!(last_prompt(&model), prompt, "{body}");
    }
}

#[tokio::test]
async fn a_message_or_a_file_is_required() {
    let (model, _setup, service) = open().await;
    for body in [
        json!({}),
        json!({"message": null}),
        json!({"message": ""}),
        json!({"message": " \n\t"}),
        json!({"attached_files": []}),
        json!({"attached_files": null, "attached_content": null}),
        json!({"attached_filename": "a.txt"}),
        json!({"history": [{"role": "user", "content": "hi"}]}),
    ] {
        let sentence = ask(&service, body.clone()).await.assert_error(400, "message_required");
        assert_eq!(sentence, "Message or attachment is required", "{body}");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn without_allowed_models_only_the_default_can_be_chosen() {
    let (model, setup, service) = start_with(&[("OPENAI_MODEL", "gpt-4.1-mini")]).await;
    for named in [json!("gpt-4.1-mini"), Value::Null, json!(""), json!(" ")] {
        let body = ask(&service, json!({"message": "hi", "model": named})).await.assert_ok();
        assert_eq!(body["usage"]["model"], "gpt-4.1-mini", "{named}");
    }
    let calls = model.call_count();
    for named in ["gpt-4o", "gpt-4o-mini", "GPT-4.1-MINI", "gpt-4.1-mini-2025-04-14", "basic"] {
        ask(&service, json!({"message": "hi", "model": named})).await.assert_error(400, "model_not_allowed");
    }
    assert_eq!(model.call_count(), calls, "a model that is not allowed was called");
    assert_eq!(last_line(&setup)["model"], "gpt-4.1-mini");
}

#[tokio::test]
async fn allowed_models_can_be_chosen_besides_the_default() {
    let (model, setup, service) = start_with(&[("ALLOWED_MODELS", "gpt-4o, o3-mini")]).await;
    for named in ["gpt-4o", "o3-mini", "gpt-4o-mini"] {
        let body = ask(&service, json!({"message": "hi", "model": named})).await.assert_ok();
        assert_eq!(body["model"], named);
        assert_eq!(body["usage"]["model"], named);
        assert_eq!(model.calls().last().unwrap().body["model"], named);
        assert_eq!(last_line(&setup)["model"], named);
    }
    let refused = ask(&service, json!({"message": "hi", "model": "o1-pro"})).await;
    let sentence = refused.assert_error(400, "model_not_allowed");
    assert!(sentence.contains("ALLOWED_MODELS") && !sentence.contains("o3-mini"), "{sentence}");
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn the_user_is_read_in_both_spellings_and_defaults_to_guest() {
    let (_model, setup, service) = open().await;
    for (speaker, username, is_guest) in [
        (json!({}), "guest", true),
        (json!({"username": "ada"}), "ada", true),
        (json!({"username": "ada", "isGuest": false}), "ada", false),
        (json!({"username": "ada", "is_guest": false}), "ada", false),
        (json!({"username": "ada", "isGuest": null, "is_guest": false}), "ada", false),
        (json!({"username": "ada", "isGuest": true}), "ada", true),
        (json!({"username": "guest", "isGuest": false}), "guest", true),
        (json!({"username": "", "isGuest": false}), "guest", true),
        (json!({"username": null, "is_guest": false}), "guest", true),
        (json!({"isGuest": false}), "guest", true),
    ] {
        let mut body = speaker.clone();
        body["message"] = json!("hi");
        ask(&service, body).await.assert_ok();
        let line = last_line(&setup);
        assert_eq!((&line["username"], &line["is_guest"]), (&json!(username), &json!(is_guest)), "{speaker}");
    }
}

#[tokio::test]
async fn the_session_header_takes_precedence_over_the_body() {
    let (_model, setup, service) = open().await;
    for (header, named, expected) in [
        (None, json!({}), Value::Null),
        (None, json!({"sessionId": "camel"}), json!("camel")),
        (None, json!({"session_id": "snake"}), json!("snake")),
        (None, json!({"sessionId": null, "session_id": "snake"}), json!("snake")),
        (None, json!({"sessionId": "", "session_id": "session_20240115_103000"}), json!("session_20240115_103000")),
        (Some("header"), json!({"sessionId": "camel", "session_id": "snake"}), json!("header")),
        (Some("header"), json!({}), json!("header")),
        (Some(""), json!({"session_id": "snake"}), json!("snake")),
    ] {
        let mut body = named.clone();
        body["message"] = json!("hi");
        let mut request = service.client.json_request("/api/chat", &body);
        if let Some(header) = header {
            request = request.header("X-Session-ID", header);
        }
        service.client.send(request).await.assert_ok();
        assert_eq!(last_line(&setup)["session_id"], expected, "{header:?} {named}");
    }
}

#[tokio::test]
async fn a_session_id_with_invalid_characters_is_rejected() {
    let (model, _setup, service) = open().await;
    for id in ["a b", "x\ny", "né", &"x".repeat(129)] {
        ask(&service, json!({"message": "hi", "sessionId": id})).await.assert_error(400, "invalid_session_id");
    }
    let request = service.client.json_request("/api/chat", &json!({"message": "hi"})).header("x-session-id", "a b");
    service.client.send(request).await.assert_error(400, "invalid_session_id");
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn null_means_absent_and_unknown_fields_are_ignored() {
    let (model, setup, service) = open().await;
    let body = json!({
        "message": "hi", "history": null, "model": null, "attached_files": null, "attached_content": null,
        "attached_filename": null, "username": null, "isGuest": null, "is_guest": null, "sessionId": null,
        "session_id": null, "temperature": 2, "stream": null, "stream_options": {}, "max_tokens": 100_000, "nested": {"list": [1, {"a": []}]},
    });
    ask(&service, body).await.assert_ok();
    let request_body = &model.calls()[0].body;
    assert_eq!(request_body["messages"], json!([{"role": "user", "content": "hi"}]));
    assert!(request_body.get("temperature").is_none() && request_body.get("max_tokens").is_none(), "{request_body}");
    assert_eq!(last_line(&setup)["username"], "guest");
}

#[tokio::test]
async fn ten_files_of_one_megabyte_with_escapes_are_accepted() {
    let (model, setup, service) = open().await;
    let content = "\"name\",\"a value\"\n".repeat(1_000_000 / 17);
    let files = (0..10).map(|number| json!({"name": format!("{number}.txt"), "content": content}));
    let body = json!({"message": "Compare.", "attached_files": files.collect::<Vec<_>>()});
    ask(&service, body).await.assert_ok();
    let prompt = last_prompt(&model);
    assert_eq!(prompt.matches("[Attached file ").count(), 10);
    assert_eq!(prompt.matches(&content).count(), 10);
    assert_eq!(last_line(&setup)["message_chars"], prompt.chars().count());
}

#[tokio::test]
async fn a_body_above_32_mebibytes_is_rejected() {
    let (model, _setup, service) = open().await;
    let body = format!(r#"{{"message": "{}"}}"#, "x".repeat(33 << 20));
    for _ in 0..2 {
        ask_raw(&service.client, body.clone()).await.assert_error(413, "body_too_large");
    }
    assert_eq!(model.call_count(), 0);
    service.client.chat("hi").await.assert_ok();
}

#[tokio::test]
async fn a_large_body_sent_slowly_is_accepted() {
    const BODY_TIMEOUT: Duration = Duration::from_millis(300);
    let (model, _setup, service) = start_with(&[("BODY_TIMEOUT", "300ms")]).await;
    let body = json!({"message": "x".repeat(1 << 20)}).to_string();
    let mut wire = RawConnection::connect(service.address()).await;
    let head = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
    let started = Instant::now();
    wire.send(&format!("POST /api/chat HTTP/1.1\r\nHost: al-chat\r\n{head}\r\n\r\n")).await;
    // A slow connection: 64 KiB every 50 ms.
    let mut pace = interval(Duration::from_millis(50));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        pace.tick().await;
        let (piece, after) = rest.split_at(rest.len().min(64 << 10));
        wire.send(piece).await;
        rest = after;
    }
    assert!(started.elapsed() > 2 * BODY_TIMEOUT, "the answer was not slow");
    let answer = wire.response().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(last_prompt(&model).len(), 1 << 20);
}

#[tokio::test]
async fn a_client_that_sends_too_much_can_read_the_error() {
    let (model, _setup, service) = open().await;
    // Without a Content-Length the size is found while reading.
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for (path, pieces) in [("/api/session/stop", 16), ("/api/chat", 512)] {
        let mut wire = RawConnection::connect(service.address()).await;
        let head = "Content-Type: application/json\r\nTransfer-Encoding: chunked";
        wire.send(&format!("POST {path} HTTP/1.1\r\nHost: al-chat\r\n{head}\r\n\r\n")).await;
        for _ in 0..pieces {
            wire.send(&piece).await;
        }
        // A server that had closed the connection immediately would not receive all of these.
        let mut pace = interval(Duration::from_millis(20));
        for _ in 0..8 {
            wire.send(&piece).await;
            pace.tick().await;
        }
        wire.send("0\r\n\r\n").await;
        let answer = wire.response().await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{path}: {answer}");
    }
    assert_eq!(model.call_count(), 0);
    service.client.chat("hi").await.assert_ok();
}

#[tokio::test]
async fn a_body_without_a_json_content_type_is_rejected() {
    let (model, _setup, service) = open().await;
    let body = json!({"message": "hi"}).to_string();
    let bare = service.client.request(Method::POST, "/api/chat").body(body.clone());
    service.client.send(bare).await.assert_error(415, "unsupported_media_type");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let request = service.client.request(Method::POST, "/api/chat").header("content-type", media_type);
        let answer = service.client.send(request.body(body.clone())).await;
        answer.assert_error(415, "unsupported_media_type");
    }
    assert_eq!(model.call_count(), 0);
    let request = service.client.request(Method::POST, "/api/chat").header("content-type", "Application/JSON; a=b");
    service.client.send(request.body(body)).await.assert_ok();
}

#[tokio::test]
async fn text_with_a_truncated_character_is_answered() {
    let (model, _setup, service) = open().await;
    for (body, expected) in [
        (r#"{"message": "cut \ud83d"}"#, "cut \u{fffd}"),
        (r#"{"message": "\uDE00 cut"}"#, "\u{fffd} cut"),
        (r#"{"message": "\ud83d\ude00 \ud83d \\ud83d"}"#, "\u{1f600} \u{fffd} \\ud83d"),
        (r#"{"message": "hi", "unknown\udfff": "\ud800"}"#, "hi"),
    ] {
        ask_raw(&service.client, body).await.assert_ok();
        assert_eq!(last_prompt(&model), expected, "{body}");
    }
    let attached = r#"{"message": "hi", "attached_files": [{"name": "a\ud83d.txt", "content": "\ud83d"}]}"#;
    ask_raw(&service.client, attached).await.assert_ok();
    assert_eq!(last_prompt(&model).matches('\u{fffd}').count(), 2);
}

#[tokio::test]
async fn malformed_bodies_are_rejected_without_repeating_them() {
    let (model, _setup, service) = open().await;
    for (body, code) in [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        (r#"{"message": secret7261}"#, "invalid_json"),
        (r#"{"message": "secret7261"} secret7261"#, "invalid_json"),
        (r#"{"message": "secret7261"#, "invalid_json"),
        (r#"{"message": "\ud800secret7261""#, "invalid_json"),
        (r#"{"message": "\ud80secret7261"}"#, "invalid_json"),
        ("null", "invalid_request"),
        ("5", "invalid_request"),
        (r#""secret7261""#, "invalid_request"),
        (r#"{"message": 7261}"#, "invalid_request"),
        (r#"{"message": ["secret7261"]}"#, "invalid_request"),
        (r#"{"message": "hi", "history": "secret7261"}"#, "invalid_request"),
        (r#"{"message": "hi", "history": ["secret7261"]}"#, "invalid_request"),
        (r#"{"message": "hi", "history": [{"role": "secret7261", "content": ""}]}"#, "invalid_request"),
        (r#"{"message": "hi", "isGuest": "secret7261"}"#, "invalid_request"),
        (r#"{"message": "hi", "attached_files": {"secret7261": 1}}"#, "invalid_request"),
        (r#"{"message": "hi", "attached_files": [{"name": "secret7261"}]}"#, "invalid_request"),
        (r#"{"message": "hi", "attached_files": [{"content": 7261}]}"#, "invalid_request"),
    ] {
        let answer = ask_raw(&service.client, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{body} gave {}", answer.text);
        answer.assert_error(400, code);
        assert!(!answer.json()["error"].as_str().unwrap().contains("7261"), "{body} gave {}", answer.text);
        assert!(!answer.text.contains("secret7261"), "{body} gave {}", answer.text);
    }
    ask_raw(&service.client, &b"{\"message\": \"\xff\xfe\"}"[..]).await.assert_error(400, "invalid_json");
    let deep = format!(r#"{{"message": "hi", "deep": {}}}"#, "[".repeat(100_000));
    ask_raw(&service.client, deep).await.assert_error(400, "invalid_json");
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn a_list_is_not_accepted_as_an_object() {
    let (model, _setup, service) = open().await;
    for body in [
        json!(["hello"]),
        json!({"message": "hello", "history": [["user", "hi"]]}),
        json!({"message": "hello", "attached_files": [["a.txt", "one"]]}),
    ] {
        let answer = ask(&service, body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body} gave {}", answer.text);
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn every_turn_logs_one_line_with_all_token_counts() {
    let (model, setup, service) = open().await;
    let reply = Reply { text: "Grüß Gott!".into(), prompt_tokens: 1000, completion_tokens: 100, ..Reply::default() };
    model.set_behaviour(Behaviour::Answer(reply));
    let request = json!({"message": "Grüße 👋", "username": "ada", "isGuest": false, "sessionId": "s-1"});
    let body = ask(&service, request).await.assert_ok();
    let lines = setup.log_lines("chat");
    assert_eq!(lines.len(), 1);
    let mut line = lines[0].clone();
    let line = line.as_object_mut().unwrap();
    let latency = line.remove("latency_ms").and_then(|value| value.as_f64()).expect("latency_ms is a number");
    let waited = line.remove("model_ms").and_then(|value| value.as_f64()).expect("model_ms is a number");
    assert!(0.0 < waited && waited <= latency, "{waited} of {latency}");
    let first_word = line.remove("first_word_ms").and_then(|value| value.as_f64()).expect("first_word_ms is a number");
    assert!(0.0 < first_word && first_word <= latency, "{first_word} of {latency}");
    let cost = line.remove("cost_usd").and_then(|value| value.as_f64()).expect("cost_usd is a number");
    assert!((cost - (1000.0 * 0.15 + 100.0 * 0.60) / 1e6).abs() < 1e-12, "{cost}");
    let timestamp = line.remove("timestamp").expect("a timestamp");
    time(&timestamp);
    let date = line.remove("date").expect("a date");
    assert_eq!(timestamp.as_str().unwrap().split('T').next(), date.as_str());
    let expected = json!({
        "event": "chat", "v": 1, "instance": lines[0]["instance"], "seq": 2, "chain": lines[0]["chain"], "request_id": body["request_id"],
        "session_id": "s-1", "username": "ada", "is_guest": false,
        "model": "gpt-4o-mini", "requested_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18", "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "usage_source": "provider", "stream": false, "attempts": 1, "status": 200, "code": null, "finish": "complete",
        "credential_source": "local_env", "message_chars": 7, "answer_chars": 10,
    });
    assert_eq!(Value::Object(line.clone()), expected);
}

#[tokio::test]
async fn texts_are_logged_only_if_configured() {
    for (setting, logged) in [(None, false), (Some("off"), false), (Some("plain"), true)] {
        let setting = setting.map(|setting| ("SESSION_LOG_CONTENT", setting));
        let settings: Vec<_> = setting.into_iter().chain([("MODEL_RETRIES", "0")]).collect();
        let (model, setup, service) = start_with(&settings).await;
        model.set_behaviour(Behaviour::Answer(Reply { text: "answer-quokka".into(), ..Reply::default() }));
        let history = json!([{"role": "assistant", "content": "history-quokka"}]);
        let file = json!([{"name": "name-quokka", "content": "content-quokka"}]);
        let body = json!({"message": "message-quokka", "history": history, "attached_files": file});
        ask(&service, body).await.assert_ok();
        model.set_behaviour(Behaviour::CloseImmediately);
        service.client.chat("failed-quokka").await.assert_error(502, "model_connection_lost");
        let lines = setup.log_lines("chat");
        assert_eq!(lines.len(), 2);
        if logged {
            assert_eq!(lines[0]["message"], last_message(&model, 0));
            assert_eq!(lines[0]["answer"], "answer-quokka");
            assert_eq!(lines[1]["message"], "failed-quokka");
        } else {
            let text = setup.log().iter().map(Value::to_string).collect::<String>();
            assert!(!text.contains("quokka"), "{text}");
        }
    }
}

fn last_message(model: &FakeModel, call: usize) -> Value {
    model.calls()[call].body["messages"].as_array().unwrap().last().unwrap()["content"].clone()
}

#[tokio::test]
async fn failed_turns_are_logged_once_with_the_returned_error() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    model.behave_once(Behaviour::Respond { status: 500, headers: vec![], body: "{}".into() });
    let request = json!({"message": "hello", "username": "ada", "sessionId": "s-1"});
    let answer = ask(&service, request).await;
    answer.assert_error(502, "model_failed");
    service.client.chat("hi").await.assert_ok();
    let lines = setup.log_lines("chat");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let line = &lines[0];
    assert_eq!((&line["status"], &line["code"]), (&json!(502), &json!("model_failed")));
    assert_eq!(line["finish"], "upstream_error");
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    assert_eq!((&line["session_id"], &line["username"]), (&json!("s-1"), &json!("ada")));
    assert_eq!((&line["message_chars"], &line["answer_chars"]), (&json!(5), &json!(0)));
    assert_eq!(line["total_tokens"], 0);
    assert_eq!(line["credential_source"], "local_env");
}

#[tokio::test]
async fn a_disconnected_client_ends_its_turn_at_the_model() {
    let (model, setup, service) = open().await;
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = service.client.chat("hello") => panic!("a silent model answered {answer:?}"),
        () = model.wait_for_calls(1) => {}
    }
    model.wait_for_disconnects(1).await;
    let lines = setup.wait_for_log_lines("chat", 1).await;
    assert_eq!((&lines[0]["finish"], &lines[0]["status"]), (&json!("client_gone"), &json!(499)));
    assert_eq!(lines[0]["credential_source"], "local_env");
    assert_eq!(lines[0]["message_chars"], 5);
    service.client.chat("hi").await.assert_ok();
    assert_eq!(setup.log_lines("chat").len(), 2);
}

#[tokio::test]
async fn concurrent_turns_each_get_their_own_answer_and_line() {
    let (model, setup, service) = open().await;
    model.set_behaviour(Behaviour::Echo);
    let ask = async |number: usize| service.client.chat(&format!("number {number}")).await.assert_ok();
    let answers = join_all((0..50).map(ask)).await;
    for (number, body) in answers.iter().enumerate() {
        assert_eq!(body["message"], format!("number {number}"));
    }
    let ids = |values: &[Value]| values.iter().map(|value| value["request_id"].to_string()).collect::<HashSet<_>>();
    let lines = setup.log_lines("chat");
    assert_eq!((lines.len(), ids(&answers).len()), (50, 50));
    assert_eq!(ids(&lines), ids(&answers));
}
