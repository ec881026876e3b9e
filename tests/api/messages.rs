//! Messages of stored chats: history, streams, repeated requests, and the order of turns.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, Gate, Pace, PieceGate, Reply, Script},
    support::{
        client::Client,
        events::Events,
        service::TestSetup,
        user::{User, list, next_page, number, prompt_lines, prompt_messages, start_with_ada},
    },
};

fn refusal(body: &str) -> Behaviour {
    Behaviour::Respond { status: 400, headers: vec![], body: body.to_owned() }
}

fn gated(words: &[&str], piece_gate: &PieceGate) -> Behaviour {
    let pieces = words.iter().map(ToString::to_string).collect();
    Behaviour::Stream(Script { pieces, pace: Pace::Gated(piece_gate.clone()), ..Script::default() })
}

fn answers(text: &str) -> Behaviour {
    Behaviour::Answer(Reply { text: text.to_owned(), ..Reply::default() })
}

#[tokio::test]
async fn invalid_messages_are_rejected() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for (body, code) in [
        (json!({}), "text_required"),
        (json!({ "text": " \n" }), "text_required"),
        (json!({ "text": null, "image_url": " " }), "text_required"),
        (json!({ "text": 7 }), "invalid_request"),
        (json!({ "text": "hi", "image_url": 7 }), "invalid_request"),
        (json!({ "text": "hi", "model": "gpt-9" }), "model_not_allowed"),
        (json!(["hi"]), "invalid_request"),
    ] {
        ada.client.send(ada.send_request(chat, &body)).await.assert_error(400, code);
    }
    let path = format!("/api/messages/{chat}/send");
    for body in ["", "{", "hi"] {
        let request = ada.request(Method::POST, &path).header("content-type", "application/json").body(body);
        ada.client.send(request).await.assert_error(400, "invalid_json");
    }
    let request = ada.request(Method::POST, &path).header("content-type", "text/plain").body(r#"{"text":"hi"}"#);
    ada.client.send(request).await.assert_error(415, "unsupported_media_type");
    for (header, code) in [("idempotency-key", "invalid_idempotency_key"), ("x-session-id", "invalid_session_id")] {
        let request = ada.send_request(chat, &json!({ "text": "hi" })).header(header, "a b");
        ada.client.send(request).await.assert_error(400, code);
    }
    for path in ["/api/messages/x/send", "/api/messages/99999999999999999999/send"] {
        ada.post(path, &json!({ "text": "hi" })).await.assert_error(404, "not_found");
    }
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (0, 0));
}

#[tokio::test]
async fn a_text_of_more_than_one_mebibyte_is_refused() {
    let (model, _setup, _service, ada) = start_with_ada(&[("MODEL_WINDOWS", "gpt-4o-mini=2000000")]).await;
    let chat = ada.create_chat().await;
    for body in [
        json!({ "text": "x".repeat((1 << 20) + 1) }),
        json!({ "text": "x".repeat(1 << 19), "voice_text": "x".repeat(1 << 19) }),
    ] {
        let answer = ada.client.send(ada.send_request(chat, &body)).await;
        answer.assert_error(413, "body_too_large");
        assert_eq!(answer.json()["details"], json!({ "field": "text", "limit_bytes": 1 << 20 }));
    }
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (0, 0));
    ada.client.send(ada.send_request(chat, &json!({ "text": "x".repeat(1 << 20) }))).await.assert_ok();
}

#[tokio::test]
async fn the_model_gets_the_history_in_order() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    let mut expected = Vec::new();
    for turn in 0..5 {
        model.behave_once(answers(&format!("Answer {turn}")));
        expected.push(format!("u: Question {turn}"));
        ada.ask(chat, &format!("Question {turn}")).await;
        assert_eq!(prompt_lines(&model, turn), expected);
        expected.push(format!("a: Answer {turn}"));
    }
    // Another chat does not contain this history, and a failed question is not part of it.
    let other = ada.create_chat().await;
    ada.ask(other, "Who are you?").await;
    assert_eq!(prompt_lines(&model, 5), ["u: Who are you?"]);
    model.behave_once(refusal("{}"));
    ada.send(chat, "Fail").await.assert_error(400, "request_refused");
    ada.ask(chat, "And now?").await;
    expected.push("u: And now?".to_owned());
    assert_eq!(prompt_lines(&model, 7), expected);
}

