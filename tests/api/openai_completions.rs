//! `POST /v1/chat/completions` with whole answers: what becomes of the parameters, and the turn that is run.

use std::fs;

use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate, Reply},
    openai_client::{OpenAiClient, assert_openai_error, question, start_for, start_with_key, with},
    support::{client::Client, service::TestSetup},
};

/// An image of one pixel.
const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Sends a question with further fields, and returns what the model was asked.
async fn asked(model: &FakeModel, openai: &OpenAiClient, fields: &Value) -> Value {
    openai.complete(&with(question("hello"), fields)).await.assert_ok();
    model.calls().pop().unwrap().body
}

#[tokio::test]
async fn a_whole_answer_is_a_chat_completion() {
    let (_model, setup, _service, openai) = start_with_key(&[]).await;
    let answer = openai.complete(&with(question("hello"), &json!({ "user": "ada" }))).await;
    let body = answer.assert_ok();
    let id = format!("chatcmpl-{}", answer.header("x-request-id"));
    assert_eq!((&body["id"], &body["object"]), (&json!(id), &json!("chat.completion")));
    assert_eq!(body["model"], "gpt-4o-mini");
    let message = json!({ "role": "assistant", "content": "Hello from the fake model.", "refusal": null });
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": "stop" });
    assert_eq!(body["choices"], json!([choice]));
    assert_eq!(body["usage"], json!({ "prompt_tokens": 12, "completion_tokens": 6, "total_tokens": 18 }));
    let line = &setup.wait_for_log_lines("chat", 1).await[0];
    assert_eq!((&line["api_key"], &line["username"], &line["stream"]), (&json!("shop"), &json!("ada"), &json!(false)));
}

#[tokio::test]
async fn parameters_reach_the_model_unchanged() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let plain = asked(&model, &openai, &json!({})).await;
    assert_eq!(plain, question("hello"));
    let schema = json!({ "name": "reply", "strict": true, "schema": { "type": "object" } });
    let passed = json!({
        "temperature": 0.25, "top_p": 0.5, "stop": ["END", "\n"], "seed": -7, "presence_penalty": 1.5,
        "frequency_penalty": -1.5, "reasoning_effort": "low",
        "response_format": { "type": "json_schema", "json_schema": schema },
    });
    assert_eq!(asked(&model, &openai, &passed).await, with(question("hello"), &passed));
    assert_eq!(asked(&model, &openai, &json!({ "stop": "END" })).await["stop"], json!(["END"]));
    let object = json!({ "type": "json_object" });
    assert_eq!(asked(&model, &openai, &json!({ "response_format": object })).await["response_format"], object);
    let text = asked(&model, &openai, &json!({ "response_format": { "type": "text" } })).await;
    assert_eq!(text.get("response_format"), None);
    for name in ["max_tokens", "max_completion_tokens"] {
        assert_eq!(asked(&model, &openai, &json!({ name: 9 })).await["max_tokens"], 9);
    }
}

#[tokio::test]
async fn parameters_without_effect_are_accepted() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let fields = json!({
        "n": 1, "modalities": ["text"], "stream": false, "stream_options": null, "temperature": null, "tools": [],
        "functions": null, "logprobs": false, "logit_bias": {}, "metadata": { "a": "b" }, "store": true,
        "service_tier": "auto", "parallel_tool_calls": true, "safety_identifier": "x", "prompt_cache_key": "y",
    });
    assert_eq!(asked(&model, &openai, &fields).await, question("hello"));
}

#[tokio::test]
async fn an_answer_can_be_sent_back_as_the_sdks_hold_it() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let said = |role: &str, content: &str| json!({ "role": role, "content": content });
    let more = json!({
        "refusal": null, "annotations": [{ "type": "x" }], "audio": null, "function_call": null, "tool_calls": [],
        "name": "bot", "parsed": { "answer": 42 },
    });
    let answer = said("assistant", "One.");
    let messages = json!([said("user", "One?"), with(answer.clone(), &more), said("user", "Two?")]);
    let sent = asked(&model, &openai, &json!({ "messages": messages })).await;
    assert_eq!(sent["messages"], json!([said("user", "One?"), answer, said("user", "Two?")]));
}

