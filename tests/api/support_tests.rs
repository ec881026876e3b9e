//! Tests of the test support: the streams of the fakes, and the strictness of the event reader.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    fakes::model::{Behaviour, Ending, FakeModel, OUTSIDE_OF_THE_CONTRACT, Pace, PieceGate, Reply, Script},
    support::{client::Client, events::Events, service::TEST_TIMEOUT},
};

async fn model_with_script(script: &Script) -> FakeModel {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Stream(script.clone()));
    model
}

fn request(model: &FakeModel, stream: bool) -> RequestBuilder {
    let options = json!({"include_usage": true});
    let body = json!({"model": "gpt", "messages": [], "stream": stream, "stream_options": options});
    Client::new(model.address()).json_request(OUTSIDE_OF_THE_CONTRACT, &body)
}

async fn ask(model: &FakeModel) -> Response {
    request(model, true).send().await.expect("headers")
}

/// Reads the data of the next event, which must arrive in its own chunk; `None` at the end of the body.
async fn next_data(response: &mut Response) -> Result<Option<String>, reqwest::Error> {
    let chunk = timeout(TEST_TIMEOUT, response.chunk()).await.expect("data in time")?;
    Ok(chunk.map(|chunk| {
        let text = String::from_utf8(chunk.to_vec()).expect("text");
        let data = text.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n"));
        data.filter(|data| !data.contains("\n\n")).unwrap_or_else(|| panic!("{text:?} is not one event")).to_owned()
    }))
}

async fn next_json(response: &mut Response) -> Value {
    let data = next_data(response).await.expect("a connection that holds").expect("one more event");
    serde_json::from_str(&data).expect("JSON")
}

/// Reads the role and this many pieces, and returns the pieces.
async fn read_pieces(response: &mut Response, count: usize) -> Vec<String> {
    assert_eq!(next_json(response).await["choices"][0]["delta"]["role"], "assistant");
    let mut pieces = Vec::new();
    for _ in 0..count {
        let chunk = next_json(response).await;
        pieces.push(chunk["choices"][0]["delta"]["content"].as_str().expect("a piece").to_owned());
    }
    pieces
}

/// Reads all data after the pieces. Also returns whether the body ended without an error.
async fn read_end(response: &mut Response) -> (Vec<String>, bool) {
    let mut end = Vec::new();
    loop {
        match next_data(response).await {
            Ok(Some(data)) => end.push(data),
            Ok(None) => return (end, true),
            Err(_) => return (end, false),
        }
    }
}