#[tokio::test]
async fn a_long_history_is_trimmed_by_whole_turns() {
    let settings = [("MODEL_WINDOWS", "gpt-4o-mini=400,wide=128000"), ("ALLOWED_MODELS", "wide")];
    let (model, _setup, _service, ada) = start_with_ada(&settings).await;
    let chat = ada.create_chat().await;
    let mut whole = Vec::new();
    let mut kept = Vec::new();
    for turn in 0..25 {
        let (question, answer) = (format!("Question {turn} ").repeat(1 + turn % 4), "word ".repeat(1 + turn * 7 % 20));
        model.behave_once(answers(&answer));
        ada.ask(chat, &question).await;
        whole.push(format!("u: {question}"));
        let prompt = prompt_lines(&model, turn);
        assert!(whole.ends_with(&prompt), "{prompt:?} are not the latest of {whole:?}");
        assert!(prompt[0].starts_with("u: "), "{prompt:?} begins amid a turn");
        kept.push(prompt.len());
        whole.push(format!("a: {answer}"));
    }
    assert!(kept[24] < 49 && kept.iter().skip(8).all(|kept| *kept >= 3), "{kept:?}");
    // A model with a larger context gets more of the history.
    let request = ada.send_request(chat, &json!({ "text": "And now?", "model": "wide" }));
    ada.client.send(request).await.assert_ok();
    assert_eq!(prompt_lines(&model, 25).len(), 51);
    // A question that exceeds the context is sent without history.
    let long = "word ".repeat(1000);
    ada.ask(chat, &long).await;
    assert_eq!(prompt_lines(&model, 26), [format!("u: {long}")]);
}

#[tokio::test]
async fn half_of_the_history_is_dropped_if_the_context_is_smaller() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for turn in 0..5 {
        ada.ask(chat, &format!("Question {turn}")).await;
    }
    let too_long = refusal(r#"{"error":{"code":"context_length_exceeded"}}"#);
    for _ in 0..2 {
        model.behave_once(too_long.clone());
    }
    let sent = ada.ask(chat, "And now?").await;
    assert_eq!(sent["user_message"]["status"], "complete");
    let lengths = (5..8).map(|call| prompt_messages(&model, call).len()).collect::<Vec<_>>();
    assert_eq!(lengths, [11, 5, 3]);
    assert_eq!(prompt_lines(&model, 7)[0], "u: Question 4");
    assert_eq!(ada.messages(chat).await.len(), 12, "the chat lost messages");

    // If the question itself is too long, the error says so.
    model.set_behaviour(too_long);
    let answer = ada.send(chat, "Far too long").await;
    answer.assert_error(400, "prompt_too_long");
    assert!(answer.json()["details"]["user_message_id"].is_number());
    let last = model.call_count() - 1;
    assert_eq!(prompt_lines(&model, last), ["u: Far too long"]);
}

#[tokio::test]
async fn messages_are_paged_from_the_end() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let chat = ada.create_chat().await;
    let path = format!("/api/messages/{chat}/messages");
    assert_eq!(ada.pages(&format!("{path}?limit=3")).await, [Vec::<Value>::new()]);
    for turn in 0..6 {
        ada.ask(chat, &format!("Question {turn}")).await;
    }
    let whole = ada.messages(chat).await;
    for size in (1..14).chain([1000]) {
        let mut pages = ada.pages(&format!("{path}?limit={size}")).await;
        assert_eq!(pages.len(), 12_usize.div_ceil(size));
        pages.reverse();
        assert_eq!(pages.concat(), whole, "pages of {size}");
    }
    assert_eq!(next_page(&ada.get(&path).await), None);

    // Messages that are added or deleted between the pages do not change the other pages.
    let first = ada.get(&format!("{path}?limit=4")).await;
    assert_eq!(list(&first.assert_ok()), whole[8..]);
    ada.ask(chat, "Another").await;
    for message in [&whole[8], &whole[2]] {
        ada.delete(&format!("/api/messages/{}", message["id"])).await.assert_ok();
    }
    let rest = ada.pages(&next_page(&first).expect("more bytes")).await;
    let rest = rest.into_iter().rev().collect::<Vec<_>>().concat();
    assert_eq!(rest, [&whole[..2], &whole[3..8]].concat());
}

