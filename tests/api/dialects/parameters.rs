//! Parameters and roles that a server rejects are omitted, in the retry and in later turns.

use serde_json::{Value, json};

use super::{Dialect, answer, hello_world};
use crate::fakes::scripted_model::ScriptedResponse;

fn refusal(message: &str) -> ScriptedResponse {
    ScriptedResponse::error(400, &json!({"error": {"message": message, "type": "invalid_request_error"}}).to_string())
}

#[tokio::test]
async fn rejected_stream_options_are_omitted() {
    let dialect = Dialect::open(&[]).await;
    let refused = refusal("Unrecognized request argument supplied: stream_options");
    let streamed = dialect.stream(&[refused, ScriptedResponse::stream(hello_world())]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish(), dialect.calls()), ("Hello world", "complete", 2));
    let requests = dialect.model.requests();
    assert_eq!((requests[0].get("stream_options").is_some(), requests[1].get("stream_options")), (true, None));
    dialect.stream(&[ScriptedResponse::stream(hello_world())]).await;
    assert_eq!(dialect.calls(), 1);
    assert_eq!(dialect.model.requests()[0].get("stream_options"), None, "the parameter was not remembered");
}

#[tokio::test]
async fn the_token_limit_uses_the_name_that_the_server_accepts() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refused = refusal("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.");
    assert_eq!(dialect.whole(&[refused, answer("hi")]).await.text, "hi");
    let requests = dialect.model.requests();
    assert_eq!((&requests[0]["max_tokens"], &requests[1]["max_completion_tokens"]), (&json!(200), &json!(200)));
    assert_eq!(requests[1].get("max_tokens"), None);
    let neither =
        json!({"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]});
    let neither = ScriptedResponse::error(422, &neither.to_string());
    assert_eq!(dialect.whole(&[neither, answer("hi")]).await.text, "hi");
    assert_eq!(dialect.model.requests()[1].get("max_completion_tokens"), None);
}

#[tokio::test]
async fn several_rejected_parameters_are_corrected_in_turn() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refusals = [refusal("stream_options is not allowed"), refusal("max_tokens is not allowed")];
    let answers = refusals.into_iter().chain([ScriptedResponse::stream(hello_world())]).collect::<Vec<_>>();
    assert_eq!((dialect.stream(&answers).await.text.as_str(), dialect.calls()), ("Hello world", 3));
    // A server that rejects every request is called no more often than there are parameters to omit.
    let stubborn = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let outcome = stubborn.stream(&[refusal("stream, stream_options, max_tokens: all refused")]).await;
    assert_eq!((outcome.status, outcome.code()), (400, "request_refused"));
    assert!(stubborn.calls() <= 5, "{} calls", stubborn.calls());
}

#[tokio::test]
async fn an_error_without_a_parameter_name_is_understood() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let refused = json!({"error": {"message": "m does not support parameters: {'max_tokens': 200}", "param": "None"}});
    let refused = ScriptedResponse::error(400, &refused.to_string());
    assert_eq!(dialect.whole(&[refused, answer("hi")]).await.text, "hi");
}

#[tokio::test]
async fn a_token_limit_above_the_models_maximum_is_omitted() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "5000")]).await;
    let message = "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens";
    let outcome = dialect.whole(&[refusal(message), answer("hi")]).await;
    assert_eq!((outcome.text.as_str(), dialect.calls()), ("hi", 2), "the prompt is too long");
    dialect.whole(&[answer("hi")]).await;
    assert_eq!((dialect.calls(), dialect.model.requests()[0].get("max_tokens")), (1, None));
}

#[tokio::test]
async fn a_server_error_changes_no_parameters() {
    let dialect = Dialect::open(&[]).await;
    let failed = ScriptedResponse::error(500, r#"{"error": {"message": "stream terminated; temperature of the GPU"}}"#);
    let outcome = dialect.stream(&[failed, ScriptedResponse::stream(hello_world())]).await;
    assert_eq!((outcome.status, dialect.calls()), (502, 1));
    dialect.stream(&[ScriptedResponse::stream(hello_world())]).await;
    assert_eq!(dialect.model.requests()[0]["stream"], true);
}

#[tokio::test]
async fn a_server_without_streaming_gets_whole_requests() {
    let dialect = Dialect::open(&[]).await;
    let refused =
        json!({"error": {"message": "Your organization must be verified to stream this model.", "param": "stream"}});
    let refused = ScriptedResponse::error(400, &refused.to_string());
    let streamed = dialect.stream(&[refused, answer("hi")]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish()), ("hi", "complete"));
    assert_eq!(dialect.model.requests()[1].get("stream"), None);
}

#[tokio::test]
async fn rejected_roles_are_replaced() {
    let dialect = Dialect::open(&[]).await;
    let history = json!([{"role": "assistant", "content": "Welcome!"}, {"role": "user", "content": "hi"}]);
    let turn = |persona: Value| json!({"message": "hello", "history": history, "persona": persona});
    let roles = |request: &Value| {
        let messages = request["messages"].as_array().expect("messages");
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let alternate =
        json!({"error": {"code": 500, "message": "Jinja Exception: Conversation roles must alternate user/assistant"}});
    let alternate = ScriptedResponse::error(500, &alternate.to_string());
    assert_eq!(dialect.ask(&[alternate, answer("hi")], turn(Value::Null)).await.text, "hi");
    let requests = dialect.model.requests();
    assert_eq!(
        (roles(&requests[0]), roles(&requests[1])),
        (vec!["assistant".into(), "user".into()], vec!["user".to_owned()])
    );
    // The chat template of Mistral has the same error for a system message.
    let other = Dialect::open(&[]).await;
    let role_error = refusal("Conversation roles must alternate user/assistant/user/assistant/...");
    let request = json!({"message": "hello", "persona": "assistant"});
    assert_eq!(other.ask(&[role_error, answer("hi")], request).await.text, "hi");
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
async fn a_reasoning_model_gets_a_higher_token_limit() {
    let dialect = Dialect::open(&[("MAX_ANSWER_TOKENS", "200")]).await;
    let thoughts = json!({"content": null, "reasoning_content": "Let me think"});
    let cut = json!({"choices": [{"message": thoughts, "finish_reason": "length"}],
                     "usage": {"prompt_tokens": 7, "completion_tokens": 200}});
    let cut = ScriptedResponse::whole(cut.to_string());
    let outcome = dialect.whole(&[cut.clone(), answer("hi")]).await;
    assert_eq!((outcome.text.as_str(), dialect.calls()), ("hi", 2));
    assert_eq!(outcome.usage(), (14, 203, "provider"), "both attempts are counted");
    let requests = dialect.model.requests();
    assert_eq!((&requests[0]["max_tokens"], &requests[1]["max_tokens"]), (&json!(200), &json!(4296)));
    let outcome = dialect.whole(&[cut]).await;
    assert_eq!((outcome.code(), dialect.calls()), ("model_answer_empty", 1), "a second rejection was retried");
}