#[tokio::test]
async fn each_ending_of_a_script_is_sent() {
    let error = json!({"message": "overloaded"});
    let finish = |reason: &str| format!(r#""finish_reason":"{reason}""#);
    let usage = || r#""completion_tokens":12"#.to_owned();
    let rows = [
        (Ending::Done, vec![finish("stop"), usage(), "[DONE]".into()], true),
        (Ending::Length, vec![finish("length"), usage(), "[DONE]".into()], true),
        (Ending::WithoutDone, vec![finish("stop"), usage()], true),
        (Ending::CutOff, vec![], false),
        (Ending::EndOfBody, vec![], true),
        (Ending::Error(error.clone()), vec![json!({ "error": error }).to_string()], true),
    ];
    let model = FakeModel::start().await;
    for (call, (ending, expected, clean)) in rows.into_iter().enumerate() {
        let script = Script { ending, ..Script::default() };
        model.set_behaviour(Behaviour::Stream(script.clone()));
        let mut response = ask(&model).await;
        assert_eq!(read_pieces(&mut response, 12).await, script.pieces);
        let (end, ended_cleanly) = read_end(&mut response).await;
        assert_eq!((end.len(), ended_cleanly), (expected.len(), clean), "{end:?}");
        for (data, part) in end.iter().zip(&expected) {
            assert!(data.contains(part), "{data} lacks {part}");
        }
        model.wait_for_open_responses(0).await;
        let sent = model.sent()[call];
        assert_eq!((sent.pieces, sent.finished, sent.disconnected_at), (12, true, None));
    }
    assert_eq!(model.disconnects(), 0);
}

#[tokio::test]
async fn a_piece_gate_releases_pieces_one_by_one() {
    let piece_gate = PieceGate::new();
    let model = model_with_script(&Script { pace: Pace::Gated(piece_gate.clone()), ..Script::default() }).await;
    let mut response = ask(&model).await;
    assert!(read_pieces(&mut response, 0).await.is_empty());
    assert_eq!((model.sent()[0].pieces, model.open_responses()), (0, 1));
    piece_gate.release(2);
    next_json(&mut response).await;
    next_json(&mut response).await;
    assert!(next_json(&mut response).now_or_never().is_none());
    assert_eq!((model.sent()[0].pieces, model.sent()[0].finished), (2, false));
    piece_gate.open();
    let (rest, _) = read_end(&mut response).await;
    assert_eq!(rest.len(), 10 + 3);
    model.wait_for_open_responses(0).await;
    assert_eq!((model.sent()[0].pieces, model.sent()[0].finished), (12, true));
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_is_counted() {
    let model = model_with_script(&Script { ending: Ending::Stall, ..Script::default() }).await;
    let (mut leaving, mut staying) = (ask(&model).await, ask(&model).await);
    read_pieces(&mut leaving, 12).await;
    read_pieces(&mut staying, 12).await;
    assert_eq!((model.open_responses(), model.disconnects()), (2, 0));
    let before = Instant::now();
    drop(leaving);
    model.wait_for_open_responses(1).await;
    assert_eq!(model.disconnects(), 1);
    let [left, stayed] = model.sent()[..] else { panic!("two calls") };
    assert!(left.disconnected_at.expect("a disconnect") >= before);
    assert_eq!((left.finished, stayed.finished, stayed.disconnected_at), (false, false, None));
}

#[tokio::test]
async fn a_script_is_answered_whole_and_a_stream_can_be_ignored() {
    let pause = Duration::from_millis(2);
    let script = Script { pace: Pace::Every(pause), ..Script::default() };
    let model = model_with_script(&script).await;
    let asked_at = Instant::now();
    let whole: Value =
        serde_json::from_str(&request(&model, false).send().await.unwrap().text().await.unwrap()).unwrap();
    assert!(asked_at.elapsed() >= pause * 12);
    assert_eq!(whole["choices"][0]["message"]["content"], script.text());
    assert_eq!(whole["usage"]["completion_tokens"], 12);
    model.set_behaviour(Behaviour::IgnoreStream(Reply::default()));
    let ignored: Value = serde_json::from_str(&ask(&model).await.text().await.unwrap()).unwrap();
    assert_eq!(ignored["object"], "chat.completion");
}

/// Returns a reader of this text as a stream of the service.
async fn events_of(text: &str) -> Events {
    let model = FakeModel::start().await;
    let headers = vec![("content-type", "text/event-stream".into()), ("x-request-id", "req-1".into())];
    model.set_behaviour(Behaviour::Respond { status: 200, headers, body: text.to_owned() });
    Client::new(model.address()).open_stream(request(&model, true)).await
}

#[tokio::test]
async fn a_valid_event_stream_is_read() {
    let text = ": hello\n\nid: 7\nevent: delta\n: amid\ndata: {\"content\":\"Hi \"}\n\n:\n\n\
                event: delta\nid: 8\ndata: {\"content\":\"there\"}\n\nid: 9\nevent: done\ndata: {}\n\n";
    let mut events = events_of(text).await;
    assert_eq!((events.status, events.request_id()), (StatusCode::OK, "req-1".to_owned()));
    assert_eq!(events.next().await.expect("an event").data, json!({"content": "Hi "}));
    assert_eq!(events.comments(), 2);
    events.next_comment().await;
    assert_eq!(events.comments(), 3);
    let (rest, end) = events.text_and_end().await;
    assert_eq!((rest.as_str(), end.id, end.name.as_str()), ("there", 9, "done"));

    let answer = events_of("what is no stream").await.into_response().await;
    assert_eq!(answer.text, "what is no stream");
}

#[tokio::test]
async fn an_invalid_event_stream_fails_the_test() {
    let torn = [
        "id: 1\nevent: delta\ndata: {}",
        "id: 1\nevent: delta\ndata: {}\n",
        "event: delta\ndata: {}\n\n",
        "id: 1\ndata: {}\n\n",
        "id: 1\nevent: delta\n\n",
        "id: one\nevent: delta\ndata: {}\n\n",
        "id:1\nevent: delta\ndata: {}\n\n",
        "id: 1\nevent: delta\ndata: {}\ndata: {}\n\n",
        "id: 1\nevent: delta\ndata: []\n\n",
        "id: 1\nevent: delta\ndata: {} {}\n\n",
        "id: 1\nevent: delta\nretry: 5\ndata: {}\n\n",
        "id: 1\r\nevent: delta\r\ndata: {}\r\n\r\n",
        "id: 1\nevent: delta\ndata: {}\n\nid: 3\nevent: delta\ndata: {}\n\n",
    ];
    for text in torn {
        let events = events_of(text).await;
        let read = std::panic::AssertUnwindSafe(events.remaining()).catch_unwind().await;
        assert!(read.is_err(), "{text:?} was read as {read:?}");
    }
}

#[tokio::test]
async fn an_image_is_recorded_unchanged_and_its_text_echoed() {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let content = json!([{"type": "text", "text": "Who is it?"}, image]);
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": content}]});
    let answer = Client::new(model.address()).post(OUTSIDE_OF_THE_CONTRACT, &body).await;
    assert_eq!(answer.assert_ok()["choices"][0]["message"]["content"], "Who is it?");
    assert_eq!(model.calls()[0].body["messages"][0]["content"], content);
}