#[tokio::test]
async fn a_stored_chat_streams_the_same_events_as_other_endpoints() {
    let (model, setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    model.behave_once(Behaviour::Stream(Script::default()));
    let body = json!({ "text": "Tell me", "stream": true });
    let events = ada.client.open_stream(ada.send_request(chat, &body).header("x-session-id", "s-1")).await;
    let id = events.request_id();
    let events = events.remaining().await;
    let start = json!({ "session_id": "s-1", "request_id": id, "model": "gpt-4o-mini" });
    assert_eq!((events[0].name.as_str(), &events[0].data), ("start", &start));
    let (done, deltas) = events[1..].split_last().expect("a last event");
    assert!(deltas.iter().all(|event| event.name == "delta"));
    assert_eq!((done.name.as_str(), &done.data["message"]), ("done", &Script::default().text().into()));
    assert_eq!((&done.data["request_id"], &done.data["finish_reason"]), (&id.into(), &"complete".into()));
    let messages = ada.messages(chat).await;
    let ids = messages.iter().map(|message| &message["id"]).collect::<Vec<_>>();
    assert_eq!(ids, [&done.data["user_message_id"], &done.data["ai_response_id"]]);
    assert_eq!(ada.transcript(chat).await, ["Tell me".to_owned(), format!("> {}", Script::default().text())]);

    // The `Accept` header can also request a stream.
    let request = ada.send_request(chat, &json!({ "text": "Again" })).header("accept", "text/event-stream");
    let (_, done) = ada.client.open_stream(request).await.text_and_end().await;
    assert_eq!(done.name, "done");
    assert_eq!(prompt_lines(&model, 1).len(), 3);
    // The stream endpoint streams with every `Accept` header.
    let path = format!("/api/messages/{chat}/send/stream");
    let request = ada.json_request(Method::POST, &path, &json!({ "text": "Once more", "stream": false }));
    let (text, done) = ada.client.open_stream(request).await.text_and_end().await;
    assert_eq!(ada.transcript(chat).await[4..], ["Once more".to_owned(), format!("> {text}")]);
    assert_eq!(done.data["ai_response_id"], ada.messages(chat).await[5]["id"]);
    let empty = ada.json_request(Method::POST, &path, &json!({ "text": " " }));
    ada.client.send(empty).await.assert_error(400, "text_required");
    let lines = setup.wait_for_log_lines("chat", 3).await;
    for line in &lines {
        assert_eq!((&line["username"], &line["is_guest"]), (&"ada".into(), &false.into()), "{line}");
    }
    assert_eq!(lines[0]["session_id"], "s-1");
}

#[tokio::test]
async fn only_the_caller_can_resume_or_stop_its_stream() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let grace = User::register(&service.client, "grace").await;
    let chat = ada.create_chat().await;
    let piece_gate = PieceGate::new();
    model.behave_once(gated(&["One ", "two ", "three."], &piece_gate));
    piece_gate.release(2);
    let mut events = ada.stream(chat, "Count").await;
    let id = events.request_id();
    assert_eq!(events.read_deltas(2).await, "One two ");
    drop(events);

    let path = format!("/api/chat/{id}/events");
    let stop = format!("/api/chat/{id}/stop");
    for (method, path) in [(Method::GET, &path), (Method::POST, &stop)] {
        let try_resume = async |client: &Client, token: Option<&str>| {
            let request = client.request(method.clone(), path);
            client.send(token.into_iter().fold(request, RequestBuilder::bearer_auth)).await
        };
        try_resume(&ada.client, None).await.assert_error(404, "turn_not_found");
        try_resume(&ada.client, Some(&grace.token)).await.assert_error(404, "turn_not_found");
        try_resume(&ada.client, Some("x.y.z")).await.assert_error(401, "token_invalid");
    }
    let mut events =
        ada.client.open_stream_after(ada.request(Method::GET, &path).header("last-event-id", 2), Some(2)).await;
    assert_eq!(events.next().await.unwrap().data["content"], "two ");
    let stopped = ada.call(Method::POST, &stop).await.assert_ok();
    assert_eq!(stopped["status"], "stopped");
    let done = events.next().await.unwrap();
    assert_eq!((&done.data["message"], &done.data["finish_reason"]), (&"One two ".into(), &"stopped".into()));
    assert_eq!(ada.transcript(chat).await, ["Count", "> One two "]);
    let answer = &ada.messages(chat).await[1]["id"];
    assert_eq!(done.data["ai_response_id"], *answer);
    // The caller can still resume the turn after its end.
    let (_, end) = ada.client.open_stream(ada.request(Method::GET, &path)).await.text_and_end().await;
    assert_eq!(end.data, done.data);
    ada.client.get(&path).await.assert_error(404, "turn_not_found");
}

