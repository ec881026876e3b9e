//! Messages of failed turns: stored with an answer, or as failed and ready for a retry.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    breaker::refusal,
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Script},
    support::{
        client::HttpResponse,
        service::{Service, TestSetup, wait_until},
        user::{User, number, prompt_lines, start_with_ada},
    },
};

const ONE_TRY: (&str, &str) = ("MODEL_RETRIES", "0");
const NO_GRACE: (&str, &str) = ("RESUME_GRACE", "0");

fn script(words: &[&str], pace: Pace, ending: Ending) -> Behaviour {
    let pieces = words.iter().map(ToString::to_string).collect();
    Behaviour::Stream(Script { pieces, pace, ending, ..Script::default() })
}

/// Returns the ID of the message in an error.
#[track_caller]
fn failed_message(error: &Value) -> i64 {
    number(&error["details"]["user_message_id"])
}

/// Starts a service with an echoing model, and a chat of ada.
async fn with_chat(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service, User, i64) {
    let (model, setup, service, ada) = start_with_ada(settings).await;
    model.set_behaviour(Behaviour::Echo);
    let chat = ada.create_chat().await;
    (model, setup, service, ada, chat)
}

/// Sends a message that the model rejects. Returns the ID of the message.
async fn fail(ada: &User, model: &FakeModel, chat: i64, text: &str) -> i64 {
    model.behave_once(refusal(400));
    let answer = ada.send(chat, text).await;
    answer.assert_error(400, "request_refused");
    failed_message(&answer.json())
}

#[tokio::test]
async fn a_failed_message_is_stored_and_answered_by_a_retry() {
    let (model, _setup, _service, ada, chat) = with_chat(&[ONE_TRY]).await;
    ada.ask(chat, "One").await;
    let failed = fail(&ada, &model, chat, "Two").await;
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Two failed"]);
    assert_eq!(number(&ada.messages(chat).await[2]["id"]), failed);
    assert_eq!(number(&ada.list_chats().await[0]["message_count"]), 3);

    ada.ask(chat, "Three").await;
    let also_failed = fail(&ada, &model, chat, "Four").await;
    assert_eq!(prompt_lines(&model, 3), ["u: One", "a: One", "u: Three", "a: Three", "u: Four"]);

    // A retry can also fail.
    model.behave_once(refusal(500));
    let answer = ada.retry(failed).await;
    answer.assert_error(502, "model_failed");
    assert_eq!(failed_message(&answer.json()), failed);
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Two failed", "Three", "> Three", "Four failed"]);

    let before = ada.messages(chat).await[2].clone();
    let retried = ada.retry(failed).await.assert_ok();
    let transcript = ada.transcript(chat).await;
    assert_eq!(transcript, ["One", "> One", "Two", "> Two", "Three", "> Three", "Four failed"]);
    assert_eq!(prompt_lines(&model, 5), ["u: One", "a: One", "u: Two"], "later messages are in the history");
    let messages = ada.messages(chat).await;
    assert_eq!((&retried["user_message"], &retried["ai_response"]), (&messages[2], &messages[3]));
    assert_eq!((&before["id"], &before["created_at"]), (&messages[2]["id"], &messages[2]["created_at"]));
    // The message has the same position in a paged list.
    let mut pages = ada.pages(&format!("/api/messages/{chat}/messages?limit=3")).await;
    pages.reverse();
    assert_eq!(pages.concat(), messages);

    // A retry can be streamed.
    let body = json!({ "stream": true });
    let request = ada.json_request(Method::POST, &format!("/api/messages/{also_failed}/retry"), &body);
    let (text, done) = ada.client.open_stream(request).await.text_and_end().await;
    assert_eq!((text.as_str(), number(&done.data["user_message_id"])), ("Four", also_failed));
    assert_eq!(ada.transcript(chat).await[6..], ["Four", "> Four"]);
    ada.ask(chat, "Five").await;
    let prompt = prompt_lines(&model, 7);
    assert_eq!((prompt.len(), prompt[2].as_str(), prompt[6].as_str()), (9, "u: Two", "u: Four"));
}

