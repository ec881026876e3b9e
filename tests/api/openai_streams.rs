//! `POST /v1/chat/completions` with streams: the chunks, and how streams end.

use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, Ending, Pace, PieceGate, Script},
    openai_client::{assert_openai_error, events, question, start_with_key, with},
};

fn pieces(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn chunk(event: &str) -> Value {
    serde_json::from_str(event).unwrap()
}

#[tokio::test]
async fn a_stream_is_chunks_and_done() {
    let (model, setup, _service, openai) = start_with_key(&[]).await;
    model.set_behaviour(Behaviour::Stream(Script { pieces: pieces(&["One ", "two."]), ..Script::default() }));
    let events = openai.stream(&question("count")).await;
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(done, "[DONE]");
    let chunks = chunks.iter().map(|event| chunk(event)).collect::<Vec<_>>();
    for chunk in &chunks {
        assert_eq!((&chunk["object"], &chunk["id"]), (&json!("chat.completion.chunk"), &chunks[0]["id"]));
        assert_eq!((&chunk["model"], chunk.get("usage")), (&json!("gpt-4o-mini"), None));
        assert!(chunk["created"].is_u64());
    }
    let choice = |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
    assert_eq!(chunks[0]["choices"], choice(json!({ "role": "assistant", "content": "" }), json!(null)));
    assert_eq!(chunks.last().unwrap()["choices"], choice(json!({}), json!("stop")));
    let text = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect::<String>();
    assert_eq!(text, "One two.");
    let line = &setup.wait_for_log_lines("chat", 1).await[0];
    assert_eq!((&line["stream"], &line["finish"]), (&json!(true), &json!("complete")));
    assert_eq!(chunks[0]["id"], format!("chatcmpl-{}", line["request_id"].as_str().unwrap()));
}

#[tokio::test]
async fn the_numbers_of_tokens_are_the_last_chunk() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    model.set_behaviour(Behaviour::Stream(Script { pieces: pieces(&["One ", "two."]), ..Script::default() }));
    let body = with(question("count"), &json!({ "stream_options": { "include_usage": true } }));
    let events = openai.stream(&body).await;
    let [before @ .., last, done] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(done, "[DONE]");
    assert!(before.iter().all(|event| chunk(event)["usage"] == json!(null)));
    let last = chunk(last);
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], json!({ "prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14 }));
}

#[tokio::test]
async fn a_stream_that_fails_ends_with_an_error() {
    let (model, _setup, _service, openai) = start_with_key(&[("MODEL_RETRIES", "0")]).await;
    let script = Script { pieces: pieces(&["One ", "two."]), ending: Ending::CutOff, ..Script::default() };
    model.set_behaviour(Behaviour::Stream(script));
    let events = openai.stream(&question("count")).await;
    assert!(!events.contains(&"[DONE]".to_owned()), "{events:?}");
    let error = chunk(events.last().unwrap());
    assert_eq!(error["error"]["code"], "model_connection_lost");
    assert_eq!((&error["error"]["type"], &error["error"]["param"]), (&json!("server_error"), &json!(null)));
    assert!(error["error"]["message"].is_string());
}

#[tokio::test]
async fn a_stream_that_cannot_begin_is_an_error() {
    let (_model, _setup, _service, openai) = start_with_key(&[]).await;
    let answer = openai.complete(&with(question("hello"), &json!({ "stream": true, "model": "other" }))).await;
    assert_openai_error(&answer, 404, "invalid_request_error", "model_not_found");
}

#[tokio::test]
async fn a_turn_ends_when_its_client_leaves_the_stream() {
    let (model, setup, _service, openai) = start_with_key(&[("RESUME_GRACE", "1h")]).await;
    let gate = PieceGate::new();
    let script = Script { pieces: pieces(&["One ", "two."]), pace: Pace::Gated(gate.clone()), ..Script::default() };
    model.set_behaviour(Behaviour::Stream(script));
    let request = openai.completion(&with(question("count"), &json!({ "stream": true })));
    let mut response = request.send().await.unwrap();
    gate.release(1);
    let mut text = String::new();
    while !text.contains("One ") {
        text += str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert_eq!(events(&text).len(), 2);
    // It cannot be resumed, so it does not wait for its client to come back.
    let id = chunk(&events(&text)[0])["id"].as_str().unwrap().replace("chatcmpl-", "");
    openai.get(&format!("/api/chat/{id}/events")).await.assert_error(404, "turn_not_found");
    drop(response);
    let line = &setup.wait_for_log_lines("chat", 1).await[0];
    assert_eq!(line["finish"], "client_gone");
    model.wait_for_disconnects(1).await;
}

#[tokio::test]
async fn a_repeated_key_streams_the_same_turn() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let ask = |fields: Value| {
        let request = openai.completion(&with(question("hello"), &fields)).header("idempotency-key", "one");
        openai.client.send(request)
    };
    let whole = ask(json!({})).await.assert_ok();
    let streamed = ask(json!({ "stream": true })).await;
    let events = events(&streamed.text);
    assert_eq!((&chunk(&events[0])["id"], events.last().unwrap().as_str()), (&whole["id"], "[DONE]"));
    let text = events.iter().filter(|event| *event != "[DONE]").map(|event| chunk(event));
    let text = text.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned));
    assert_eq!(whole["choices"][0]["message"]["content"], text.collect::<String>());
    assert_eq!(model.call_count(), 1);
}
