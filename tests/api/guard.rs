//! The owner's guard: questions that it passes, masks and rejects, and what happens when it fails.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    fakes::{
        hook::{FakeHook, HookBehaviour, pass},
        model::{Behaviour, FakeModel, Gate, Reply},
        papita::FakePapita,
    },
    support::{
        client::HttpResponse,
        diagnostics::Diagnostics,
        service::{Service, TestSetup},
        stored::is_stored,
        user::{User, prompt_lines},
        visitor::Visitor,
    },
};

/// A number that the guard masks.
const NUMBER: &str = "quokka-4711";

/// A word that the guard rejects.
const FORBIDDEN: &str = "zanzibar";

/// Returns the verdict about a question: numbers are masked, and whoever uses the forbidden word is refused.
fn strict(request: &Value) -> Value {
    let masked = |text: &Value| text.as_str().expect("a text").replace(NUMBER, "[number]");
    let history = request["history"].as_array().cloned().unwrap_or_default();
    let texts = history.iter().map(|message| &message["text"]).chain([&request["text"]]);
    if texts.clone().any(|text| text.as_str().expect("a text").contains(FORBIDDEN)) {
        return json!({ "verdict": "reject", "message": "Not that word, please" });
    }
    if texts.clone().all(|text| masked(text) == *text) {
        return pass();
    }
    let history = history.iter().map(|message| masked(&message["text"])).collect::<Vec<_>>();
    json!({ "verdict": "mask", "text": masked(&request["text"]), "history": history })
}

/// Starts a model, and a service in this process that asks this guard.
pub async fn start_guarded(guard: &FakeHook, settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("GUARD_URL", &guard.url()).with_all(settings);
    let service = setup.start().await;
    (model, setup, service)
}

/// Starts the same with a model that repeats the question.
async fn start_with(guard: &FakeHook, settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let started = start_guarded(guard, settings).await;
    started.0.set_behaviour(Behaviour::Echo);
    started
}

async fn start_strict(settings: &[(&str, &str)]) -> (FakeHook, FakeModel, TestSetup, Service) {
    let guard = FakeHook::answering(strict).await;
    let (model, setup, service) = start_with(&guard, settings).await;
    (guard, model, setup, service)
}

/// Asserts that the guard's sentence refuses a question.
#[track_caller]
fn assert_rejected(answer: &HttpResponse) {
    assert_eq!(answer.assert_error(422, "rejected_by_guard"), "Not that word, please");
}

/// Returns the only line of a turn.
async fn line(setup: &TestSetup) -> Value {
    setup.wait_for_log_lines("chat", 1).await.remove(0)
}

