//! How answers end.

use serde_json::{Value, json};

use super::{DONE, Dialect, answer, event, hello_world, piece};
use crate::fakes::scripted_model::{End, Scripted};

#[tokio::test]
async fn a_blank_finish_reason_ends_nothing() {
    let dialect = Dialect::open(&[]).await;
    for blank in [json!(""), json!(" "), json!("null")] {
        let pieces = [piece("Hello", blank.clone()), piece(" wor", blank.clone())];
        let cut = dialect.stream(&[Scripted::stream(pieces.clone()).ending(End::Cut)]).await;
        assert_eq!((cut.end.as_deref(), cut.code()), (Some("error"), "model_connection_lost"));
        let vanished = dialect.stream(&[Scripted::stream(pieces)]).await;
        assert_eq!((vanished.end.as_deref(), vanished.code()), (Some("error"), "model_connection_lost"));
        let pieces = [piece("Hello", blank.clone()), piece(" world", blank), piece("", "stop"), DONE.to_owned()];
        let whole = dialect.stream(&[Scripted::stream(pieces)]).await;
        assert_eq!((whole.text.as_str(), whole.finish()), ("Hello world", "complete"));
    }
}

#[tokio::test]
async fn text_after_a_finish_reason_revokes_it() {
    let dialect = Dialect::open(&[]).await;
    let (early, late) = (piece("Hel", "stop"), piece("lo", Value::Null));
    let done = dialect.stream(&[Scripted::stream([early.as_str(), late.as_str(), DONE])]).await;
    assert_eq!((done.text.as_str(), done.finish()), ("Hello", "complete"));
    let in_each = [piece("Hello", "stop"), piece(" wor", "stop")];
    let in_order = dialect.stream(&[Scripted::stream(in_each.clone())]).await;
    assert_eq!((in_order.text.as_str(), in_order.finish()), ("Hello wor", "complete"));
    // Of a body without framing nobody knows whether it was cut off.
    for end in [End::Reset, End::Cut, End::Close] {
        let broken = dialect.stream(&[Scripted::stream(in_each.clone()).ending(end)]).await;
        assert_eq!((broken.end.as_deref(), broken.code()), (Some("error"), "model_connection_lost"), "{end:?}");
        assert_eq!(broken.line["finish"], "upstream_error");
    }
}

#[tokio::test]
async fn an_end_that_was_said_is_one_however_it_breaks_off() {
    let dialect = Dialect::open(&[]).await;
    let pieces = [piece("Hello", Value::Null), piece("", "stop")];
    for end in [End::Chunked, End::Close, End::Cut, End::Trailer] {
        let outcome = dialect.stream(&[Scripted::stream(pieces.clone()).ending(end)]).await;
        assert_eq!((outcome.text.as_str(), outcome.finish()), ("Hello", "complete"), "{end:?}");
    }
}

#[tokio::test]
async fn a_last_event_without_its_line_ends_is_an_event() {
    let dialect = Dialect::open(&[]).await;
    let only = piece("Hi", "stop");
    for end in ["", "\n"] {
        let text = format!("\u{feff}{}{end}", only.trim_end());
        let outcome = dialect.stream(&[Scripted::stream([text])]).await;
        assert_eq!((outcome.text.as_str(), outcome.finish()), ("Hi", "complete"), "{end:?}");
        assert_eq!(outcome.line["response_model"], "m-1");
    }
}

#[tokio::test]
async fn failures_as_finish_reasons_are_failures() {
    let dialect = Dialect::open(&[]).await;
    for reason in ["error", "insufficient_system_resource", "network_error", "abort", "time_limit"] {
        let pieces = [piece("Hel", Value::Null), piece("", reason), DONE.to_owned()];
        let streamed = dialect.stream(&[Scripted::stream(pieces)]).await;
        assert_eq!((streamed.end.as_deref(), streamed.code()), (Some("error"), "model_failed"), "{reason}");
        assert_eq!((streamed.text.as_str(), &streamed.line["finish"]), ("Hel", &json!("upstream_error")));
        let choice = json!({"message": {"content": "Hel"}, "finish_reason": reason});
        let whole = dialect.whole(&[Scripted::whole(json!({"choices": [choice]}).to_string())]).await;
        assert_eq!((whole.status, whole.code()), (502, "model_failed"), "{reason}");
    }
}

#[tokio::test]
async fn a_filter_that_cuts_an_answer_leaves_its_text() {
    let dialect = Dialect::open(&[]).await;
    let pieces = [piece("Some text", Value::Null), piece("", "content_filter"), DONE.to_owned()];
    let streamed = dialect.stream(&[Scripted::stream(pieces)]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish()), ("Some text", "content_filter"));
    assert_eq!((&streamed.line["finish"], &streamed.line["status"]), (&json!("content_filter"), &json!(200)));
    let choice = json!({"message": {"content": "Some text"}, "finish_reason": "content_filter"});
    let whole = dialect.whole(&[Scripted::whole(json!({"choices": [choice]}).to_string())]).await;
    assert_eq!((whole.text.as_str(), whole.finish()), ("Some text", "content_filter"));
    let silent = dialect.stream(&[Scripted::stream([piece("", "content_filter"), DONE.to_owned()])]).await;
    assert_eq!(silent.code(), "answer_withheld");
}

#[tokio::test]
async fn an_answer_without_a_word_is_a_failure_that_was_paid_for() {
    let dialect = Dialect::open(&[]).await;
    let usage = json!({"prompt_tokens": 16, "completion_tokens": 1280});
    for message in [json!({"content": ""}), json!({"content": null, "reasoning_content": "Let me think"}), json!({})] {
        let choice = json!({"index": 0, "message": message, "finish_reason": "length"});
        let body = json!({"choices": [choice], "usage": usage});
        let whole = dialect.whole(&[Scripted::whole(body.to_string())]).await;
        assert_eq!((whole.status, whole.code()), (502, "model_answer_empty"), "{message}");
        assert_eq!(whole.usage(), (16, 1280, "provider"));
        assert_eq!(dialect.calls(), 1, "it is not paid for again");
    }
    let thought = event(&json!({"choices": [{"delta": {"reasoning_content": "Hm"}}]}));
    let last = event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}], "usage": usage}));
    let streamed = dialect.stream(&[Scripted::stream([thought.as_str(), last.as_str(), DONE])]).await;
    assert_eq!((streamed.code(), streamed.usage()), ("model_answer_empty", (16, 1280, "provider")));
    let totals = dialect.service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["total_tokens"], &totals["request_count"]), (&json!(4 * 1296), &json!(0)));
}

#[tokio::test]
async fn the_model_that_answered_is_in_the_log() {
    let dialect = Dialect::open(&[]).await;
    let (whole, streamed) =
        (dialect.whole(&[answer("hi")]).await, dialect.stream(&[Scripted::stream(hello_world())]).await);
    for outcome in [whole, streamed] {
        let line = &outcome.line;
        assert_eq!((&line["model"], &line["response_model"]), (&json!("gpt-4o-mini"), &json!("m-1")));
    }
    let unnamed = dialect.whole(&[Scripted::whole(r#"{"choices":[{"message":{"content":"hi"}}]}"#)]).await;
    assert_eq!(unnamed.line["response_model"], Value::Null);
}
