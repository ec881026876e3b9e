//! The model misbehaves: what the client is told, and that the next turn is none the worse for it.

use serde_json::json;

use crate::{
    fakes::model::{Behaviour, Reply},
    support::{
        client::HttpResponse,
        service::{TestSetup, start_with},
    },
};

/// Stands in everything the upstream says; must never reach a client.
const BABBLE: &str = "babble-7261";

/// Each failure of the model is told at once: it is neither asked again nor left alone.
const AT_ONCE: [(&str, &str); 2] = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")];

fn refusal(status: u16, body: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![], body: body.to_owned() }
}

fn refusal_until(status: u16, retry_after: &str, body: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![("retry-after", retry_after.to_owned())], body: body.to_owned() }
}

/// An error body as OpenAI words it.
fn openai_error(code: &str) -> String {
    json!({"error": {"message": format!("{BABBLE} sk-local"), "type": "error", "param": BABBLE, "code": code}})
        .to_string()
}

/// The turn must have failed in this way, and be logged so.
#[track_caller]
fn check_trouble(answer: &HttpResponse, setup: &TestSetup, status: u16, code: &str, finish: &str) {
    answer.assert_error(status, code);
    for secret in [BABBLE, "sk-local"] {
        assert!(!answer.text.contains(secret), "{secret} is in {}", answer.text);
    }
    let line = setup.log_lines("chat").pop().expect("a chat line");
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    assert_eq!((&line["status"], &line["code"]), (&json!(status), &json!(code)));
    assert_eq!((&line["finish"], &line["credential_source"]), (&json!(finish), &json!("local_env")));
    assert!(!line.to_string().contains(BABBLE), "{line}");
}