#[tokio::test]
async fn a_broken_stream_leaves_a_failed_message() {
    let (model, _setup, _service, ada, chat) = with_chat(&[ONE_TRY]).await;
    model.behave_once(script(&["Half ", "of "], Pace::Immediate, Ending::CutOff));
    let (text, end) = ada.stream(chat, "Tell me").await.text_and_end().await;
    assert_eq!((text.as_str(), end.name.as_str()), ("Half of ", "error"));
    assert_eq!(end.data["code"], "model_connection_lost");
    let failed = failed_message(&end.data);
    assert_eq!(ada.transcript(chat).await, ["Tell me failed"]);

    // A failure before the first text sets the status.
    model.behave_once(refusal(500));
    let answer = ada.stream(chat, "Or not").await.into_response().await;
    answer.assert_error(502, "model_failed");
    assert_eq!(failed_message(&answer.json()), number(&ada.messages(chat).await[1]["id"]));
    ada.retry(failed).await.assert_ok();
    assert_eq!(ada.transcript(chat).await, ["Tell me", "> Tell me", "Or not failed"]);
}

#[tokio::test]
async fn only_a_failed_message_can_be_retried() {
    let (model, _setup, service, ada, chat) = with_chat(&[ONE_TRY]).await;
    let grace = User::register(&service.client, "grace").await;
    let sent = ada.ask(chat, "One").await;
    let failed = fail(&ada, &model, chat, "Two").await;
    for message in [&sent["user_message"]["id"], &sent["ai_response"]["id"]] {
        ada.retry(number(message)).await.assert_error(409, "not_failed");
        let request = ada.request(Method::POST, &format!("/api/messages/{message}/retry"));
        ada.client.send(request.header("idempotency-key", "a")).await.assert_error(409, "chat_changed");
    }
    ada.retry(failed + 100).await.assert_error(404, "message_not_found");
    grace.retry(failed).await.assert_error(404, "message_not_found");
    let calls = model.call_count();

    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (answer, ()) = tokio::join!(ada.send(chat, "Three"), async {
        model.wait_for_calls(calls + 1).await;
        let pending = &ada.messages(chat).await[3];
        assert_eq!(pending["status"], "pending");
        ada.retry(number(&pending["id"])).await.assert_error(409, "not_failed");
        gate.open();
    });
    answer.assert_ok();
    ada.delete(&format!("/api/messages/{failed}")).await.assert_ok();
    ada.retry(failed).await.assert_error(404, "message_not_found");
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Three", "> Three"]);
    assert_eq!(model.call_count(), calls + 1);
}