#[tokio::test]
async fn a_question_goes_on_after_its_judgement() {
    let (guard, model, setup, service) = start_strict(&[("GUARD_TOKEN", "hush-hush")]).await;
    let client = &service.client;
    let session = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    let body = json!({ "message": "hello there", "persona": "amaya", "session_id": session });
    let answer = client.post("/api/chat", &body).await.assert_ok();
    assert_eq!(answer["message"], "hello there");
    let expected = json!({
        "kind": "question",
        "text": "hello there",
        "request_id": answer["request_id"],
        "session_id": session,
        "persona": "amaya",
    });
    assert_eq!(guard.requests(), [expected]);
    assert_eq!(guard.tokens(), [Some("Bearer hush-hush".to_owned())]);
    assert_eq!(model.call_count(), 1);
    let line = line(&setup).await;
    assert_eq!(line["guard_question"], "pass");
    assert!(line["guard_question_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
}

#[tokio::test]
async fn without_a_guard_a_turn_says_nothing_about_one() {
    let (_model, setup, service) = crate::support::service::start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    let line = line(&setup).await;
    assert!(line.get("guard_question").is_none() && line.get("guard_question_ms").is_none(), "{line}");
}

#[tokio::test]
async fn a_masked_question_is_nowhere_as_it_was() {
    // Repetitions read the database.
    let settings = [("SESSION_LOG_CONTENT", "plain"), ("RESUME_WINDOW", "0")];
    let (_guard, model, setup, service) = start_strict(&settings).await;
    let client = &service.client;
    let masked = "my number is [number]";
    let question = format!("my number is {NUMBER}");
    assert_eq!(client.chat(&question).await.assert_ok()["message"], masked);
    let (text, end) = client.stream_chat(&question).await.text_and_end().await;
    assert_eq!((text.as_str(), end.name.as_str()), (masked, "done"));
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    let exchange = ada.ask(chat, &question).await;
    assert_eq!(exchange["user_message"]["text"], masked);
    let other = ada.create_chat().await;
    for _ in 0..2 {
        let exchange = ada.send_once(other, &question, "key").await;
        assert_eq!(exchange.assert_ok()["user_message"]["text"], masked);
    }
    ada.wait_for_transcript(chat, &[masked, &format!("> {masked}")]).await;
    assert_eq!(ada.search("quokka").await, [""; 0]);
    let visitor = Visitor::first_visit(client).await;
    assert_eq!(visitor.ask(&question).await, masked);
    assert_eq!(visitor.history().await, [masked.to_owned(), format!("> {masked}")]);
    for line in setup.wait_for_log_lines("chat", 5).await {
        assert_eq!((&line["guard_question"], &line["message"]), (&json!("mask"), &json!(masked)), "{line}");
    }
    for call in model.calls() {
        assert!(!call.body.to_string().contains(NUMBER), "{}", call.body);
    }
    service.stop().await;
    assert!(!is_stored(&setup, NUMBER).await);
}

#[tokio::test]
async fn a_rejected_question_is_asked_and_stored_nowhere() {
    let settings = [("SESSION_LOG_CONTENT", "plain"), ("LIMIT_VISITOR", "9/minute,9000tokens/day,1usd/day")];
    let (_guard, model, setup, service) = start_strict(&settings).await;
    let client = &service.client;
    let question = format!("what about {FORBIDDEN}?");
    assert_rejected(&client.chat(&question).await);
    let stream = json!({ "message": question, "stream": true });
    assert_rejected(&client.post("/api/chat", &stream).await);
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    assert_rejected(&ada.send(chat, &question).await);
    assert_eq!(ada.transcript(chat).await, [""; 0]);
    let visitor = Visitor::first_visit(client).await;
    let answer = visitor.send(&question).await;
    assert_rejected(&answer);
    assert_eq!(answer.json()["success"], false);
    assert_eq!(visitor.history().await, [""; 0]);
    assert_eq!(model.call_count(), 0);
    for line in setup.wait_for_log_lines("chat", 4).await {
        let fields = ["guard_question", "code", "status", "finish", "attempts", "total_tokens", "usage_source"];
        let expected = json!(["reject", "rejected_by_guard", 422, "content_filter", 0, 0, "none"]);
        assert_eq!(json!(fields.map(|field| line[field].clone())), expected, "{line}");
        assert!(line.get("message").is_none() && line["message_chars"] == question.len(), "{line}");
    }
    let limits = client.get("/api/admin/limits?percent=0").await.assert_ok();
    let limits = limits["limits"].as_array().expect("limits").clone();
    assert!(!limits.is_empty());
    for usage in limits {
        assert!(usage["unit"] == "turns" || usage["used"].as_f64() == Some(0.0), "{usage}");
    }
    service.stop().await;
    assert!(!is_stored(&setup, FORBIDDEN).await);
}

#[tokio::test]
async fn whoever_tries_the_guard_out_reaches_a_limit() {
    let (guard, _model, _setup, service) = start_strict(&[("LIMIT_VISITOR", "2/minute")]).await;
    for _ in 0..2 {
        assert_rejected(&service.client.chat(FORBIDDEN).await);
    }
    service.client.chat("hello").await.assert_error(429, "limit_reached");
    assert_eq!(guard.requests().len(), 2);
}

#[tokio::test]
async fn history_and_files_of_a_client_are_judged() {
    let (guard, model, _setup, service) = start_strict(&[]).await;
    let client = &service.client;
    let said = |text: &str| json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": text }]);
    let body = json!({
        "message": "and now?",
        "history": said(NUMBER),
        "attached_files": [{ "name": "a.txt", "content": NUMBER }],
    });
    client.post("/api/chat", &body).await.assert_ok();
    let request = guard.requests().remove(0);
    let history = json!([{ "role": "user", "text": "hi" }, { "role": "assistant", "text": NUMBER }]);
    assert_eq!(request["history"], history);
    assert!(request["text"].as_str().is_some_and(|text| text.contains("a.txt") && text.contains(NUMBER)), "{request}");
    let expected = ["u: hi", "a: [number]", "u: [Attached file 1: a.txt]\n\n[number]\n\n---\n\nand now?"];
    assert_eq!(prompt_lines(&model, 0), expected);
    let body = json!({ "message": "and now?", "history": said(FORBIDDEN) });
    assert_rejected(&client.post("/api/chat", &body).await);
    let body = json!({ "message": "and now?", "attached_files": [{ "content": FORBIDDEN }] });
    assert_rejected(&client.post("/api/chat", &body).await);
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_retry_stores_what_is_asked_then() {
    let guard = FakeHook::start().await;
    let (model, _setup, service) = start_with(&guard, &[("MODEL_RETRIES", "0")]).await;
    let ada = User::register(&service.client, "ada").await;
    let chat = ada.create_chat().await;
    model.behave_once(Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() });
    let failed = ada.send(chat, &format!("is it {NUMBER}, or less?")).await;
    let id = failed.json()["details"]["user_message_id"].as_i64().expect("a number");
    assert_eq!(ada.search(NUMBER).await.len(), 1);
    guard.behave(HookBehaviour::answer(strict));
    let masked = "is it [number], or less?";
    assert_eq!(ada.retry(id).await.assert_ok()["user_message"]["text"], masked);
    ada.wait_for_transcript(chat, &[masked, &format!("> {masked}")]).await;
    assert_eq!((ada.search("quokka").await.len(), ada.search("less").await.len()), (0, 2));
    ada.ask(chat, "and now?").await;
    let lines = prompt_lines(&model, 2);
    assert!(lines.iter().any(|line| line.contains(masked)) && !lines.concat().contains(NUMBER), "{lines:?}");
}

#[tokio::test]
async fn a_question_about_an_image_is_repeated_as_it_was_asked() {
    let (_guard, model, _setup, service) = start_strict(&[]).await;
    model.set_behaviour(Behaviour::Answer(Reply::default()));
    let body = json!({ "question": format!("is {NUMBER} in it?"), "image": "data:image/png;base64,iVBORw0KGgo=" });
    let answer = service.client.post("/api/chat/image", &body).await.assert_ok();
    assert_eq!(answer["question"], "is [number] in it?");
}

#[tokio::test]
async fn a_question_of_which_nothing_is_left_is_rejected() {
    let guard = FakeHook::answering(|_| json!({ "verdict": "mask", "text": " " })).await;
    let (model, _setup, service) = start_with(&guard, &[]).await;
    model.set_behaviour(Behaviour::Answer(Reply::default()));
    let sentence = service.client.chat("hello").await.assert_error(422, "rejected_by_guard");
    assert_eq!(sentence, "This message cannot be answered here; please put it differently");
    let image = json!({ "message": "hello", "image": "data:image/png;base64,iVBORw0KGgo=", "model": "gpt-4o-mini" });
    service.client.post("/api/chat", &image).await.assert_ok();
    assert_eq!(model.call_count(), 1);
}

/// The ways in which a guard fails, and words of the diagnostics about each.
fn failures() -> Vec<(&'static str, HookBehaviour)> {
    let text = |status, text: &str| HookBehaviour::Respond(status, text.to_owned());
    let huge = format!("{{\"verdict\": \"pass\", \"why\": \"{}\"}}", "x".repeat(128 << 10));
    let not_understood = "its answer is not what docs/hooks.md describes";
    vec![
        (not_understood, text(200, "<html>welcome</html>")),
        (not_understood, text(200, "{\"verdict\": \"allow\"}")),
        (not_understood, text(200, "{\"verdict\": \"mask\"}")),
        (not_understood, text(200, "{\"verdict\": \"mask\", \"text\": \"a\", \"history\": [\"b\"]}")),
        ("it answers with status 500", text(500, "{\"verdict\": \"pass\"}")),
        ("it answers with status 204", text(204, "")),
        ("its answer has more than", text(200, &huge)),
        ("it answers with a redirect (status 307)", HookBehaviour::Redirect),
        ("it did not answer within 100 ms", HookBehaviour::Silent),
        ("it did not answer within 100 ms", HookBehaviour::StallAfterHeaders),
        ("the connection was closed before an answer came", HookBehaviour::CloseImmediately),
    ]
}

#[tokio::test]
async fn a_guard_that_fails_closed_refuses_turns() {
    let settings = [("GUARD_TIMEOUT", "100ms"), ("BREAKER_FAILURE_RATE", "0"), ("SESSION_LOG_CONTENT", "plain")];
    let guard = FakeHook::start().await;
    let (model, setup, service) = start_with(&guard, &settings).await;
    let (count, diagnostics) = (failures().len(), Diagnostics::collect());
    for (number, (words, behaviour)) in failures().into_iter().enumerate() {
        guard.behave(behaviour);
        let answer = service.client.chat(NUMBER).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"), "{words}: {}", answer.text);
        answer.assert_error(503, "guard_unavailable");
        let lines = diagnostics.lines("the guard gave no verdict, and the turn ends (GUARD_FAIL=closed)");
        assert!(lines.len() == number + 1 && lines[number].contains(words), "{words} in {lines:#?}");
        assert!(!lines[number].contains(NUMBER), "{lines:#?}");
    }
    assert_eq!(model.call_count(), 0);
    for line in setup.wait_for_log_lines("chat", count).await {
        let fields = ["guard_question", "code", "finish", "total_tokens"];
        let expected = json!(["failed", "guard_unavailable", "upstream_error", 0]);
        assert_eq!(json!(fields.map(|field| line[field].clone())), expected, "{line}");
    }
    service.stop().await;
    assert!(!is_stored(&setup, NUMBER).await, "nobody has judged it");
}

#[tokio::test]
async fn a_guard_that_fails_open_lets_turns_go_on() {
    let settings = [("GUARD_TIMEOUT", "100ms"), ("GUARD_FAIL", "open"), ("BREAKER_FAILURE_RATE", "0")];
    let guard = FakeHook::start().await;
    let (_model, setup, service) = start_with(&guard, &settings).await;
    let count = failures().len();
    for (words, behaviour) in failures() {
        guard.behave(behaviour);
        assert_eq!(service.client.chat("hello").await.assert_ok()["message"], "hello", "{words}");
    }
    for line in setup.wait_for_log_lines("chat", count).await {
        assert_eq!((&line["guard_question"], &line["code"]), (&json!("failed"), &Value::Null), "{line}");
    }
    assert!(guard.requests().len() == count, "a redirect is not followed");
}

#[tokio::test]
async fn a_guard_that_is_away_is_soon_not_called() {
    let guard = FakeHook::start().await;
    let (_model, _setup, service) = start_with(&guard, &[("BREAKER_PAUSE", "1h")]).await;
    guard.stop().await;
    for _ in 0..5 {
        service.client.chat("hello").await.assert_error(503, "guard_unavailable");
    }
    let listening = tokio::net::TcpListener::bind(guard.address()).await.expect("the guard's port");
    service.client.chat("hello").await.assert_error(503, "guard_unavailable");
    let accepted = tokio::time::timeout(Duration::from_millis(50), listening.accept()).await;
    assert!(accepted.is_err(), "the guard was called");
}

#[tokio::test]
async fn a_key_belongs_to_the_question_as_it_was_sent() {
    let (guard, model, _setup, service) = start_strict(&[]).await;
    let ask = async |key: &str, message: &str| {
        let request = service.client.json_request("/api/chat", &json!({ "message": message }));
        service.client.send(request.header("idempotency-key", key)).await
    };
    let question = format!("is it {NUMBER}?");
    let first = ask("one", &question).await.assert_ok();
    assert_eq!(ask("one", &question).await.assert_ok(), first);
    ask("one", "is it [number]?").await.assert_error(422, "idempotency_key_reused");
    assert_eq!((model.call_count(), guard.requests().len()), (1, 1));
    assert_rejected(&ask("two", FORBIDDEN).await);
    assert_rejected(&ask("two", FORBIDDEN).await);
    ask("two", "hello").await.assert_ok();
}

#[tokio::test]
async fn a_client_that_leaves_during_the_judgement_asks_nothing() {
    let gate = Gate::new();
    let guard = FakeHook::start().await;
    guard.behave(HookBehaviour::held(&gate, "question", |_| pass()));
    let settings = [("RESUME_GRACE", "0"), ("SESSION_LOG_CONTENT", "plain"), ("LIMIT_VISITOR", "2/minute")];
    let (model, setup, service) = start_with(&guard, &settings).await;
    let client = &service.client;
    let request = client.json_request("/api/chat", &json!({ "message": "hello" }));
    tokio::select! {
        answer = client.send(request) => panic!("{answer:?}"),
        () = guard.wait_for_requests(1) => {}
    }
    guard.wait_for_disconnects(1).await;
    gate.open();
    guard.behave(HookBehaviour::answer(|_| pass()));
    let line = line(&setup).await;
    assert_eq!((&line["guard_question"], &line["code"]), (&json!("failed"), &json!("client_gone")), "{line}");
    assert!(line.get("message").is_none(), "nobody has judged it: {line}");
    client.chat("another").await.assert_ok();
    client.chat("a third one").await.assert_error(429, "limit_reached");
    assert_eq!(model.call_count(), 1);
    let metrics = client.get("/metrics").await.text;
    let counted = "al_chat_guard_calls_total{kind=\"question\",verdict=\"failed\"} 1\n";
    assert!(metrics.contains(counted) && metrics.contains("al_chat_guard_seconds_count 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_masked_question_is_masked_in_papitas_records_too() {
    let papita = FakePapita::start().await;
    papita.serve_key("sk-papita");
    let guard = FakeHook::answering(strict).await;
    let model = FakeModel::start().await;
    let setup = TestSetup::for_papita(&model, &papita).with("GUARD_URL", &guard.url());
    let service = setup.start().await;
    assert_rejected(&service.client.chat(FORBIDDEN).await);
    service.client.chat(NUMBER).await.assert_ok();
    papita.wait_for_usage(1).await;
    let records = papita.usage();
    assert_eq!(records.len(), 1, "none is due for the rejected question: {records:?}");
    assert!(!records[0].to_string().contains(NUMBER));
}

#[tokio::test]
async fn the_metrics_count_judgements_by_verdict() {
    let (guard, _model, _setup, service) = start_strict(&[]).await;
    let client = &service.client;
    client.chat("hello").await.assert_ok();
    client.chat(NUMBER).await.assert_ok();
    client.chat(FORBIDDEN).await.assert_error(422, "rejected_by_guard");
    guard.behave(HookBehaviour::CloseImmediately);
    client.chat("hello").await.assert_error(503, "guard_unavailable");
    let metrics = client.get("/metrics").await.text;
    for verdict in ["pass", "mask", "reject", "failed"] {
        let counted = format!("al_chat_guard_calls_total{{kind=\"question\",verdict=\"{verdict}\"}} 1\n");
        assert!(metrics.contains(&counted), "{counted} in {metrics}");
    }
    assert!(metrics.contains("al_chat_guard_seconds_count 4\n"), "{metrics}");
}
