//! Answers that the owner's guard judges, whole and in pieces: nothing that it has not let go on reaches a reader, a file, the
//! database or Papita.

use serde_json::{Value, json};

use crate::{
    command_line::run,
    fakes::{
        hook::{FakeHook, HookBehaviour, pass},
        model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Reply, Script},
        papita::FakePapita,
    },
    guard::start_guarded,
    support::{
        client::Client,
        events::Events,
        service::{Service, TestSetup, wait_until},
        stored::is_stored,
        user::User,
        visitor::Visitor,
    },
};

/// What the guard masks, and what it rejects.
const NUMBER: &str = "quokka-4711";
const FORBIDDEN: &str = "zanzibar";

const ON: (&str, &str) = ("GUARD_ANSWERS", "on");

/// Returns the verdict about an answer; questions pass.
fn strict(request: &Value) -> Value {
    let text = request["text"].as_str().expect("a text");
    if request["kind"] == "question" {
        pass()
    } else if text.contains(FORBIDDEN) {
        json!({ "verdict": "reject", "message": "More about that by telephone" })
    } else if text.contains(NUMBER) {
        json!({ "verdict": "mask", "text": text.replace(NUMBER, "[number]") })
    } else {
        pass()
    }
}

fn in_words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Makes the model answer with this text, word by word.
fn say(model: &FakeModel, text: &str) {
    model.set_behaviour(Behaviour::Stream(Script { pieces: in_words(text), ..Script::default() }));
}

async fn start_with(guard: &FakeHook, settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    start_guarded(guard, &[&[ON][..], settings].concat()).await
}

async fn start_strict(settings: &[(&str, &str)]) -> (FakeHook, FakeModel, TestSetup, Service) {
    let guard = FakeHook::answering(strict).await;
    let (model, setup, service) = start_with(&guard, settings).await;
    (guard, model, setup, service)
}

/// Returns the pieces that the guard was asked about.
fn judged(guard: &FakeHook) -> Vec<Value> {
    guard.requests().into_iter().filter(|request| request["kind"] == "answer").collect()
}

fn keyed(client: &Client, key: &str, stream: bool) -> reqwest::RequestBuilder {
    let body = json!({ "message": "hello", "stream": stream });
    client.json_request("/api/chat", &body).header("idempotency-key", key)
}

/// Reads a stream to its end, and returns its text, and the data of its last event.
async fn read(events: Events) -> (String, Value) {
    let (text, end) = events.text_and_end().await;
    (text, end.data)
}

