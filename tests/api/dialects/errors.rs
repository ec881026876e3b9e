//! Errors in statuses, bodies and events, and their classification.

use serde_json::{Value, json};

use super::{DONE, Dialect, answer, event, hello_world, piece};
use crate::fakes::scripted_model::ScriptedResponse;

/// Returns error bodies with the status and the code that they stand for.
fn disguised() -> Vec<(Value, u16, &'static str)> {
    vec![
        (json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}), 429, "rate_limited"),
        (json!({"error": {"code": "429", "message": "x"}}), 429, "rate_limited"),
        (json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]), 429, "rate_limited"),
        (json!({"error": {"message": "overloaded", "code": 503}}), 503, "model_overloaded"),
        (json!({"type": "error", "error": {"type": "overloaded_error"}}), 503, "model_overloaded"),
        (json!({"object": "error", "message": "engine died", "code": 500}), 502, "model_failed"),
        (json!({"error": "boom"}), 502, "model_failed"),
        (json!({"detail": "Internal problem"}), 502, "model_failed"),
        (json!({"status": 504, "title": "Gateway Timeout"}), 504, "model_timeout"),
        (json!({"error": "Too Many Requests", "status": 429}), 429, "rate_limited"),
        (json!({"error": {"message": "Invalid token"}, "code": 401}), 401, "invalid_api_key"),
        (json!({"detail": {"code": 500, "message": "engine died"}}), 502, "model_failed"),
        (json!({"choices": [{"message": {"content": ""}, "error": {"code": 502}}]}), 502, "model_failed"),
        (json!({"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}), 401, "invalid_api_key"),
        (json!({"error": {"code": "insufficient_quota"}}), 429, "quota_exhausted"),
        (json!({"error": {"message": "maximum context length is 10 tokens"}}), 400, "prompt_too_long"),
    ]
}

#[tokio::test]
async fn an_error_in_a_200_gets_its_own_status() {
    let dialect = Dialect::open(&[]).await;
    for (body, status, code) in disguised() {
        let whole = dialect.whole(&[ScriptedResponse::whole(body.to_string())]).await;
        assert_eq!((whole.status, whole.code()), (status, code), "{body}");
        let instead_of_stream = dialect.stream(&[ScriptedResponse::whole(body.to_string())]).await;
        assert_eq!((instead_of_stream.status, instead_of_stream.code()), (status, code), "{body}");
    }
}

#[tokio::test]
async fn an_error_in_the_first_event_sets_the_status() {
    let dialect = Dialect::open(&[]).await;
    for (body, status, code) in disguised() {
        let first = dialect.stream(&[ScriptedResponse::stream([event(&body), DONE.to_owned()])]).await;
        assert_eq!((first.status, first.code(), first.end.as_deref()), (status, code, None), "{body}");
    }
    let pieces = ["event: error\n", "data: {\"error\":{\"code\":429}}\n", "\n"];
    let in_pieces = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
    assert_eq!((in_pieces.status, in_pieces.code()), (429, "rate_limited"));
    let named = dialect.stream(&[ScriptedResponse::stream(["event: error\ndata: {\"message\":\"boom\"}\n\n"])]).await;
    assert_eq!((named.status, named.code()), (502, "model_failed"));
}

#[tokio::test]
async fn an_error_after_text_ends_the_stream_with_its_code() {
    let dialect = Dialect::open(&[]).await;
    let text = piece("Hel", Value::Null);
    for (body, _, code) in disguised() {
        let streamed = dialect.stream(&[ScriptedResponse::stream([text.clone(), event(&body), DONE.to_owned()])]).await;
        assert_eq!((streamed.end.as_deref(), streamed.code(), streamed.text.as_str()), (Some("error"), code, "Hel"));
        assert_eq!(streamed.usage().2, "estimated");
    }
    let named = "event: error\ndata: {\"message\":\"boom\"}\n\n";
    let streamed = dialect.stream(&[ScriptedResponse::stream([text.as_str(), named, DONE])]).await;
    assert_eq!((streamed.end.as_deref(), streamed.code()), (Some("error"), "model_failed"));
}

#[tokio::test]
async fn a_transient_error_in_a_200_is_retried() {
    let dialect = Dialect::open(&[("MODEL_RETRIES", "2")]).await;
    let overloaded = ScriptedResponse::whole(r#"{"error": {"message": "overloaded, try later", "code": 503}}"#);
    let whole = dialect.whole(&[overloaded, answer("Hello world")]).await;
    assert_eq!((whole.status, whole.text.as_str(), dialect.calls()), (200, "Hello world", 2));
    let first_event = ScriptedResponse::stream([event(&json!({"error": {"code": "503"}}))]);
    let streamed = dialect.stream(&[first_event, ScriptedResponse::stream(hello_world())]).await;
    assert_eq!((streamed.finish(), streamed.text.as_str(), dialect.calls()), ("complete", "Hello world", 2));
}

#[tokio::test]
async fn rejections_are_classified_by_their_message() {
    let dialect = Dialect::open(&[]).await;
    let error = |message: &str| json!({"error": {"message": message}}).to_string();
    let too_long = (400, "prompt_too_long");
    let no_credit = (429, "quota_exhausted");
    let filtered = (400, "answer_withheld");
    let bad_key = (401, "invalid_api_key");
    let rows = [
        (400, error("The input token count (20) exceeds the maximum number of tokens allowed (10)."), too_long),
        (400, error("Input validation error: `inputs` must have less than 4096 tokens. Given: 5012"), too_long),
        (400, error("Requested tokens (5000) exceed max_seq_len of 4096"), too_long),
        (422, error("prompt is too long: 213462 tokens > 200000 maximum"), too_long),
        (402, error("Insufficient Balance"), no_credit),
        (402, String::new(), no_credit),
        (412, error("Usage limit exceeded"), no_credit),
        (400, error("Your credit balance is too low to access the API"), no_credit),
        (422, error("Budget has been exceeded! Current cost: 1.2, Max budget: 1.0"), no_credit),
        (429, json!({"error": {"type": "budget_exceeded", "code": "429"}}).to_string(), no_credit),
        (400, json!([{"error": {"message": "API key not valid."}}]).to_string(), bad_key),
        (403, error("Your API key was reported as leaked. Please use another API key."), bad_key),
        (400, json!({"error": {"code": "content_filter", "innererror": {}}}).to_string(), filtered),
        (403, error("The request was rejected due to inappropriate content"), filtered),
        (422, json!({"error": {"type": "guardrail_violation"}}).to_string(), filtered),
        (446, String::new(), filtered),
    ];
    for (status, body, expected) in rows {
        let whole = dialect.whole(&[ScriptedResponse::error(status, &body)]).await;
        assert_eq!((whole.status, whole.code()), expected, "{status} {body}");
        let streamed = dialect.stream(&[ScriptedResponse::error(status, &body)]).await;
        assert_eq!((streamed.status, streamed.code()), expected, "{status} {body}");
    }
}

#[tokio::test]
async fn the_providers_retry_after_is_respected() {
    let dialect = Dialect::open(&[("MODEL_RETRIES", "1"), ("TURN_TIMEOUT", "2s")]).await;
    let busy = |name, value| ScriptedResponse::error(429, r#"{"error": {"message": "x"}}"#).with(name, value);
    for (name, value) in [("retry-after-ms", "40"), ("x-ratelimit-reset-tokens", "17ms")] {
        let outcome = dialect.whole(&[busy(name, value), answer("hi")]).await;
        assert_eq!((outcome.status, dialect.calls()), (200, 2), "{name}");
    }
    let outcome = dialect.whole(&[busy("x-ratelimit-reset-requests", "6m0s"), answer("hi")]).await;
    assert_eq!((outcome.status, dialect.calls()), (429, 1), "a turn waited too long");
}

#[tokio::test]
async fn the_providers_message_is_shown_only_in_the_log() {
    let model = crate::fakes::scripted_model::ScriptedModel::start().await;
    let setup = crate::support::service::TestSetup::new()
        .with("OPENAI_BASE_URL", &model.base_url())
        .with("OPENAI_API_KEY", "sk-local-0123456789abcdef");
    let mut process = setup.start_process().await;
    let message = "zebra 7: bad key sk-local-0123456789abcdef for 'my private question'";
    model.set_responses(&[ScriptedResponse::error(400, &json!({"error": {"message": message}}).to_string())]);
    let answer = process.client.chat("my private question").await;
    answer.assert_error(400, "request_refused");
    assert!(!answer.text.contains("zebra"), "{}", answer.text);
    process.terminate();
    let mut diagnostics = String::new();
    while let Some(line) = process.diagnostics.recv().await {
        diagnostics.push_str(&line);
    }
    assert!(diagnostics.contains("zebra 7: bad key [redacted] for"), "{diagnostics}");
    assert!(!diagnostics.contains("private question") && !diagnostics.contains("0123456789abcdef"), "{diagnostics}");
}

#[tokio::test]
async fn a_rejected_request_releases_its_idempotency_key() {
    let dialect = Dialect::open(&[]).await;
    let refusals = [
        ScriptedResponse::error(403, r#"{"error": {"type": "guardrail_violation"}}"#),
        ScriptedResponse::error(402, "{}"),
        ScriptedResponse::whole(r#"{"error": {"code": 429}}"#),
    ];
    for (number, refusal) in refusals.into_iter().enumerate() {
        let client = &dialect.service.client;
        let send = || {
            let request = client.json_request("/api/chat", &json!({"message": "hello"}));
            client.send(request.header("idempotency-key", format!("key-{number}")))
        };
        dialect.model.set_responses(&[refusal, answer("hi")]);
        assert!(send().await.status.is_client_error());
        assert_eq!(send().await.assert_ok()["message"], "hi");
    }
}