/// With this resume window a repeated request is found in memory; with 0 it is found only in the database.
const WINDOWS: [&str; 2] = ["2m", "0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_concurrent_sends_with_one_key_are_one_turn() {
    for window in WINDOWS {
        let (model, setup, _service, ada) = start_with_ada(&[("RESUME_WINDOW", window)]).await;
        let chat = ada.create_chat().await;
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let sends = join_all((0..8).map(|_| ada.send_once(chat, "Once", "a")));
        let (answers, ()) = tokio::join!(sends, async {
            model.wait_for_calls(1).await;
            gate.open();
        });
        let first = answers[0].assert_ok();
        assert!(answers.iter().all(|answer| answer.assert_ok() == first), "{answers:?}");
        assert_eq!(ada.transcript(chat).await, ["Once", "> Once"]);
        assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
    }
}

/// Returns the IDs of question and answer, from a whole answer or the end of a stream.
fn ids(answer: &Value) -> [i64; 2] {
    [number(&answer["user_message"]["id"]), number(&answer["ai_response"]["id"])]
}

async fn stream_once(user: &User, chat: i64, text: &str, key: &str) -> Events {
    let request = user.send_request(chat, &json!({ "text": text, "stream": true }));
    user.client.open_stream(request.header("idempotency-key", key)).await
}

