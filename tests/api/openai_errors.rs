//! Errors of the endpoints in OpenAI's form: their bodies, their statuses, and whether the SDKs may repeat the request.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    openai_client::{assert_openai_error, question, start_with_key, with},
    support::diagnostics::Diagnostics,
};

/// Returns the answer of a provider that refuses each request.
fn refusal(status: u16, message: &str) -> Behaviour {
    let body = json!({ "error": { "message": message } }).to_string();
    Behaviour::Respond { status, headers: vec![], body }
}

#[tokio::test]
async fn parameters_that_are_not_supported_are_named() {
    let (model, _setup, _service, openai) = start_with_key(&[]).await;
    let message = |fields: Value| json!({ "messages": [with(json!({ "role": "user", "content": "hello" }), &fields)] });
    let part = |fields: Value| message(json!({ "content": [fields] }));
    let tool = json!({ "type": "function", "function": { "name": "f" } });
    for (fields, param) in [
        (json!({ "n": 2 }), "n"),
        (json!({ "tools": [tool] }), "tools"),
        (json!({ "tool_choice": "auto" }), "tool_choice"),
        (json!({ "functions": [{ "name": "f" }] }), "functions"),
        (json!({ "audio": { "voice": "x" } }), "audio"),
        (json!({ "modalities": ["text", "audio"] }), "modalities"),
        (json!({ "logprobs": true }), "logprobs"),
        (json!({ "top_logprobs": 2 }), "top_logprobs"),
        (json!({ "logit_bias": { "50256": -100 } }), "logit_bias"),
        (json!({ "verbosity": "low" }), "verbosity"),
        (json!({ "no_such_parameter": 1 }), "no_such_parameter"),
        (message(json!({ "role": "tool" })), "messages[0].role"),
        (message(json!({ "tool_calls": [tool] })), "messages[0].tool_calls"),
        (part(json!({ "type": "input_audio", "input_audio": {} })), "messages[0].content[0].type"),
        (
            part(json!({ "type": "text", "text": "x", "cache_control": { "type": "ephemeral" } })),
            "messages[0].content[0].cache_control",
        ),
    ] {
        let answer = openai.complete(&with(question("hello"), &fields)).await;
        let error = assert_openai_error(&answer, 400, "invalid_request_error", "unsupported_parameter");
        assert_eq!(error["param"], param, "{error}");
        assert!(error["message"].as_str().unwrap().starts_with(param), "{error}");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn the_value_of_an_unknown_parameter_is_not_read() {
    let (_model, _setup, _service, openai) = start_with_key(&[]).await;
    // Deeper than a value may be nested that is kept in memory.
    let nested = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for (body, param) in [
        (format!(r#"{{"tools": {nested}}}"#), "tools"),
        (format!(r#"{{"messages": [{{"tool_calls": {nested}}}]}}"#), "messages[0].tool_calls"),
        (format!(r#"{{"messages": [{{"content": [{{"video": {nested}}}]}}]}}"#), "messages[0].content[0].video"),
    ] {
        let request = openai.request(Method::POST, "/v1/chat/completions").header("content-type", "application/json");
        let answer = openai.client.send(request.body(body)).await;
        let error = assert_openai_error(&answer, 400, "invalid_request_error", "unsupported_parameter");
        assert_eq!(error["param"], param, "{error}");
    }
}

#[tokio::test]
async fn what_a_server_asks_for_is_not_in_the_diagnostics() {
    let (model, _setup, _service, openai) = start_with_key(&[("MODEL_RETRIES", "0")]).await;
    let diagnostics = Diagnostics::collect();
    let (schema, stop) = ("the colour of Anna's house", "yours truly, Berta");
    model.set_behaviour(refusal(400, &format!("wrong schema: {schema} and wrong stop: {stop}!")));
    let format = json!({ "name": "reply", "schema": { "description": schema } });
    let fields = json!({ "stop": stop, "response_format": { "type": "json_schema", "json_schema": format } });
    openai.complete(&with(question("hello"), &fields)).await;
    let lines = diagnostics.lines("a call to the model failed");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.contains("wrong schema: […] and wrong stop: […]!"), "{line}");
}

#[tokio::test]
async fn invalid_parameters_are_named() {
    let (_model, _setup, _service, openai) = start_with_key(&[]).await;
    for (fields, param) in [
        (json!({ "model": " " }), "model"),
        (json!({ "model": 7 }), "model"),
        (json!({ "messages": [] }), "messages"),
        (json!({ "messages": "hello" }), "messages"),
        (json!({ "messages": [{ "content": "hello" }] }), "messages[0].role"),
        (json!({ "messages": [{ "role": "user", "content": 7 }] }), "messages[0].content"),
        (json!({ "messages": [{ "role": "assistant", "content": "hello" }] }), "messages"),
        (json!({ "messages": [{ "role": "user", "content": [{ "type": "text" }] }] }), "messages"),
        (json!({ "temperature": 2.1 }), "temperature"),
        (json!({ "temperature": "warm" }), "temperature"),
        (json!({ "top_p": -0.1 }), "top_p"),
        (json!({ "presence_penalty": 3 }), "presence_penalty"),
        (json!({ "frequency_penalty": -3 }), "frequency_penalty"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        (json!({ "max_completion_tokens": -1 }), "max_completion_tokens"),
        (json!({ "stop": ["a", "b", "c", "d", "e"] }), "stop"),
        (json!({ "stop": [""] }), "stop"),
        (json!({ "reasoning_effort": "As much as you can" }), "reasoning_effort"),
        (json!({ "response_format": { "type": "xml" } }), "response_format.type"),
        (json!({ "response_format": { "type": "json_schema" } }), "response_format.json_schema"),
        (json!({ "user": "x".repeat(201) }), "user"),
    ] {
        let answer = openai.complete(&with(question("hello"), &fields)).await;
        let error = assert_openai_error(&answer, 400, "invalid_request_error", "invalid_request");
        assert_eq!(error["param"], param, "{error}");
    }
}

#[tokio::test]
async fn errors_repeat_nothing_but_names_of_parameters() {
    let (_model, _setup, _service, openai) = start_with_key(&[]).await;
    let secret = "secret words: of a body";
    for body in [
        with(question("hello"), &json!({ secret: 1 })),
        with(question("hello"), &json!({ "x".repeat(65): 1 })),
        with(question("hello"), &json!({ "tools": [secret] })),
        with(question("hello"), &json!({ "model": secret })),
        with(question("hello"), &json!({ "messages": [{ "role": secret }] })),
        with(question("hello"), &json!({ "response_format": { "type": secret } })),
    ] {
        let answer = openai.complete(&body).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
        assert!(!answer.text.contains("secret words") && !answer.text.contains("xxxxx"), "{}", answer.text);
    }
}

#[tokio::test]
async fn bodies_of_other_apis_are_recognised() {
    let (_model, _setup, _service, openai) = start_with_key(&[]).await;
    let anthropic = with(question("hello"), &json!({ "max_tokens": 9, "system": "Be kind." }));
    let responses = json!({ "model": "gpt-4o-mini", "input": "hello" });
    let older = json!({ "model": "gpt-4o-mini", "prompt": "hello" });
    for (body, param, words) in [
        (anthropic, "system", "Anthropic's Messages API"),
        (responses, "input", "OpenAI's Responses API"),
        (older, "prompt", "older Completions API"),
    ] {
        let error = openai.complete(&body).await;
        let error = assert_openai_error(&error, 400, "invalid_request_error", "unsupported_parameter");
        assert_eq!(error["param"], param);
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    for path in ["/v1/responses", "/v1/messages", "/v1/embeddings", "/v1"] {
        let answer = openai.client.send(openai.request(Method::POST, path).body("{}")).await;
        let error = assert_openai_error(&answer, 404, "invalid_request_error", "not_found");
        assert!(error["message"].as_str().unwrap().contains("POST /v1/chat/completions"), "{error}");
    }
    let answer = openai.get("/v1/chat/completions").await;
    assert_openai_error(&answer, 405, "invalid_request_error", "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn only_what_may_be_repeated_is_marked_so() {
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")];
    let (model, _setup, _service, openai) = start_with_key(&settings).await;
    for (of_provider, status, kind, code, may_be_repeated) in [
        (500, 502, "server_error", "model_failed", "true"),
        (501, 502, "server_error", "model_failed", "false"),
        (400, 400, "invalid_request_error", "request_refused", "false"),
        (429, 429, "rate_limit_error", "rate_limited", "true"),
        // The key that the provider refuses is not the client's.
        (401, 502, "server_error", "invalid_api_key", "false"),
        (404, 400, "invalid_request_error", "model_not_found", "false"),
    ] {
        let message = if of_provider == 404 { "The model `x` does not exist" } else { "no" };
        model.set_behaviour(refusal(of_provider, message));
        let answer = openai.complete(&question("hello")).await;
        assert_openai_error(&answer, status, kind, code);
        assert_eq!(answer.header("x-should-retry"), may_be_repeated, "{of_provider}");
    }
    model.set_behaviour(refusal(429, "You exceeded your current quota: insufficient_quota"));
    let answer = openai.complete(&question("hello")).await;
    assert_openai_error(&answer, 429, "insufficient_quota", "quota_exhausted");
    assert_eq!(answer.header("x-should-retry"), "false");
}

#[tokio::test]
async fn a_limit_says_when_to_come_back() {
    let (model, _setup, _service, openai) = start_with_key(&[("LIMIT_KEY", "1/minute")]).await;
    let first = openai.complete(&question("hello")).await;
    first.assert_ok();
    assert_eq!(first.header("ratelimit-policy"), "\"key\";q=1;w=60");
    let answer = openai.complete(&question("hello")).await;
    assert_openai_error(&answer, 429, "rate_limit_error", "limit_reached");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(answer.header("x-should-retry"), "true");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn money_that_is_spent_is_not_asked_for_again() {
    let (_model, _setup, _service, openai) = start_with_key(&[("LIMIT_TOTAL", "0.000001usd/day")]).await;
    openai.complete(&question("hello")).await.assert_ok();
    let answer = openai.complete(&question("hello")).await;
    assert_openai_error(&answer, 429, "insufficient_quota", "budget_spent");
    assert_eq!(answer.header("x-should-retry"), "false");
}

#[tokio::test]
async fn refused_requests_are_in_the_session_log() {
    let (model, setup, _service, openai) = start_with_key(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    openai.complete(&with(question("hello"), &json!({ "n": 2 }))).await;
    let line = &setup.wait_for_log_lines("refusal", 1).await[0];
    assert_eq!(line["endpoint"], "POST /v1/chat/completions");
    assert_eq!((&line["code"], &line["api_key"]), (&json!("unsupported_parameter"), &json!("shop")));
}