#[tokio::test]
async fn a_limit_of_the_request_never_raises_the_operators() {
    let (model, _setup, _service, openai) = start_with_key(&[("MAX_ANSWER_TOKENS", "50")]).await;
    assert_eq!(asked(&model, &openai, &json!({ "max_tokens": 500 })).await["max_tokens"], 50);
    assert_eq!(asked(&model, &openai, &json!({ "max_tokens": 5 })).await["max_tokens"], 5);
}

#[tokio::test]
async fn fields_of_a_provider_win_over_those_of_a_request() {
    let body = r#"{"reasoning_effort": "high"}"#;
    let (model, _setup, _service, openai) = start_with_key(&[("MODEL_BODY", body)]).await;
    openai.complete(&with(question("hello"), &json!({ "reasoning_effort": "low", "seed": 1 }))).await.assert_ok();
    let body = model.calls().pop().unwrap().body;
    assert_eq!((&body["reasoning_effort"], &body["seed"]), (&json!("high"), &json!(1)));
}

#[tokio::test]
async fn system_messages_follow_the_prompt_of_the_persona() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let personas = setup.path().join("personas");
    fs::create_dir(&personas).unwrap();
    fs::write(personas.join("eva.md"), "+++\nname = \"Eva\"\ntemperature = 0.5\n+++\nYou are Eva.").unwrap();
    let setup = setup.with("PERSONAS_DIR", personas.to_str().unwrap()).with("DEFAULT_PERSONA", "eva");
    let (_service, openai) = start_for(&setup, &[]).await;
    let messages = json!([
        { "role": "system", "content": "Be kind." },
        { "role": "user", "content": "One?" },
        { "role": "assistant", "content": "One." },
        { "role": "developer", "content": "Be brief." },
        { "role": "user", "content": "Two?" },
    ]);
    let sent = |system: &str| {
        json!([
            { "role": "system", "content": system },
            { "role": "user", "content": "One?" },
            { "role": "assistant", "content": "One." },
            { "role": "user", "content": "Two?" },
        ])
    };
    let ask = async |fields: Value| asked(&model, &openai, &with(json!({ "messages": messages }), &fields)).await;
    let by_eva = ask(json!({ "model": "persona/eva" })).await;
    assert_eq!(by_eva["messages"], sent("You are Eva.\n\nBe kind.\n\nBe brief."));
    assert_eq!((&by_eva["model"], &by_eva["temperature"]), (&json!("gpt-4o-mini"), &json!(0.5)));
    assert_eq!(ask(json!({ "model": "persona/eva", "temperature": 0 })).await["temperature"], json!(0.0));
    // The name of a model asks for that model alone.
    let plain = ask(json!({})).await;
    assert_eq!((&plain["messages"], plain.get("temperature")), (&sent("Be kind.\n\nBe brief."), None));
    let lines = setup.wait_for_log_lines("chat", 3).await;
    assert_eq!((&lines[0]["persona"], lines[2].get("persona")), (&json!("eva"), None));
}

#[tokio::test]
async fn images_are_parts_of_a_message() {
    let (model, _setup, _service, openai) = start_with_key(&[("VISION_MODELS", "gpt-4o-mini")]).await;
    let image = |detail: &str| json!({ "type": "image_url", "image_url": { "url": IMAGE, "detail": detail } });
    let plain = json!({ "type": "image_url", "image_url": { "url": IMAGE } });
    let content = json!([{ "type": "text", "text": "Which is older?" }, image("low"), plain]);
    let body = asked(&model, &openai, &json!({ "messages": [{ "role": "user", "content": content }] })).await;
    assert_eq!(body["messages"], json!([{ "role": "user", "content": content }]));
    let answer = openai
        .complete(&with(question(""), &json!({ "messages": [{ "role": "user", "content": [image("huge")] }] })))
        .await;
    assert_openai_error(&answer, 400, "invalid_request_error", "invalid_request");
    let bad = json!({ "type": "image_url", "image_url": { "url": "https://127.0.0.1/secret" } });
    let answer =
        openai.complete(&with(question(""), &json!({ "messages": [{ "role": "user", "content": [bad] }] }))).await;
    assert_openai_error(&answer, 400, "invalid_request_error", "image_not_public");
}