#[tokio::test]
async fn a_whole_answer_is_judged_at_once() {
    let (guard, model, setup, service) = start_strict(&[]).await;
    let text = format!("Of course. It is {NUMBER}. Call me.");
    say(&model, &text);
    let answer = service.client.chat("hello").await.assert_ok();
    assert_eq!(answer["message"], "Of course. It is [number]. Call me.");
    let judged = judged(&guard);
    let expected = json!({
        "kind": "answer", "text": text, "before": "", "part": 1, "final": true, "request_id": answer["request_id"],
    });
    assert_eq!(judged, [expected]);
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    let fields = ["guard_question", "guard_answer", "guard_answer_parts", "answer_chars", "finish"];
    assert_eq!(json!(fields.map(|field| line[field].clone())), json!(["pass", "mask", 1, 35, "complete"]), "{line}");
    assert!(line["guard_answer_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    let shown = run(&setup, &["log", "show", answer["request_id"].as_str().expect("an id")]).await;
    assert!(shown.out.contains("guard     question pass in ") && shown.out.contains(", answer mask in "), "{shown:?}");
}

#[tokio::test]
async fn without_the_setting_answers_are_not_judged() {
    let guard = FakeHook::answering(strict).await;
    let (model, setup, service) = start_with(&guard, &[(ON.0, "off")]).await;
    say(&model, NUMBER);
    assert_eq!(service.client.chat("hello").await.assert_ok()["message"], NUMBER);
    assert!(setup.wait_for_log_lines("chat", 1).await[0].get("guard_answer").is_none());
    assert_eq!(judged(&guard), [Value::Null; 0]);
}

#[tokio::test]
async fn a_stream_is_judged_in_sentences() {
    let (guard, model, _setup, service) = start_strict(&[]).await;
    let gate = PieceGate::new();
    let pieces = ["Of ", "course. ", "It ", &format!("is {NUMBER}"), ". ", "Call ", "me."].map(str::to_owned);
    model.set_behaviour(Behaviour::Stream(Script {
        pieces: pieces.to_vec(),
        pace: Pace::Gated(gate.clone()),
        ..Script::default()
    }));
    let mut events = service.client.stream_chat("hello").await;
    // The first sentence is read as soon as the second has begun.
    gate.release(3);
    assert_eq!(events.next().await.expect("an event").name, "start");
    assert_eq!(events.next().await.expect("an event").data["content"], "Of course. ");
    gate.release(3);
    assert_eq!(events.next().await.expect("an event").data["content"], "It is [number]. ");
    gate.open();
    let (text, end) = read(events).await;
    assert_eq!((text.as_str(), &end["message"]), ("Call me.", &json!("Of course. It is [number]. Call me.")));
    let judged = judged(&guard);
    let seen = judged.iter().map(|piece| (piece["part"].clone(), piece["final"].clone(), piece["before"].clone()));
    let expected = [(1, false, ""), (2, false, "Of course. "), (3, true, "Of course. It is [number]. ")];
    assert_eq!(
        seen.collect::<Vec<_>>(),
        expected.map(|(part, last, before)| (json!(part), json!(last), json!(before)))
    );
}

#[tokio::test]
async fn the_model_is_read_on_while_a_piece_is_judged() {
    let (gate, guard) = (Gate::new(), FakeHook::start().await);
    guard.behave(HookBehaviour::held(&gate, "answer", strict));
    let (model, _setup, service) = start_with(&guard, &[]).await;
    say(&model, "One. Two. Three. Four. Five.");
    let events = service.client.stream_chat("hello").await;
    guard.wait_for_requests(2).await;
    wait_until("the end of the model's answer", async || model.sent()[0].finished.then_some(())).await;
    gate.open();
    assert_eq!(read(events).await.0, "One. Two. Three. Four. Five.");
    let judged = judged(&guard);
    let texts = judged.iter().map(|piece| piece["text"].as_str().expect("a text")).collect::<Vec<_>>();
    assert_eq!(texts, ["One. ", "Two. Three. Four. Five."]);
}

#[tokio::test]
async fn a_rejected_piece_ends_a_stream_after_what_was_said() {
    let (_guard, model, setup, service) = start_strict(&[("SESSION_LOG_CONTENT", "plain")]).await;
    let client = &service.client;
    say(&model, &format!("That is easy. You go to {FORBIDDEN} at once. And then home."));
    let said = "That is easy. ";
    let (text, end) = read(client.open_stream(keyed(client, "one", true)).await).await;
    assert_eq!(text, said);
    let fields = ["message", "finish_reason", "notice"].map(|field| end[field].clone());
    assert_eq!(json!(fields), json!([said, "content_filter", "More about that by telephone"]));
    assert!(end["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| tokens > 4), "all that was sent: {end}");
    let id = end["request_id"].as_str().expect("an id").to_owned();

    // Resumed, repeated as a stream, and repeated whole.
    assert_eq!(read(client.resume(&id, None).await).await, (said.to_owned(), end.clone()));
    assert_eq!(read(client.open_stream(keyed(client, "one", true)).await).await, (said.to_owned(), end.clone()));
    let whole = client.send(keyed(client, "one", false)).await.assert_ok();
    assert_eq!((&whole["message"], &whole["notice"]), (&json!(said), &end["notice"]));
    assert_eq!(model.call_count(), 1);

    // In stored chats.
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    let (text, _) = read(ada.stream(chat, "hello").await).await;
    assert_eq!(text, said);
    ada.wait_for_transcript(chat, &["hello", &format!("> {said}")]).await;
    let visitor = Visitor::first_visit(client).await;
    let (text, _) = read(visitor.stream("hello").await).await;
    assert_eq!(text, said);
    assert_eq!(visitor.history().await, ["hello".to_owned(), format!("> {said}")]);

    for line in setup.wait_for_log_lines("chat", 3).await {
        let fields = ["guard_answer", "finish", "code", "answer"].map(|field| line[field].clone());
        assert_eq!(json!(fields), json!(["reject", "content_filter", null, said]), "{line}");
    }
    service.stop().await;
    assert!(!is_stored(&setup, FORBIDDEN).await);
}

#[tokio::test]
async fn an_answer_that_is_rejected_at_once_is_an_error() {
    let (_guard, model, setup, service) = start_strict(&[("SESSION_LOG_CONTENT", "plain")]).await;
    let client = &service.client;
    say(&model, &format!("Fly to {FORBIDDEN}. It is nice."));
    let sentence = client.chat("hello").await.assert_error(422, "rejected_by_guard");
    assert_eq!(sentence, "More about that by telephone");
    let (text, end) = read(client.stream_chat("hello").await).await;
    assert_eq!((text.as_str(), &end["code"], &end["error"]), ("", &json!("rejected_by_guard"), &json!(sentence)));
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    ada.send(chat, "hello").await.assert_error(422, "rejected_by_guard");
    ada.wait_for_transcript(chat, &["hello failed"]).await;
    for line in setup.wait_for_log_lines("chat", 3).await {
        let fields = ["guard_answer", "finish", "code", "answer"].map(|field| line[field].clone());
        assert_eq!(json!(fields), json!(["reject", "content_filter", "rejected_by_guard", ""]), "{line}");
        assert!(line["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "the model was asked: {line}");
    }
    service.stop().await;
    assert!(!is_stored(&setup, FORBIDDEN).await);
}

#[tokio::test]
async fn an_answer_of_which_nothing_is_left_is_rejected() {
    let guard = FakeHook::answering(|request| match request["kind"].as_str() {
        Some("question") => pass(),
        _ => json!({ "verdict": "mask", "text": "" }),
    })
    .await;
    let (_model, _setup, service) = start_with(&guard, &[]).await;
    service.client.chat("hello").await.assert_error(422, "rejected_by_guard");
    let (_, end) = read(service.client.stream_chat("hello").await).await;
    assert_eq!(end["code"], "rejected_by_guard");
}

/// Lets questions pass, and fails for answers in this way.
fn failing(behaviour: &Value) -> HookBehaviour {
    let behaviour = behaviour.clone();
    HookBehaviour::answer(move |request| if request["kind"] == "question" { pass() } else { behaviour.clone() })
}

#[tokio::test]
async fn a_piece_that_cannot_be_judged_ends_the_answer() {
    let guard = FakeHook::start().await;
    let (model, setup, service) = start_with(&guard, &[("BREAKER_FAILURE_RATE", "0")]).await;
    say(&model, "One. Two. Three.");
    guard.behave(failing(&json!({ "verdict": "allow" })));
    service.client.chat("hello").await.assert_error(503, "guard_unavailable");
    // The first piece passes, and the others do not.
    guard.behave(HookBehaviour::answer(|request| match request["part"].as_u64() {
        None | Some(1) => pass(),
        _ => json!({ "verdict": 7 }),
    }));
    let (text, end) = read(service.client.stream_chat("hello").await).await;
    assert_eq!(end["code"], "guard_unavailable", "{end}");
    assert!("One. Two. Three.".starts_with(&text) && text.len() < 16, "{text}");
    for line in setup.wait_for_log_lines("chat", 2).await {
        let fields = ["guard_answer", "code", "status"].map(|field| line[field].clone());
        assert_eq!(json!(fields), json!(["failed", "guard_unavailable", 503]), "{line}");
        assert!(line["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{line}");
    }
}

#[tokio::test]
async fn with_fail_open_pieces_go_on_without_a_judgement() {
    let guard = FakeHook::start().await;
    let settings = [("GUARD_FAIL", "open"), ("BREAKER_FAILURE_RATE", "0")];
    let (model, setup, service) = start_with(&guard, &settings).await;
    say(&model, "One. Two. Three.");
    guard.behave(failing(&json!(["nonsense"])));
    assert_eq!(service.client.chat("hello").await.assert_ok()["message"], "One. Two. Three.");
    assert_eq!(read(service.client.stream_chat("hello").await).await.0, "One. Two. Three.");
    for line in setup.wait_for_log_lines("chat", 2).await {
        assert_eq!((&line["guard_answer"], &line["finish"]), (&json!("failed"), &json!("complete")), "{line}");
    }
}

#[tokio::test]
async fn a_guard_that_stalls_ends_an_answer_in_time() {
    let (gate, guard) = (Gate::new(), FakeHook::start().await);
    guard.behave(HookBehaviour::held(&gate, "answer", strict));
    let (model, _setup, service) = start_with(&guard, &[("GUARD_TIMEOUT", "100ms")]).await;
    say(&model, "One. Two. Three.");
    let (text, end) = read(service.client.stream_chat("hello").await).await;
    assert_eq!((text.as_str(), &end["code"]), ("", &json!("guard_unavailable")));
    service.client.chat("hello").await.assert_error(503, "guard_unavailable");
}

#[tokio::test]
async fn what_was_said_before_a_failure_of_the_model_is_judged() {
    let (_guard, model, _setup, service) = start_strict(&[]).await;
    let pieces = in_words(&format!("That is it. It is {NUMBER}"));
    model.set_behaviour(Behaviour::Stream(Script { pieces, ending: Ending::CutOff, ..Script::default() }));
    let (text, end) = read(service.client.stream_chat("hello").await).await;
    assert_eq!((text.as_str(), &end["code"]), ("That is it. It is [number]", &json!("model_connection_lost")));
    assert_eq!(model.call_count(), 1, "the model is not asked again after it has answered");
}

#[tokio::test]
async fn a_stopped_stream_keeps_what_was_judged() {
    let guard = FakeHook::answering(strict).await;
    let (model, setup, service) = start_with(&guard, &[("SESSION_LOG_CONTENT", "plain")]).await;
    let gate = PieceGate::new();
    let pieces = vec!["Yes. ".to_owned(), format!("It is {NUMBER}"), " and".to_owned()];
    model.set_behaviour(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let client = &service.client;
    let mut events = client.stream_chat("hello").await;
    gate.release(2);
    assert_eq!(events.next().await.expect("an event").name, "start");
    let id = events.request_id();
    assert_eq!(events.next().await.expect("an event").data["content"], "Yes. ");
    client.post(&format!("/api/chat/{id}/stop"), &json!({})).await.assert_ok();
    let (text, end) = read(events).await;
    assert_eq!((text.as_str(), &end["finish_reason"], &end["message"]), ("", &json!("stopped"), &json!("Yes. ")));
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["answer"], &line["guard_answer"]), (&json!("Yes. "), &json!("pass")), "{line}");
    service.stop().await;
    assert!(!is_stored(&setup, NUMBER).await);
}

#[tokio::test]
async fn papitas_records_count_what_the_model_has_sent() {
    let papita = FakePapita::start().await;
    papita.serve_key("sk-papita");
    let (guard, model) = (FakeHook::answering(strict).await, FakeModel::start().await);
    let setup = TestSetup::for_papita(&model, &papita).with("GUARD_URL", &guard.url()).with(ON.0, ON.1);
    let service = setup.start().await;
    say(&model, &format!("Fine. Go to {FORBIDDEN}. And more."));
    read(service.client.stream_chat("hello").await).await;
    papita.wait_for_usage(1).await;
    let record = papita.usage().remove(0);
    assert!(record["outputTokens"].as_u64().is_some_and(|tokens| tokens >= 4), "{record}");
    assert!(!record.to_string().contains(FORBIDDEN));
}

#[tokio::test]
async fn replies_of_the_built_in_responder_are_not_judged() {
    let guard = FakeHook::answering(strict).await;
    let setup = TestSetup::new().with("AI_SERVICE", "basic").with("GUARD_URL", &guard.url()).with(ON.0, ON.1);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(guard.requests().len(), 1, "the question is judged");
}

#[tokio::test]
async fn a_whole_upstream_answer_is_streamed_in_pieces() {
    let (guard, model, _setup, service) = start_strict(&[]).await;
    let text = format!("One. It is {NUMBER}. Three");
    model.set_behaviour(Behaviour::IgnoreStream(Reply { text, ..Reply::default() }));
    let (text, end) = read(service.client.stream_chat("hello").await).await;
    assert_eq!((text.as_str(), &end["finish_reason"]), ("One. It is [number]. Three", &json!("complete")));
    assert_eq!(judged(&guard).len(), 2);
}

#[tokio::test]
async fn a_text_is_what_the_guard_has_released_piece_by_piece() {
    // Each piece is replaced by another text, so that a text that was not judged would be seen.
    let guard = FakeHook::answering(|request| match request["kind"].as_str() {
        Some("question") => pass(),
        _ => json!({ "verdict": "mask", "text": request["text"].as_str().expect("a text").to_uppercase() }),
    })
    .await;
    let (model, _setup, service) = start_with(&guard, &[]).await;
    let text = "one two. three! four? five\n\nsix … seven. \u{1F600} eight é. nine".repeat(40);
    for size in [1, 2, 3, 7, 20, 1000] {
        let chars = text.chars().collect::<Vec<_>>();
        let pieces = chars.chunks(size).map(|piece| piece.iter().collect()).collect();
        model.set_behaviour(Behaviour::Stream(Script { pieces, ..Script::default() }));
        let before = judged(&guard).len();
        let (read, end) = read(service.client.stream_chat("hello").await).await;
        assert_eq!((&read, end["message"].as_str()), (&text.to_uppercase(), Some(read.as_str())), "{size}");
        let judged = judged(&guard).split_off(before);
        let sent = judged.iter().map(|piece| piece["text"].as_str().expect("a text")).collect::<String>();
        assert_eq!(sent, text, "{size}");
        let finals = judged.iter().map(|piece| piece["final"] == true).collect::<Vec<_>>();
        assert_eq!(finals.iter().position(|last| *last), Some(finals.len() - 1), "{size}");
    }
}