#[tokio::test]
async fn each_refusal_has_its_status_and_code() {
    let (model, setup, service) = start_with(&AT_ONCE).await;
    let babble = json!({"error": BABBLE}).to_string();
    let not_found = format!(r#"{{"error": {{"message": "model '{BABBLE}' not found", "code": null}}}}"#);
    let vllm = format!(r#"{{"message": "This model's maximum context length is 4096 {BABBLE}", "code": 400}}"#);
    let rows = [
        (refusal_until(429, "7", &babble), 429, "rate_limited", "7"),
        (refusal(429, &openai_error("rate_limit_exceeded")), 429, "rate_limited", "10"),
        (refusal_until(429, "never", &babble), 429, "rate_limited", "10"),
        (refusal_until(429, "30", &openai_error("insufficient_quota")), 429, "quota_exhausted", "30"),
        (refusal(429, &openai_error("insufficient_quota")), 429, "quota_exhausted", "10"),
        (refusal(400, &openai_error("context_length_exceeded")), 400, "prompt_too_long", ""),
        (refusal(400, &vllm), 400, "prompt_too_long", ""),
        (refusal(413, BABBLE), 400, "prompt_too_long", ""),
        (refusal(404, &openai_error("model_not_found")), 400, "model_not_found", ""),
        (refusal(404, &not_found), 400, "model_not_found", ""),
        (refusal(404, BABBLE), 502, "model_failed", ""),
        (refusal(400, &babble), 400, "request_refused", ""),
        (refusal(422, BABBLE), 400, "request_refused", ""),
        (refusal(403, &babble), 502, "model_forbidden", ""),
        (refusal(418, &babble), 502, "model_failed", ""),
        (refusal(302, BABBLE), 502, "model_failed", ""),
        (refusal(500, &babble), 502, "model_failed", ""),
        (refusal(502, BABBLE), 502, "model_failed", ""),
        (refusal_until(503, "3", &babble), 503, "model_overloaded", "3"),
        (refusal(503, BABBLE), 503, "model_overloaded", "10"),
    ];
    for (behaviour, status, code, retry_after) in rows {
        model.behave_once(behaviour);
        let answer = service.client.chat("hello").await;
        check_trouble(&answer, &setup, status, code, "upstream_error");
        assert_eq!(answer.header("retry-after"), retry_after, "{code}");
    }
    model.behave_once(refusal(504, BABBLE));
    check_trouble(&service.client.chat("hello").await, &setup, 504, "model_timeout", "timeout");
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn answers_that_are_none_are_bad_gateways_and_the_next_turn_works() {
    let settings = [AT_ONCE[0], AT_ONCE[1], ("MODEL_RESPONSE_LIMIT", "64KiB")];
    let (model, setup, service) = start_with(&settings).await;
    let said = |body: &str| Behaviour::Respond { status: 200, headers: vec![], body: body.to_owned() };
    let unreadable = "model_answer_unreadable";
    let rows = [
        (Behaviour::Html(format!("<html>{BABBLE}</html>")), unreadable),
        (said(""), unreadable),
        (said(r#"{"choices": []}"#), unreadable),
        (said(r#"{"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}"#), "model_answer_empty"),
        (said(&openai_error("server_error")), "model_failed"),
        (Behaviour::Huge(1000), unreadable),
        (Behaviour::Huge(1 << 20), "model_answer_too_large"),
        (Behaviour::Truncated, "model_connection_lost"),
    ];
    for (behaviour, code) in rows {
        model.behave_once(behaviour);
        check_trouble(&service.client.chat("hello").await, &setup, 502, code, "upstream_error");
        service.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn an_answer_within_the_limit_is_passed_on_whole() {
    let (model, _house, service) = start_with(&[("MODEL_RESPONSE_LIMIT", "2MiB")]).await;
    for words in [12_000, 300_000] {
        let text = "long ".repeat(words);
        model.set_behaviour(Behaviour::Answer(Reply { text: text.clone(), ..Reply::default() }));
        assert_eq!(service.client.chat("hello").await.assert_ok()["message"], text);
    }
}

#[tokio::test]
async fn a_model_that_is_away_is_unreachable_until_it_is_back() {
    let (model, setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    model.stop().await;
    check_trouble(&service.client.chat("hello").await, &setup, 502, "model_unreachable", "upstream_error");
    model.restart().await;
    service.client.chat("hello").await.assert_ok();
}

/// A turn must end in a timeout that is this setting's doing: all others are far longer. The model's connection must be
/// closed, and the next turn must work. Streams fail before they would begin without the model.
async fn check_timeout(setting: &str, stream: bool, behaviour: Behaviour) {
    let (model, setup, service) = start_with(&[(setting, "300ms")]).await;
    model.behave_once(behaviour);
    let answer = service.client.post("/api/chat", &json!({"message": "hello", "stream": stream})).await;
    check_trouble(&answer, &setup, 504, "model_timeout", "timeout");
    model.wait_for_disconnects(1).await;
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn a_silent_model_is_given_up_at_the_first_byte_timeout() {
    check_timeout("MODEL_FIRST_BYTE_TIMEOUT", true, Behaviour::Silent).await;
}

#[tokio::test]
async fn a_model_that_stalls_in_its_answer_is_given_up_at_the_idle_timeout() {
    check_timeout("MODEL_IDLE_TIMEOUT", true, Behaviour::StallAfterHeaders).await;
}

#[tokio::test]
async fn a_silent_model_is_given_up_at_the_turn_timeout() {
    check_timeout("TURN_TIMEOUT", false, Behaviour::Silent).await;
}

#[tokio::test]
async fn a_stalling_model_is_given_up_at_the_turn_timeout() {
    check_timeout("TURN_TIMEOUT", false, Behaviour::StallAfterHeaders).await;
}

#[tokio::test]
async fn an_answer_without_usage_is_an_answer_and_its_tokens_are_estimated() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(Behaviour::Answer(Reply { with_usage: false, ..Reply::default() }));
    let body = service.client.chat("hello").await.assert_ok();
    assert_eq!(body["message"], Reply::default().text);
    // "hello" is a token, a chat of one message takes seven more; the answer is five words and a full stop.
    let estimated = json!({"prompt_tokens": 8, "completion_tokens": 6, "total_tokens": 14, "model": "gpt-4o-mini"});
    assert_eq!(body["usage"], estimated);
    service.client.chat("hello").await.assert_ok();
    let sources = setup.log_lines("chat").into_iter().map(|line| line["usage_source"].clone());
    assert_eq!(sources.collect::<Vec<_>>(), ["estimated", "provider"]);
}

#[tokio::test]
async fn figures_that_make_no_sense_are_replaced_by_estimates_and_stand_in_nobodys_way() {
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
    assert_eq!(totals["total_tokens"], told_and_estimated, "only figures that make sense are summed up");
    service.stop().await;
}

#[tokio::test]
async fn an_answer_that_the_models_filter_withholds_is_told_as_such() {
    let (model, setup, service) = start_with(&[]).await;
    for message in [json!({"content": ""}), json!({"content": null}), json!({})] {
        let choice = json!({"message": message, "finish_reason": "content_filter"});
        model.behave_once(refusal(200, &json!({"choices": [choice], "usage": {"prompt_tokens": 3}}).to_string()));
        check_trouble(&service.client.chat("hello").await, &setup, 400, "answer_withheld", "upstream_error");
        service.client.chat("hello").await.assert_ok();
    }
}
