//! Errors and timeouts of the model: the client's error, and that the next turn works.

use serde_json::json;

use crate::{
    fakes::model::{Behaviour, Reply},
    support::{
        client::HttpResponse,
        service::{TestSetup, start_with},
    },
};

/// A text in every response of the model that must never reach a client.
const UPSTREAM_TEXT: &str = "babble-7261";

/// Disables retries and the circuit breaker, so that each failure is returned immediately.
const NO_RETRIES: [(&str, &str); 2] = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")];

fn refusal(status: u16, body: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![], body: body.to_owned() }
}

fn refusal_until(status: u16, retry_after: &str, body: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![("retry-after", retry_after.to_owned())], body: body.to_owned() }
}

/// Returns an error body in OpenAI's format.
fn openai_error(code: &str) -> String {
    json!({"error": {"message": format!("{UPSTREAM_TEXT} sk-local"), "type": "error", "param": UPSTREAM_TEXT, "code": code}})
        .to_string()
}

/// Asserts that the turn failed with this error, and that its log line has this finish reason.
#[track_caller]
fn assert_failure(answer: &HttpResponse, setup: &TestSetup, status: u16, code: &str, finish: &str) {
    answer.assert_error(status, code);
    for secret in [UPSTREAM_TEXT, "sk-local"] {
        assert!(!answer.text.contains(secret), "{secret} is in {}", answer.text);
    }
    let line = setup.log_lines("chat").pop().expect("a chat line");
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    assert_eq!((&line["status"], &line["code"]), (&json!(status), &json!(code)));
    assert_eq!((&line["finish"], &line["credential_source"]), (&json!(finish), &json!("local_env")));
    assert!(!line.to_string().contains(UPSTREAM_TEXT), "{line}");
}