#[tokio::test]
async fn a_message_is_retried_with_any_body_or_none() {
    let (model, _setup, _service, ada, chat) = with_chat(&[ONE_TRY]).await;
    for (content_type, body) in [("", ""), ("application/json", ""), ("application/json", "{}"), ("", "{}")] {
        let failed = fail(&ada, &model, chat, "Again").await;
        let mut request = ada.request(Method::POST, &format!("/api/messages/{failed}/retry")).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        ada.client.send(request).await.assert_ok();
    }
    let failed = fail(&ada, &model, chat, "Again").await;
    let request =
        ada.json_request(Method::POST, &format!("/api/messages/{failed}/retry"), &json!({ "model": "gpt-9" }));
    ada.client.send(request).await.assert_error(400, "model_not_allowed");
    assert_eq!(ada.transcript(chat).await[8..], ["Again failed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_concurrent_retries_one_calls_the_model() {
    let (model, _setup, _service, ada, chat) = with_chat(&[ONE_TRY]).await;
    for _ in 0..5 {
        let failed = fail(&ada, &model, chat, "Again").await;
        let calls = model.call_count();
        let mut statuses = join_all((0..4).map(|_| ada.retry(failed))).await;
        statuses.sort_by_key(|answer| answer.status);
        statuses[0].assert_ok();
        for answer in &statuses[1..] {
            assert_eq!(answer.status, 409, "{}", answer.text);
        }
        assert_eq!(model.call_count(), calls + 1);
    }
    assert_eq!(ada.transcript(chat).await, ["Again", "> Again"].repeat(5));
}

#[tokio::test]
async fn a_retry_with_an_idempotency_key_runs_once() {
    let (model, setup, service, ada, chat) = with_chat(&[ONE_TRY, ("RESUME_WINDOW", "0")]).await;
    let failed = fail(&ada, &model, chat, "Again").await;
    let retry = async |ada: &User| -> HttpResponse {
        let request = ada.request(Method::POST, &format!("/api/messages/{failed}/retry"));
        ada.client.send(request.header("idempotency-key", "a")).await
    };
    let first = retry(&ada).await.assert_ok();
    assert_eq!(retry(&ada).await.assert_ok(), first);
    service.stop().await;
    let service = setup.start().await;
    let ada = ada.with_client(&service.client);
    assert_eq!(retry(&ada).await.assert_ok(), first);
    assert_eq!((model.call_count(), ada.transcript(chat).await), (2, vec!["Again".to_owned(), "> Again".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_message_is_retried_by_its_idempotency_key() {
    for window in ["2m", "0"] {
        let (model, _setup, _service, ada, chat) = with_chat(&[ONE_TRY, ("RESUME_WINDOW", window)]).await;
        model.set_behaviour(refusal(400));
        let at_once = join_all((0..4).map(|_| ada.send_once(chat, "Once", "a"))).await;
        let later = ada.send_once(chat, "Once", "a").await;
        assert_eq!(ada.transcript(chat).await, ["Once failed"]);
        let message = number(&ada.messages(chat).await[0]["id"]);
        for refused in at_once.iter().chain([&later]) {
            refused.assert_error(400, "request_refused");
            assert_eq!(failed_message(&refused.json()), message);
        }
        ada.send_once(chat, "Another", "b").await.assert_error(400, "request_refused");
        model.set_behaviour(Behaviour::Echo);
        let calls = model.call_count();
        let answered = ada.send_once(chat, "Once", "a").await.assert_ok();
        assert_eq!(number(&answered["user_message"]["id"]), message);
        // The other turn had no cost, so that its key can be used for another message.
        let other = ada.send_once(chat, "Otherwise", "b").await.assert_ok();
        for _ in 0..2 {
            assert_eq!(ada.send_once(chat, "Once", "a").await.assert_ok(), answered);
            assert_eq!(ada.send_once(chat, "Otherwise", "b").await.assert_ok(), other);
        }
        ada.send_once(chat, "Another", "b").await.assert_error(422, "idempotency_key_reused");
        assert_eq!(ada.transcript(chat).await, ["Once", "> Once", "Another failed", "Otherwise", "> Otherwise"]);
        assert_eq!(model.call_count(), calls + 2);
    }
}

#[tokio::test]
async fn a_disconnected_client_leaves_a_failed_message() {
    let (model, setup, _service, ada, chat) = with_chat(&[NO_GRACE]).await;
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = ada.send(chat, "Whole") => panic!("a silent model answered {answer:?}"),
        () = model.wait_for_calls(1) => {}
    }
    ada.wait_for_transcript(chat, &["Whole failed"]).await;
    let piece_gate = PieceGate::new();
    model.behave_once(script(&["One ", "two."], Pace::Gated(piece_gate.clone()), Ending::Done));
    piece_gate.release(1);
    let mut events = ada.stream(chat, "Streamed").await;
    assert_eq!(events.next().await.unwrap().name, "start");
    assert_eq!(events.next().await.unwrap().data["content"], "One ");
    drop(events);
    ada.wait_for_transcript(chat, &["Whole failed", "Streamed failed"]).await;
    for (index, line) in setup.wait_for_log_lines("chat", 2).await.iter().enumerate() {
        assert_eq!((&line["finish"], &line["username"]), (&"client_gone".into(), &"ada".into()), "{index}: {line}");
    }
    let failed = number(&ada.messages(chat).await[0]["id"]);
    ada.retry(failed).await.assert_ok();
    assert_eq!(ada.transcript(chat).await, ["Whole", "> Whole", "Streamed failed"]);
}

#[tokio::test]
async fn a_stopped_stream_stores_its_text() {
    let (model, _setup, _service, ada, chat) = with_chat(&[]).await;
    for (words, expected) in [(0, "> "), (2, "> One two ")] {
        let piece_gate = PieceGate::new();
        model.behave_once(script(&["One ", "two ", "three."], Pace::Gated(piece_gate.clone()), Ending::Done));
        piece_gate.release(words);
        let mut events = ada.stream(chat, "Count").await;
        for _ in 0..=words {
            events.next().await.expect("one more event");
        }
        ada.call(Method::POST, &format!("/api/chat/{}/stop", events.request_id())).await.assert_ok();
        let (_, done) = events.text_and_end().await;
        assert_eq!((done.name.as_str(), &done.data["finish_reason"]), ("done", &"stopped".into()));
        let messages = ada.messages(chat).await;
        let [.., question, answer] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((&done.data["user_message_id"], &done.data["ai_response_id"]), (&question["id"], &answer["id"]));
        assert_eq!(ada.transcript(chat).await.last().unwrap(), expected);
    }
    ada.ask(chat, "Go on").await;
    // An empty message is not sent to a model, and its neighbors of one role are merged.
    assert_eq!(prompt_lines(&model, 2), ["u: Count\n\nCount", "a: One two ", "u: Go on"]);
}

/// Runs a change of the chat while the model is answering its first message.
async fn change_during_turn(
    ada: &User,
    model: &FakeModel,
    chat: i64,
    stream: bool,
    meanwhile: impl AsyncFnOnce(Value),
) -> HttpResponse {
    let calls = model.call_count();
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let asking = async {
        let request = ada.send_request(chat, &json!({ "text": "Thinking", "stream": stream }));
        ada.client.open_stream(request).await.into_response().await
    };
    let (answer, ()) = tokio::join!(asking, async {
        model.wait_for_calls(calls + 1).await;
        let messages = ada.messages(chat).await;
        meanwhile(messages.last().expect("a pending message").clone()).await;
        gate.open();
    });
    answer
}

#[track_caller]
fn assert_changed(answer: &HttpResponse, stream: bool) {
    if stream && answer.status == 200 {
        assert!(answer.text.contains("event: error") && answer.text.contains("\"chat_changed\""), "{}", answer.text);
    } else {
        answer.assert_error(409, "chat_changed");
    }
}

#[tokio::test]
async fn a_message_deleted_during_its_turn_is_not_stored() {
    let (model, _setup, _service, ada, chat) = with_chat(&[]).await;
    for stream in [false, true] {
        let answer = change_during_turn(&ada, &model, chat, stream, async |_| ada.clear(chat).await).await;
        assert_changed(&answer, stream);
        assert_eq!((ada.transcript(chat).await.len(), ada.search("thinking").await.len()), (0, 0));

        ada.ask(chat, "Before").await;
        let delete = async |message: Value| {
            assert_eq!(message["status"], "pending");
            ada.delete(&format!("/api/messages/{}", message["id"])).await.assert_ok();
        };
        let answer = change_during_turn(&ada, &model, chat, stream, delete).await;
        assert_changed(&answer, stream);
        assert_eq!(ada.transcript(chat).await, ["Before", "> Before"]);
        ada.clear(chat).await;

        let doomed = ada.create_chat().await;
        let answer = change_during_turn(&ada, &model, doomed, stream, async |_| ada.delete_chat(doomed).await).await;
        assert_changed(&answer, stream);
        ada.get(&format!("/api/chat/{doomed}")).await.assert_error(404, "chat_not_found");
    }
    assert_eq!((ada.search("thinking").await.len(), ada.list_chats().await.len()), (0, 1));
    ada.ask(chat, "After").await;
    assert_eq!(ada.transcript(chat).await, ["After", "> After"]);
}

#[tokio::test]
async fn a_chat_cleared_during_queued_turns_continues_with_them() {
    let (model, _setup, _service, ada, chat) = with_chat(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (first, second, ()) = tokio::join!(
        ada.send(chat, "First"),
        async {
            model.wait_for_calls(1).await;
            ada.send(chat, "Second").await
        },
        async {
            model.wait_for_calls(1).await;
            ada.clear(chat).await;
            gate.open();
        }
    );
    first.assert_error(409, "chat_changed");
    second.assert_ok();
    assert_eq!(ada.transcript(chat).await, ["Second", "> Second"]);
    assert_eq!(prompt_lines(&model, 1), ["u: Second"]);
}

#[tokio::test]
async fn an_account_deleted_during_a_turn_leaves_no_data() {
    let (model, setup, service, ada, chat) = with_chat(&[]).await;
    let remove = async |_| {
        ada.delete("/api/auth/me").await.assert_ok();
    };
    let answer = change_during_turn(&ada, &model, chat, false, remove).await;
    answer.assert_error(409, "chat_changed");
    ada.get("/api/chat/histories").await.assert_error(401, "token_ended");
    let another = User::register(&service.client, "ada").await;
    assert_eq!((another.list_chats().await.len(), another.search("thinking").await.len()), (0, 0));
    another.get(&format!("/api/chat/{chat}")).await.assert_error(404, "chat_not_found");
    // The turn had a cost and is counted.
    let lines = setup.log_lines("chat");
    assert_eq!((lines.len(), &lines[0]["username"]), (1, &"ada".into()));
}

#[tokio::test]
async fn a_message_interrupted_by_sigkill_can_be_retried() {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let chat = ada.create_chat().await;
    ada.ask(chat, "One").await;
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = ada.client.try_send(ada.send_request(chat, &json!({ "text": "Two" }))) => panic!("{answer:?}"),
        () = model.wait_for_calls(2) => {}
    }
    process.kill().await;
    let process = setup.start_process().await;
    let ada = ada.with_client(&process.client);
    let failed = wait_until("a failed message", async || {
        let messages = ada.messages(chat).await;
        (messages[2]["status"] == "failed").then(|| number(&messages[2]["id"]))
    })
    .await;
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Two failed"]);
    let retried = ada.retry(failed).await.assert_ok();
    assert_eq!(number(&retried["user_message"]["id"]), failed);
    ada.ask(chat, "Three").await;
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Two", "> Two", "Three", "> Three"]);
}

#[tokio::test]
async fn a_message_interrupted_by_a_shutdown_is_failed() {
    let (model, setup, service, ada, chat) = with_chat(&[("DRAIN_TIMEOUT", "100ms")]).await;
    model.behave_once(Behaviour::Silent);
    let (answer, ()) = tokio::join!(ada.send(chat, "Two"), async {
        model.wait_for_calls(1).await;
        service.stop().await;
    });
    answer.assert_error(503, "stopping");
    let failed = failed_message(&answer.json());
    let service = setup.start().await;
    let ada = ada.with_client(&service.client);
    assert_eq!(ada.transcript(chat).await, ["Two failed"]);
    ada.retry(failed).await.assert_ok();
}

/// Sends messages to a chat until the program is killed. Returns the IDs of the answered pairs.
async fn send_until_killed(ada: &User, chat: i64, first_answer: &Notify) -> Vec<[i64; 2]> {
    let mut answered = Vec::new();
    for turn in 0.. {
        let request = ada.send_request(chat, &json!({ "text": format!("Turn {turn}") }));
        let Ok(answer) = ada.client.try_send(request).await else { break };
        let body = answer.assert_ok();
        answered.push([number(&body["user_message"]["id"]), number(&body["ai_response"]["id"])]);
        first_answer.notify_one();
    }
    answered
}

/// Returns the pairs of question and answer in a chat. Fails if a question has neither an answer nor failed.
#[track_caller]
fn pairs(messages: &[Value]) -> Vec<[i64; 2]> {
    let (mut pairs, mut rest) = (Vec::new(), messages);
    while let Some((question, behind)) = rest.split_first() {
        assert_eq!(question["sender"], "user", "an answer without a question: {question}");
        rest = behind;
        if question["status"] == "failed" {
            continue;
        }
        let (answer, behind) = rest.split_first().unwrap_or_else(|| panic!("{question} has no answer"));
        assert_eq!(
            (&question["status"], &answer["sender"]),
            (&"complete".into(), &"bot".into()),
            "{question} {answer}"
        );
        assert_eq!(question["text"], answer["text"]);
        pairs.push([number(&question["id"]), number(&answer["id"])]);
        rest = behind;
    }
    pairs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sigkill_every_question_is_answered_or_failed() {
    const CHATS: usize = 12;
    let model = FakeModel::start().await.without_recording();
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let mut ada = User::register(&process.client, "ada").await;
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        chats.push((ada.create_chat().await, Vec::new()));
    }
    for _ in 0..2 {
        let first_answer = Notify::new();
        let talking = join_all(chats.iter().map(|(chat, _)| send_until_killed(&ada, *chat, &first_answer)));
        let killing = async {
            for _ in 0..100 {
                first_answer.notified().await;
            }
            process.kill().await;
        };
        let (answered, ()) = tokio::join!(talking, killing);
        for ((_, known), answered) in chats.iter_mut().zip(answered) {
            known.extend(answered);
        }
        process = setup.start_process().await;
        ada = ada.with_client(&process.client);
        for (chat, known) in &chats {
            let messages = wait_until("a chat without pending messages", async || {
                let messages = ada.messages(*chat).await;
                messages.iter().all(|message| message["status"] != "pending").then_some(messages)
            })
            .await;
            ada.transcript(*chat).await;
            let pairs = pairs(&messages);
            assert!(known.iter().all(|pair| pairs.contains(pair)), "{known:?} are not all in {messages:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_is_stored_later() {
    let (model, setup, _service, ada, chat) = with_chat(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (answer, ()) = tokio::join!(ada.send(chat, "Keep it"), async {
        model.wait_for_calls(1).await;
        setup.change_database("ALTER TABLE messages RENAME TO hidden").await;
        gate.open();
    });
    answer.assert_error(503, "storage_unavailable");
    failed_message(&answer.json());
    setup.change_database("ALTER TABLE hidden RENAME TO messages").await;
    ada.wait_for_transcript(chat, &["Keep it", "> Keep it"]).await;
    assert_eq!(ada.search("keep").await.len(), 2);
    ada.ask(chat, "And on").await;
    assert_eq!(prompt_lines(&model, 1), ["u: Keep it", "a: Keep it", "u: And on"]);
}

#[tokio::test]
async fn a_returning_client_with_its_key_gets_its_message_answered() {
    let (model, _setup, _service, ada, chat) = with_chat(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    for _ in 0..3 {
        tokio::select! {
            answer = ada.send_once(chat, "Once", "a") => panic!("{answer:?} arrived while the gate was closed"),
            () = async {
                model.wait_for_calls(1).await;
                assert_eq!(ada.transcript(chat).await, ["Once pending"]);
            } => {}
        }
    }
    gate.open();
    ada.send_once(chat, "Once", "a").await.assert_ok();
    assert_eq!((model.call_count(), ada.transcript(chat).await.len()), (1, 2));
}