#[tokio::test]
async fn a_repeated_send_gets_the_same_messages_after_a_restart() {
    for window in WINDOWS {
        let (model, setup, service, ada) = start_with_ada(&[("RESUME_WINDOW", window)]).await;
        let chat = ada.create_chat().await;
        let whole = ada.send_once(chat, "Once", "a").await;
        let (text, streamed) = stream_once(&ada, chat, "Twice", "b").await.text_and_end().await;
        ada.ask(chat, "And on").await;
        let check = async |ada: &User| {
            let again = ada.send_once(chat, "Once", "a").await;
            assert_eq!(again.assert_ok(), whole.assert_ok());
            let (_, done) = stream_once(ada, chat, "Once", "a").await.text_and_end().await;
            let message_ids = [number(&done.data["user_message_id"]), number(&done.data["ai_response_id"])];
            assert_eq!(message_ids, ids(&whole.assert_ok()));
            let (again, done) = stream_once(ada, chat, "Twice", "b").await.text_and_end().await;
            assert_eq!((&again, &done.data), (&text, &streamed.data));
            let again = ada.send_once(chat, "Twice", "b").await.assert_ok();
            let message_ids = [number(&streamed.data["user_message_id"]), number(&streamed.data["ai_response_id"])];
            assert_eq!((ids(&again), &again["ai_response"]["text"]), (message_ids, &json!(text)));
            assert_eq!((model.call_count(), ada.transcript(chat).await.len()), (3, 6));
        };
        check(&ada).await;
        service.stop().await;
        let service = setup.start().await;
        check(&ada.with_client(&service.client)).await;
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_message_of_one_account() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let grace = User::register(&service.client, "grace").await;
    let (ada_chat, other, grace_chat) = (ada.create_chat().await, ada.create_chat().await, grace.create_chat().await);
    ada.send_once(ada_chat, "Once", "a").await.assert_ok();
    ada.send_once(ada_chat, "Twice", "a").await.assert_error(422, "idempotency_key_reused");
    ada.send_once(other, "Once", "a").await.assert_error(422, "idempotency_key_reused");
    grace.send_once(grace_chat, "Once", "a").await.assert_ok();
    let message = json!({ "message": "Once", "username": "ada", "isGuest": false });
    let request = ada.client.json_request("/api/chat", &message).header("idempotency-key", "a");
    ada.client.send(request).await.assert_ok();
    assert_eq!(model.call_count(), 3);
    assert_eq!(
        (
            ada.transcript(ada_chat).await.len(),
            ada.transcript(other).await.len(),
            grace.transcript(grace_chat).await.len()
        ),
        (2, 0, 2)
    );
    // A deleted message is not sent again.
    ada.clear(ada_chat).await;
    ada.send_once(ada_chat, "Once", "b").await.assert_ok();
    ada.clear(ada_chat).await;
    for _ in 0..2 {
        let answer = ada.send_once(ada_chat, "Once", "b").await;
        assert!(matches!(answer.status.as_u16(), 200 | 409), "{}", answer.text);
    }
    assert_eq!((model.call_count(), ada.transcript(ada_chat).await.len()), (4, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_messages_to_one_chat_are_answered_in_sequence() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let chat = ada.create_chat().await;
    let texts = (0..10).map(|number| format!("Question {number}")).collect::<Vec<_>>();
    let whole = texts[..5].iter().map(|text| ada.send(chat, text));
    let streamed = texts[5..].iter().map(async |text| ada.stream(chat, text).await.text_and_end().await);
    let (whole, streamed) = tokio::join!(join_all(whole), join_all(streamed));
    for (answer, text) in whole.iter().zip(&texts) {
        assert_eq!(answer.assert_ok()["ai_response"]["text"], *text);
    }
    for ((answer, end), text) in streamed.iter().zip(&texts[5..]) {
        assert_eq!((answer, end.name.as_str()), (text, "done"));
    }
    let transcript = ada.transcript(chat).await;
    assert_eq!((transcript.len(), model.call_count()), (20, 10));
    for pair in transcript.chunks(2) {
        assert_eq!(pair[1], format!("> {}", pair[0]));
    }
    let questions = transcript.iter().step_by(2).collect::<HashSet<_>>();
    assert_eq!(questions, texts.iter().collect());
    // Each turn got all earlier messages.
    let expected =
        transcript.iter().map(|line| line.strip_prefix("> ").map_or(format!("u: {line}"), |it| format!("a: {it}")));
    let expected = expected.collect::<Vec<_>>();
    for call in 0..10 {
        assert_eq!(prompt_lines(&model, call), expected[..=2 * call]);
    }
}

#[tokio::test]
async fn different_chats_do_not_wait_for_each_other() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let chats = [ada.create_chat().await, ada.create_chat().await, ada.create_chat().await];
    let sends = join_all(chats.iter().map(|chat| ada.send(*chat, "Hello")));
    let (answers, ()) = tokio::join!(sends, async {
        model.wait_for_calls(3).await;
        gate.open();
    });
    for answer in answers {
        answer.assert_ok();
    }
}

#[tokio::test]
async fn a_client_that_leaves_the_chats_queue_stores_no_message() {
    let (model, setup, _service, ada) = start_with_ada(&[]).await;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let chat = ada.create_chat().await;
    let first = ada.send(chat, "First");
    let (first, ()) = tokio::join!(first, async {
        model.wait_for_calls(1).await;
        tokio::select! {
            answer = ada.send(chat, "Second") => panic!("{answer:?} arrived before the first answer"),
            () = async {
                // Some round trips, so that the message is queued behind the first.
                for _ in 0..5 {
                    assert_eq!(ada.messages(chat).await.len(), 1);
                }
            } => {}
        }
        gate.open();
    });
    first.assert_ok();
    ada.ask(chat, "Third").await;
    assert_eq!(ada.transcript(chat).await, ["First", "> First", "Third", "> Third"]);
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (2, 2));
}

#[tokio::test]
async fn a_message_that_waits_too_long_for_its_chat_is_rejected() {
    let (model, _setup, _service, ada) = start_with_ada(&[("TURN_TIMEOUT", "500ms"), ("MODEL_RETRIES", "0")]).await;
    let chat = ada.create_chat().await;
    let piece_gate = PieceGate::new();
    model.behave_once(gated(&["One ", "two."], &piece_gate));
    piece_gate.release(1);
    let mut events = ada.stream(chat, "Count").await;
    events.read_deltas(1).await;
    let answer = ada.send(chat, "Hello?").await;
    answer.assert_error(503, "chat_busy");
    assert!(!answer.header("retry-after").is_empty());
    piece_gate.open();
    let (_, end) = events.text_and_end().await;
    assert_eq!(end.name, "done");
    assert_eq!(ada.transcript(chat).await, ["Count", "> One two."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_write_to_fifty_chats() {
    const ROUNDS: usize = 20;
    let setup = TestSetup::new().with("AI_SERVICE", "basic");
    let service = setup.start().await;
    let mut members = Vec::new();
    for number in 0..5 {
        members.push(User::register(&service.client, &format!("user-{number}")).await);
    }
    let clients = (0..50).map(|number| {
        let user = &members[number % members.len()];
        async move {
            let chat = user.create_chat().await;
            for round in 0..ROUNDS {
                user.ask(chat, &format!("Hello number {round}")).await;
            }
            chat
        }
    });
    let chats = join_all(clients).await;
    assert_eq!(chats.iter().collect::<HashSet<_>>().len(), 50);
    for (number, chat) in chats.iter().enumerate() {
        let user = &members[number % members.len()];
        let transcript = user.transcript(*chat).await;
        let questions = transcript.iter().step_by(2).cloned().collect::<Vec<_>>();
        assert_eq!(transcript.len(), 2 * ROUNDS);
        assert_eq!(questions, (0..ROUNDS).map(|round| format!("Hello number {round}")).collect::<Vec<_>>());
    }
    for user in &members {
        let listed = user.list_chats().await;
        assert!(listed.len() == 10 && listed.iter().all(|chat| chat["message_count"] == 2 * ROUNDS), "{listed:?}");
    }
}

#[tokio::test]
async fn messages_are_stored_unchanged() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let chat = ada.create_chat().await;
    let words = (0..100_000).map(|number| format!("w{number}")).collect::<Vec<_>>().join(" ");
    let texts = [
        " \t leading and trailing \r\n",
        "'; DROP TABLE messages; -- \" \\ %s $1 {}",
        "<script>alert(1)</script> **bold** 🦀👩‍👩‍👧 \u{202e}right to left",
        "e\u{301} \u{301} ﷽ ก็ \u{feff}",
        &"x".repeat(900_000),
        &words,
    ];
    for text in texts {
        assert!(
            ada.ask(chat, text).await["ai_response"]["text"] == text,
            "{}",
            text.chars().take(20).collect::<String>()
        );
    }
    let listed = ada.messages(chat).await;
    let expected = texts.iter().flat_map(|text| [text, text]);
    // Not `assert_eq`, which would print a megabyte.
    assert!(listed.iter().map(|message| &message["text"]).eq(expected), "other texts are listed");
    assert_eq!((ada.search("drop table").await.len(), ada.search("w100").await.len()), (2, 2));
    assert_eq!(ada.search(&"x".repeat(64)).await.len(), 2);

    // A text with a character that a database cannot store is answered, and so is one with a lone surrogate.
    let sent = ada.ask(chat, "a\u{0}b").await;
    assert_eq!(sent["user_message"]["status"], "complete");
    let stored = ada.messages(chat).await[12]["text"].as_str().unwrap().to_owned();
    assert!(["a\u{0}b", "a\u{fffd}b"].contains(&stored.as_str()), "{stored:?}");
    let request = ada.request(Method::POST, &format!("/api/messages/{chat}/send"));
    let request = request.header("content-type", "application/json").body(r#"{"text":"\ud800"}"#);
    assert_eq!(ada.client.send(request).await.assert_ok()["user_message"]["text"], "\u{fffd}");
}