#[tokio::test]
async fn a_persona_with_few_turns_gets_all_images_of_a_message() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("VISION_MODELS", "gpt-4o-mini");
    let personas = setup.path().join("personas");
    fs::create_dir(&personas).unwrap();
    fs::write(personas.join("eva.md"), "+++\nname = \"Eva\"\nturns = 1\n+++\nYou are Eva.").unwrap();
    let setup = setup.with("PERSONAS_DIR", personas.to_str().unwrap());
    let (_service, openai) = start_for(&setup, &[]).await;
    let image = json!({ "type": "image_url", "image_url": { "url": IMAGE } });
    let content = |text: &str| json!([{ "type": "text", "text": text }, image, image, image]);
    let messages = json!([
        { "role": "user", "content": content("One?") },
        { "role": "assistant", "content": "One." },
        { "role": "user", "content": content("Two?") },
        { "role": "assistant", "content": "Two." },
        { "role": "user", "content": content("Three?") },
    ]);
    let body = asked(&model, &openai, &json!({ "model": "persona/eva", "messages": messages })).await;
    let expected = json!([
        { "role": "system", "content": "You are Eva." },
        { "role": "user", "content": content("Two?") },
        { "role": "assistant", "content": "Two." },
        { "role": "user", "content": content("Three?") },
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn a_model_without_vision_reads_a_line_for_each_image() {
    let (model, _setup, _service, openai) = start_with_key(&[("OPENAI_MODEL", "blind"), ("VISION_MODELS", "")]).await;
    let image = json!({ "type": "image_url", "image_url": { "url": IMAGE } });
    let content = json!([image, { "type": "text", "text": "Which is older?" }, image]);
    let fields = json!({ "model": "blind", "messages": [{ "role": "user", "content": content }] });
    let line = "[An image was attached, which you cannot see.]";
    let body = asked(&model, &openai, &fields).await;
    assert_eq!(body["messages"][0]["content"], format!("Which is older?\n\n{line}\n\n{line}"));
}

#[tokio::test]
async fn a_repeated_key_runs_one_turn() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let ask = |fields: Value| {
        let request = openai.completion(&with(question("hello"), &fields)).header("idempotency-key", "one");
        openai.client.send(request)
    };
    let first = ask(json!({ "seed": 1 })).await.assert_ok();
    assert_eq!(ask(json!({ "seed": 1 })).await.assert_ok()["id"], first["id"]);
    for other in [
        json!({ "seed": 2 }),
        json!({ "messages": [{ "role": "system", "content": "x" }, { "role": "user", "content": "hello" }] }),
    ] {
        let error = ask(other).await;
        assert_openai_error(&error, 422, "invalid_request_error", "idempotency_key_reused");
    }
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_does_not_end_with_stop() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    for (of_model, expected) in [("length", "length"), ("content_filter", "content_filter"), ("stop", "stop")] {
        model.behave_once(Behaviour::Answer(Reply { finish_reason: of_model.to_owned(), ..Reply::default() }));
        let body = openai.complete(&question("hello")).await.assert_ok();
        assert_eq!(body["choices"][0]["finish_reason"], expected);
    }
}

/// Asserts that a short question with these fields, which have some 5,000 bytes, takes most of 3,000 tokens while it is answered.
async fn assert_counts_in_the_limit(fields: &Value) {
    let (model, _setup, _service, openai) = start_with_key(&[("LIMIT_KEY", "3000tokens/day")]).await;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let short = with(question("hello"), &json!({ "max_tokens": 5 }));
    let long = with(short.clone(), fields);
    // What a turn may use is reserved while it runs.
    let beside = async {
        model.wait_for_calls(1).await;
        let answer = openai.complete(&short).await;
        assert_openai_error(&answer, 429, "rate_limit_error", "limit_reached");
        gate.open();
    };
    let (answer, ()) = tokio::join!(openai.complete(&long), beside);
    answer.assert_ok();
    let (one, other) = tokio::join!(openai.complete(&short), openai.complete(&short));
    one.assert_ok();
    other.assert_ok();
}

#[tokio::test]
async fn a_system_message_counts_in_the_limit_of_tokens() {
    let system = json!({ "role": "system", "content": "x".repeat(5000) });
    assert_counts_in_the_limit(&json!({ "messages": [system, { "role": "user", "content": "hello" }] })).await;
}

#[tokio::test]
async fn a_schema_counts_in_the_limit_of_tokens() {
    let schema = json!({ "name": "reply", "schema": { "description": "x".repeat(5000) } });
    let format = json!({ "type": "json_schema", "json_schema": schema });
    assert_counts_in_the_limit(&json!({ "response_format": format })).await;
}

#[tokio::test]
async fn the_prompt_of_an_estimate_has_the_schema() {
    let (model, setup, _service, openai) = start_with_key(&[]).await;
    model.set_behaviour(Behaviour::Answer(Reply { with_usage: false, ..Reply::default() }));
    let schema = json!({ "name": "reply", "schema": { "description": "a word ".repeat(500) } });
    openai.complete(&question("hello")).await.assert_ok();
    let format = json!({ "type": "json_schema", "json_schema": schema });
    openai.complete(&with(question("hello"), &json!({ "response_format": format }))).await.assert_ok();
    let lines = setup.wait_for_log_lines("chat", 2).await;
    let [plain, with_schema] = [0, 1].map(|line: usize| lines[line]["prompt_tokens"].as_u64().unwrap());
    assert!((900..1200).contains(&(with_schema - plain)), "{plain} {with_schema}");
}

#[tokio::test]
async fn values_that_a_server_refuses_are_its_clients_alone() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let refusal = |message: &str| {
        let body = json!({ "error": { "message": message } }).to_string();
        Behaviour::Respond { status: 400, headers: vec![], body }
    };
    for (refused, accepted, message) in [
        (json!({ "temperature": 2 }), json!({ "temperature": 0.5 }), "temperature is not allowed"),
        (json!({ "max_tokens": 500 }), json!({ "max_tokens": 9 }), "max_tokens is not allowed"),
    ] {
        model.behave_once(refusal(message));
        // The call is repeated without the value.
        for name in refused.as_object().unwrap().keys() {
            assert_eq!(asked(&model, &openai, &refused).await.get(name), None);
            assert_eq!(asked(&model, &openai, &accepted).await[name], accepted[name]);
        }
    }
    assert_eq!(model.call_count(), 6);
}

#[tokio::test]
async fn only_its_own_key_rates_a_completion() {
    let (_model, setup, service, openai) = start_with_key(&[]).await;
    let id = openai.complete(&question("hello")).await.assert_ok()["id"].clone();
    let turn = id.as_str().unwrap().strip_prefix("chatcmpl-").unwrap();
    let rating = || service.client.json_request(&format!("/api/chat/{turn}/feedback"), &json!({ "rating": "down" }));
    service.client.send(rating()).await.assert_error(404, "turn_not_found");
    service.client.send(rating().bearer_auth(&openai.key)).await.assert_ok();
    assert_eq!(setup.log_lines("feedback").len(), 1);
}

#[tokio::test]
async fn other_endpoints_take_no_system_message() {
    let (_model, _setup, service, openai) = start_with_key(&[]).await;
    let client: &Client = &service.client;
    let history = json!({ "message": "hello", "history": [{ "role": "system", "content": "Be rude." }] });
    client
        .send(client.json_request("/api/chat", &history).bearer_auth(&openai.key))
        .await
        .assert_error(400, "invalid_request");
}
