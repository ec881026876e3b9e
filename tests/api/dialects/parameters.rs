//! Parameters and roles that a server refuses are left out, at once and from then on.

use serde_json::{Value, json};

use super::{Dialect, answer, hello_world};
use crate::fakes::scripted_model::Scripted;

fn refusal(message: &str) -> Scripted {
    Scripted::refusal(400, &json!({"error": {"message": message, "type": "invalid_request_error"}}).to_string())
}

#[tokio::test]
async fn stream_options_that_are_refused_are_left_out() {
    let dialect = Dialect::open(&[]).await;
    let refused = refusal("Unrecognized request argument supplied: stream_options");
    let streamed = dialect.stream(&[refused, Scripted::stream(hello_world())]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish(), dialect.calls()), ("Hello world", "complete", 2));
    let requests = dialect.model.requests();
    assert_eq!((requests[0].get("stream_options").is_some(), requests[1].get("stream_options")), (true, None));
    dialect.stream(&[Scripted::stream(hello_world())]).await;
    assert_eq!(dialect.calls(), 1);
    assert_eq!(dialect.model.requests()[0].get("stream_options"), None, "it is remembered");
}

#[tokio::test]
async fn limits_have_the_name_that_the_server_knows() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refused = refusal("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.");
    assert_eq!(dialect.whole(&[refused, answer("hi")]).await.text, "hi");
    let requests = dialect.model.requests();
    assert_eq!((&requests[0]["max_tokens"], &requests[1]["max_completion_tokens"]), (&json!(200), &json!(200)));
    assert_eq!(requests[1].get("max_tokens"), None);
    let neither =
        json!({"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]});
    let neither = Scripted::refusal(422, &neither.to_string());
    assert_eq!(dialect.whole(&[neither, answer("hi")]).await.text, "hi");
    assert_eq!(dialect.model.requests()[1].get("max_completion_tokens"), None);
}

#[tokio::test]
async fn several_refusals_are_met_one_after_the_other() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refusals = [refusal("stream_options is not allowed"), refusal("max_tokens is not allowed")];
    let answers = refusals.into_iter().chain([Scripted::stream(hello_world())]).collect::<Vec<_>>();
    assert_eq!((dialect.stream(&answers).await.text.as_str(), dialect.calls()), ("Hello world", 3));
    // A server that always refuses is asked no more often than there is something to leave out.
    let stubborn = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let outcome = stubborn.stream(&[refusal("stream, stream_options, max_tokens: all refused")]).await;
    assert_eq!((outcome.status, outcome.code()), (400, "request_refused"));
    assert!(stubborn.calls() <= 5, "{} calls", stubborn.calls());
}

#[tokio::test]
async fn a_gateway_that_names_no_parameter_is_understood() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refused = json!({"error": {"message": "m does not support parameters: {'max_tokens': 200}", "param": "None"}});
    let refused = Scripted::refusal(400, &refused.to_string());
    assert_eq!(dialect.whole(&[refused, answer("hi")]).await.text, "hi");
}

#[tokio::test]
async fn a_limit_above_what_the_model_writes_is_left_out() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "5000")]).await;
    let message = "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens";
    let outcome = dialect.whole(&[refusal(message), answer("hi")]).await;
    assert_eq!((outcome.text.as_str(), dialect.calls()), ("hi", 2), "the prompt is not too long");
    dialect.whole(&[answer("hi")]).await;
    assert_eq!((dialect.calls(), dialect.model.requests()[0].get("max_tokens")), (1, None));
}

#[tokio::test]
async fn a_server_that_fails_teaches_nothing() {
    let dialect = Dialect::open(&[]).await;
    let failed = Scripted::refusal(500, r#"{"error": {"message": "stream terminated; temperature of the GPU"}}"#);
    let outcome = dialect.stream(&[failed, Scripted::stream(hello_world())]).await;
    assert_eq!((outcome.status, dialect.calls()), (502, 1));
    dialect.stream(&[Scripted::stream(hello_world())]).await;
    assert_eq!(dialect.model.requests()[0]["stream"], true);
}

#[tokio::test]
async fn a_server_that_cannot_stream_is_asked_for_the_whole() {
    let dialect = Dialect::open(&[]).await;
    let refused =
        json!({"error": {"message": "Your organization must be verified to stream this model.", "param": "stream"}});
    let refused = Scripted::refusal(400, &refused.to_string());
    let streamed = dialect.stream(&[refused, answer("hi")]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish()), ("hi", "complete"));
    assert_eq!(dialect.model.requests()[1].get("stream"), None);
}

#[tokio::test]
async fn templates_that_refuse_roles_get_what_they_take() {
    let dialect = Dialect::open(&[]).await;
    let history = json!([{"role": "assistant", "content": "Welcome!"}, {"role": "user", "content": "hi"}]);
    let turn = |persona: Value| json!({"message": "hello", "history": history, "persona": persona});
    let roles = |request: &Value| {
        let messages = request["messages"].as_array().expect("messages");
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let alternate =
        json!({"error": {"code": 500, "message": "Jinja Exception: Conversation roles must alternate user/assistant"}});
    let alternate = Scripted::refusal(500, &alternate.to_string());
    assert_eq!(dialect.ask(&[alternate, answer("hi")], turn(Value::Null)).await.text, "hi");
    let requests = dialect.model.requests();
    assert_eq!(
        (roles(&requests[0]), roles(&requests[1])),
        (vec!["assistant".into(), "user".into()], vec!["user".to_owned()])
    );
    // The template of Mistral says the same of a system message.
    let other = Dialect::open(&[]).await;
    let said = refusal("Conversation roles must alternate user/assistant/user/assistant/...");
    let request = json!({"message": "hello", "persona": "assistant"});
    assert_eq!(other.ask(&[said, answer("hi")], request).await.text, "hi");
    assert_eq!(roles(&other.model.requests()[1]), ["user"]);
    let no_system = refusal("System role not supported");
    assert_eq!(dialect.ask(&[no_system, answer("hi")], turn(json!("assistant"))).await.text, "hi");
    let requests = dialect.model.requests();
    assert_eq!(
        (roles(&requests[0]), roles(&requests[1])),
        (vec!["system".into(), "user".into()], vec!["user".to_owned()])
    );
    let merged = requests[1]["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(merged.ends_with("\n\nhi\n\nhello"), "{merged}");
}

#[tokio::test]
async fn a_model_seen_to_reason_is_given_room_for_it() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let thoughts = json!({"content": null, "reasoning_content": "Let me think"});
    let cut = json!({"choices": [{"message": thoughts, "finish_reason": "length"}],
                     "usage": {"prompt_tokens": 7, "completion_tokens": 200}});
    let cut = Scripted::whole(cut.to_string());
    let outcome = dialect.whole(&[cut.clone(), answer("hi")]).await;
    assert_eq!((outcome.text.as_str(), dialect.calls()), ("hi", 2));
    assert_eq!(outcome.usage(), (14, 203, "provider"), "both attempts are counted");
    let requests = dialect.model.requests();
    assert_eq!((&requests[0]["max_tokens"], &requests[1]["max_tokens"]), (&json!(200), &json!(4296)));
    let outcome = dialect.whole(&[cut]).await;
    assert_eq!((outcome.code(), dialect.calls()), ("model_answer_empty", 1), "no allowance helps a second time");
}
