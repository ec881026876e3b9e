//! Ends of answers: finish reasons, cut connections, and content filters.

use serde_json::{Value, json};

use super::{DONE, Dialect, answer, event, hello_world, piece};
use crate::fakes::scripted_model::{End, ScriptedResponse};

#[tokio::test]
async fn an_empty_finish_reason_does_not_end_the_stream() {
    let dialect = Dialect::open(&[]).await;
    for blank in [json!(""), json!(" "), json!("null")] {
        let pieces = [piece("Hello", blank.clone()), piece(" wor", blank.clone())];
        let cut = dialect.stream(&[ScriptedResponse::stream(pieces.clone()).ending(End::Truncated)]).await;
        assert_eq!((cut.end.as_deref(), cut.code()), (Some("error"), "model_connection_lost"));
        let vanished = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
        assert_eq!((vanished.end.as_deref(), vanished.code()), (Some("error"), "model_connection_lost"));
        let pieces = [piece("Hello", blank.clone()), piece(" world", blank), piece("", "stop"), DONE.to_owned()];
        let whole = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
        assert_eq!((whole.text.as_str(), whole.finish()), ("Hello world", "complete"));
    }
}

#[tokio::test]
async fn text_after_a_finish_reason_continues_the_answer() {
    let dialect = Dialect::open(&[]).await;
    let (early, late) = (piece("Hel", "stop"), piece("lo", Value::Null));
    let done = dialect.stream(&[ScriptedResponse::stream([early.as_str(), late.as_str(), DONE])]).await;
    assert_eq!((done.text.as_str(), done.finish()), ("Hello", "complete"));
    let in_each = [piece("Hello", "stop"), piece(" wor", "stop")];
    let in_order = dialect.stream(&[ScriptedResponse::stream(in_each.clone())]).await;
    assert_eq!((in_order.text.as_str(), in_order.finish()), ("Hello wor", "complete"));
    // A body without framing can be cut off without a sign.
    for end in [End::Reset, End::Truncated, End::Close] {
        let broken = dialect.stream(&[ScriptedResponse::stream(in_each.clone()).ending(end)]).await;
        assert_eq!((broken.end.as_deref(), broken.code()), (Some("error"), "model_connection_lost"), "{end:?}");
        assert_eq!(broken.line["finish"], "upstream_error");
    }
}

#[tokio::test]
async fn an_answer_with_a_finish_reason_is_complete_if_cut_off() {
    let dialect = Dialect::open(&[]).await;
    let pieces = [piece("Hello", Value::Null), piece("", "stop")];
    for end in [End::Chunked, End::Close, End::Truncated, End::Trailer] {
        let outcome = dialect.stream(&[ScriptedResponse::stream(pieces.clone()).ending(end)]).await;
        assert_eq!((outcome.text.as_str(), outcome.finish()), ("Hello", "complete"), "{end:?}");
    }
}

#[tokio::test]
async fn a_last_event_without_a_blank_line_is_read() {
    let dialect = Dialect::open(&[]).await;
    let only = piece("Hi", "stop");
    for end in ["", "\n"] {
        let text = format!("\u{feff}{}{end}", only.trim_end());
        let outcome = dialect.stream(&[ScriptedResponse::stream([text])]).await;
        assert_eq!((outcome.text.as_str(), outcome.finish()), ("Hi", "complete"), "{end:?}");
        assert_eq!(outcome.line["response_model"], "m-1");
    }
}

#[tokio::test]
async fn error_finish_reasons_are_failures() {
    let dialect = Dialect::open(&[]).await;
    for reason in ["error", "insufficient_system_resource", "network_error", "abort", "time_limit"] {
        let pieces = [piece("Hel", Value::Null), piece("", reason), DONE.to_owned()];
        let streamed = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
        assert_eq!((streamed.end.as_deref(), streamed.code()), (Some("error"), "model_failed"), "{reason}");
        assert_eq!((streamed.text.as_str(), &streamed.line["finish"]), ("Hel", &json!("upstream_error")));
        let choice = json!({"message": {"content": "Hel"}, "finish_reason": reason});
        let whole = dialect.whole(&[ScriptedResponse::whole(json!({"choices": [choice]}).to_string())]).await;
        assert_eq!((whole.status, whole.code()), (502, "model_failed"), "{reason}");
    }
}

#[tokio::test]
async fn text_before_a_content_filter_is_kept() {
    let dialect = Dialect::open(&[]).await;
    let pieces = [piece("Some text", Value::Null), piece("", "content_filter"), DONE.to_owned()];
    let streamed = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish()), ("Some text", "content_filter"));
    assert_eq!((&streamed.line["finish"], &streamed.line["status"]), (&json!("content_filter"), &json!(200)));
    let choice = json!({"message": {"content": "Some text"}, "finish_reason": "content_filter"});
    let whole = dialect.whole(&[ScriptedResponse::whole(json!({"choices": [choice]}).to_string())]).await;
    assert_eq!((whole.text.as_str(), whole.finish()), ("Some text", "content_filter"));
    let silent = dialect.stream(&[ScriptedResponse::stream([piece("", "content_filter"), DONE.to_owned()])]).await;
    assert_eq!(silent.code(), "answer_withheld");
}

#[tokio::test]
async fn an_empty_answer_is_a_failure_with_a_cost() {
    let dialect = Dialect::open(&[]).await;
    let usage = json!({"prompt_tokens": 16, "completion_tokens": 1280});
    for message in [json!({"content": ""}), json!({"content": null, "reasoning_content": "Let me think"}), json!({})] {
        let choice = json!({"index": 0, "message": message, "finish_reason": "length"});
        let body = json!({"choices": [choice], "usage": usage});
        let whole = dialect.whole(&[ScriptedResponse::whole(body.to_string())]).await;
        assert_eq!((whole.status, whole.code()), (502, "model_answer_empty"), "{message}");
        assert_eq!(whole.usage(), (16, 1280, "provider"));
        assert_eq!(dialect.calls(), 1, "a stored answer was priced again");
    }
    let thought = event(&json!({"choices": [{"delta": {"reasoning_content": "Hm"}}]}));
    let last = event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}], "usage": usage}));
    let streamed = dialect.stream(&[ScriptedResponse::stream([thought.as_str(), last.as_str(), DONE])]).await;
    assert_eq!((streamed.code(), streamed.usage()), ("model_answer_empty", (16, 1280, "provider")));
    let totals = dialect.service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["total_tokens"], &totals["request_count"]), (&json!(4 * 1296), &json!(0)));
}

#[tokio::test]
async fn the_log_names_the_model_that_answered() {
    let dialect = Dialect::open(&[]).await;
    let (whole, streamed) =
        (dialect.whole(&[answer("hi")]).await, dialect.stream(&[ScriptedResponse::stream(hello_world())]).await);
    for outcome in [whole, streamed] {
        let line = &outcome.line;
        assert_eq!((&line["model"], &line["response_model"]), (&json!("gpt-4o-mini"), &json!("m-1")));
    }
    let unnamed = dialect.whole(&[ScriptedResponse::whole(r#"{"choices":[{"message":{"content":"hi"}}]}"#)]).await;
    assert_eq!(unnamed.line["response_model"], Value::Null);
}