#[tokio::test]
async fn each_error_of_the_model_has_its_status_and_code() {
    let (model, setup, service) = start_with(&NO_RETRIES).await;
    let babble = json!({"error": UPSTREAM_TEXT}).to_string();
    let not_found = format!(r#"{{"error": {{"message": "model '{UPSTREAM_TEXT}' not found", "code": null}}}}"#);
    let vllm = format!(r#"{{"message": "This model's maximum context length is 4096 {UPSTREAM_TEXT}", "code": 400}}"#);
    let rows = [
        (refusal_until(429, "7", &babble), 429, "rate_limited", "7"),
        (refusal(429, &openai_error("rate_limit_exceeded")), 429, "rate_limited", "10"),
        (refusal_until(429, "never", &babble), 429, "rate_limited", "10"),
        (refusal_until(429, "30", &openai_error("insufficient_quota")), 429, "quota_exhausted", "30"),
        (refusal(429, &openai_error("insufficient_quota")), 429, "quota_exhausted", "10"),
        (refusal(400, &openai_error("context_length_exceeded")), 400, "prompt_too_long", ""),
        (refusal(400, &vllm), 400, "prompt_too_long", ""),
        (refusal(413, UPSTREAM_TEXT), 400, "prompt_too_long", ""),
        (refusal(404, &openai_error("model_not_found")), 400, "model_not_found", ""),
        (refusal(404, &not_found), 400, "model_not_found", ""),
        (refusal(404, UPSTREAM_TEXT), 502, "model_failed", ""),
        (refusal(400, &babble), 400, "request_refused", ""),
        (refusal(422, UPSTREAM_TEXT), 400, "request_refused", ""),
        (refusal(403, &babble), 502, "model_forbidden", ""),
        (refusal(418, &babble), 502, "model_failed", ""),
        (refusal(302, UPSTREAM_TEXT), 502, "model_failed", ""),
        (refusal(500, &babble), 502, "model_failed", ""),
        (refusal(502, UPSTREAM_TEXT), 502, "model_failed", ""),
        (refusal_until(503, "3", &babble), 503, "model_overloaded", "3"),
        (refusal(503, UPSTREAM_TEXT), 503, "model_overloaded", "10"),
    ];
    for (behaviour, status, code, retry_after) in rows {
        model.behave_once(behaviour);
        let answer = service.client.chat("hello").await;
        assert_failure(&answer, &setup, status, code, "upstream_error");
        assert_eq!(answer.header("retry-after"), retry_after, "{code}");
    }
    model.behave_once(refusal(504, UPSTREAM_TEXT));
    assert_failure(&service.client.chat("hello").await, &setup, 504, "model_timeout", "timeout");
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn invalid_answers_of_the_model_are_bad_gateways() {
    let settings = [NO_RETRIES[0], NO_RETRIES[1], ("MODEL_RESPONSE_LIMIT", "64KiB")];
    let (model, setup, service) = start_with(&settings).await;
    let respond_ok = |body: &str| Behaviour::Respond { status: 200, headers: vec![], body: body.to_owned() };
    let unreadable = "model_answer_unreadable";
    let rows = [
        (Behaviour::Html(format!("<html>{UPSTREAM_TEXT}</html>")), unreadable),
        (respond_ok(""), unreadable),
        (respond_ok(r#"{"choices": []}"#), unreadable),
        (respond_ok(r#"{"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}"#), "model_answer_empty"),
        (respond_ok(&openai_error("server_error")), "model_failed"),
        (Behaviour::Huge(1000), unreadable),
        (Behaviour::Huge(1 << 20), "model_answer_too_large"),
        (Behaviour::Truncated, "model_connection_lost"),
    ];
    for (behaviour, code) in rows {
        model.behave_once(behaviour);
        assert_failure(&service.client.chat("hello").await, &setup, 502, code, "upstream_error");
        service.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn an_answer_within_the_size_limit_is_complete() {
    let (model, _setup, service) = start_with(&[("MODEL_RESPONSE_LIMIT", "2MiB")]).await;
    for words in [12_000, 300_000] {
        let text = "long ".repeat(words);
        model.set_behaviour(Behaviour::Answer(Reply { text: text.clone(), ..Reply::default() }));
        assert_eq!(service.client.chat("hello").await.assert_ok()["message"], text);
    }
}

#[tokio::test]
async fn a_stopped_model_is_unreachable_until_it_restarts() {
    let (model, setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    model.stop().await;
    assert_failure(&service.client.chat("hello").await, &setup, 502, "model_unreachable", "upstream_error");
    model.restart().await;
    service.client.chat("hello").await.assert_ok();
}

/// Asserts that a turn ends with a timeout of this setting; all other timeouts are far longer. The model's connection
/// must be closed, and the next turn must work. Streams must fail before their start.
async fn check_timeout(setting: &str, stream: bool, behaviour: Behaviour) {
    let (model, setup, service) = start_with(&[(setting, "300ms")]).await;
    model.behave_once(behaviour);
    let answer = service.client.post("/api/chat", &json!({"message": "hello", "stream": stream})).await;
    assert_failure(&answer, &setup, 504, "model_timeout", "timeout");
    model.wait_for_disconnects(1).await;
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn a_silent_model_ends_at_the_first_byte_timeout() {
    check_timeout("MODEL_FIRST_BYTE_TIMEOUT", true, Behaviour::Silent).await;
}

#[tokio::test]
async fn a_stalled_answer_ends_at_the_idle_timeout() {
    check_timeout("MODEL_IDLE_TIMEOUT", true, Behaviour::StallAfterHeaders).await;
}

#[tokio::test]
async fn a_silent_model_ends_at_the_turn_timeout() {
    check_timeout("TURN_TIMEOUT", false, Behaviour::Silent).await;
}

#[tokio::test]
async fn a_stalled_answer_ends_at_the_turn_timeout() {
    check_timeout("TURN_TIMEOUT", false, Behaviour::StallAfterHeaders).await;
}

#[tokio::test]
async fn missing_usage_is_replaced_by_estimates() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(Behaviour::Answer(Reply { with_usage: false, ..Reply::default() }));
    let body = service.client.chat("hello").await.assert_ok();
    assert_eq!(body["message"], Reply::default().text);
    // "hello" is one token, a chat of one message adds seven; the answer has five words and a full stop.
    let estimated = json!({"prompt_tokens": 8, "completion_tokens": 6, "total_tokens": 14, "model": "gpt-4o-mini"});
    assert_eq!(body["usage"], estimated);
    service.client.chat("hello").await.assert_ok();
    let sources = setup.log_lines("chat").into_iter().map(|line| line["usage_source"].clone());
    assert_eq!(sources.collect::<Vec<_>>(), ["estimated", "provider"]);
}

#[tokio::test]
async fn invalid_usage_is_replaced_by_estimates() {
    let (model, setup, service) = start_with(&[]).await;
    let senseless = [
        json!(null),
        json!([]),
        json!("many"),
        json!({"prompt_tokens": 9_000_000_000_000_000_000_u64, "completion_tokens": 6}),
        json!({"prompt_tokens": 12, "completion_tokens": u64::MAX}),
        json!({"prompt_tokens": -12, "completion_tokens": 6}),
        json!({"prompt_tokens": 1.5, "completion_tokens": 6}),
        json!({"prompt_tokens": "12", "completion_tokens": "6"}),
        json!({"prompt_tokens": {}, "completion_tokens": []}),
    ];
    for usage in &senseless {
        let choice = json!({"message": {"content": "Hello."}, "finish_reason": "stop"});
        model.behave_once(refusal(200, &json!({"choices": [choice], "usage": usage}).to_string()));
        let body = service.client.chat("hello").await.assert_ok();
        assert_eq!((&body["message"], &body["usage"]["total_tokens"]), (&json!("Hello."), &json!(10)), "{usage}");
        let line = setup.log_lines("chat").pop().expect("a chat line");
        assert_eq!((&line["usage_source"], &line["total_tokens"]), (&json!("estimated"), &json!(10)), "{usage}");
        for _ in 0..3 {
            service.client.chat("hello").await.assert_ok();
        }
    }
    service.stop().await;
    let service = setup.start().await;
    for _ in 0..3 {
        service.client.chat("hello").await.assert_ok();
    }
    let totals = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(totals["request_count"], senseless.len() * 4 + 3);
    let told_and_estimated = (senseless.len() * 3 + 3) * 18 + senseless.len() * 10;
    assert_eq!(totals["total_tokens"], told_and_estimated, "invalid figures were summed up");
    service.stop().await;
}

#[tokio::test]
async fn an_answer_with_a_content_filter_reports_it() {
    let (model, setup, service) = start_with(&[]).await;
    for message in [json!({"content": ""}), json!({"content": null}), json!({})] {
        let choice = json!({"message": message, "finish_reason": "content_filter"});
        model.behave_once(refusal(200, &json!({"choices": [choice], "usage": {"prompt_tokens": 3}}).to_string()));
        assert_failure(&service.client.chat("hello").await, &setup, 400, "answer_withheld", "upstream_error");
        service.client.chat("hello").await.assert_ok();
    }
}
