//! Encodings and framings of responses.

use serde_json::{Value, json};

use super::{DONE, Dialect, answer, hello_world, piece};
use crate::{
    fakes::scripted_model::{End, ScriptedResponse},
    support::gzip::gzipped,
};

#[tokio::test]
async fn event_streams_are_parsed_in_every_valid_form() {
    let dialect = Dialect::open(&[]).await;
    let plain = hello_world().concat();
    let rows = [
        ("a byte order mark", format!("\u{feff}{plain}")),
        ("carriage returns", plain.replace('\n', "\r")),
        ("both line ends", plain.replace('\n', "\r\n")),
        ("a blank behind the end", plain.replace("[DONE]", "[DONE] ")),
        ("no blank before the data", plain.replace("data: ", "data:")),
        (
            "comments in data lines",
            format!("data: : keepalive\n\n{}", plain.replace("\n\n", "\n\ndata: : keepalive\n\n")),
        ),
        ("comments", format!(": PROCESSING\n\n{plain}")),
        ("names and ids", plain.replace("data:", "event: message\nid: 7\ndata:")),
        ("no last line end", plain.trim_end().to_owned()),
    ];
    for (what, text) in rows {
        let streamed = dialect.stream(&[ScriptedResponse::stream([text.as_str()])]).await;
        assert_eq!((streamed.text.as_str(), streamed.finish()), ("Hello world", "complete"), "{what}");
        let bytes = text.as_bytes().chunks(1).map(<[u8]>::to_vec);
        let streamed = dialect.stream(&[ScriptedResponse::stream(bytes)]).await;
        assert_eq!((streamed.text.as_str(), streamed.finish()), ("Hello world", "complete"), "{what}, byte by byte");
    }
}

#[tokio::test]
async fn the_body_and_not_the_content_type_identifies_a_stream() {
    let dialect = Dialect::open(&[]).await;
    for kind in ["text/plain; charset=utf-8", "application/octet-stream", "application/json", "nonsense"] {
        let streamed = dialect.stream(&[ScriptedResponse::stream(hello_world()).with("content-type", kind)]).await;
        assert_eq!((streamed.text.as_str(), streamed.finish()), ("Hello world", "complete"), "{kind}");
    }
    let mut unnamed = ScriptedResponse::stream(hello_world());
    unnamed.headers.clear();
    assert_eq!(dialect.stream(&[unnamed]).await.text, "Hello world");
    let whole = answer("hi").with("content-type", "text/event-stream");
    assert_eq!(dialect.stream(&[whole]).await.text, "hi");
    // DeepSeek and others send blank lines to keep a connection alive.
    let body = answer("hi").pieces.concat();
    let patient =
        ScriptedResponse { pieces: vec![b"\n".to_vec(), b"\n\n".to_vec(), body], ..answer("") }.ending(End::Chunked);
    assert_eq!(dialect.whole(&[patient]).await.text, "hi");
    let page = ScriptedResponse::whole("<html><h1>Log in</h1></html>").with("content-type", "application/json");
    assert_eq!(dialect.stream(std::slice::from_ref(&page)).await.code(), "model_answer_unreadable");
    assert_eq!(dialect.whole(&[page]).await.code(), "model_answer_unreadable");
}

#[tokio::test]
async fn characters_split_over_chunks_are_joined() {
    let dialect = Dialect::open(&[]).await;
    let raw = |content: &[u8]| [b"data: {\"choices\":[{\"delta\":{\"content\":\"", content, b"\"}}]}\n\n"].concat();
    let stop = piece("", "stop").into_bytes();
    let rows: [(&[&[u8]], &str); 5] = [
        (&[br"a\ud83d", br"\ude00b"], "a😀b"),
        (&[br"a\ud83d", b"", br"\ude00b"], "a😀b"),
        (&[b"a\xF0\x9F", b"\x98", b"\x80b"], "a😀b"),
        (&[br"a\ud83d", b"b"], "a\u{FFFD}b"),
        (&[br"a\ud83d"], "a\u{FFFD}"),
    ];
    for (contents, text) in rows {
        let pieces = contents.iter().map(|content| raw(content)).chain([stop.clone(), DONE.as_bytes().to_vec()]);
        let streamed = dialect.stream(&[ScriptedResponse::stream(pieces)]).await;
        assert_eq!((streamed.text.as_str(), streamed.finish()), (text, "complete"));
        assert_eq!(streamed.last["message"], text);
    }
    let thoughts = r#"data: {"choices":[{"delta":{"reasoning_content":"\ud83d"}}]}"#.to_owned() + "\n\n";
    let thoughtful = dialect.stream(&[ScriptedResponse::stream([thoughts].into_iter().chain(hello_world()))]).await;
    assert_eq!((thoughtful.text.as_str(), thoughtful.finish()), ("Hello world", "complete"));
    let whole = dialect.whole(&[ScriptedResponse::whole(r#"{"choices":[{"message":{"content":"a\ud83d"}}]}"#)]).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "a\u{FFFD}"));
}

#[tokio::test]
async fn compressed_responses_are_decoded() {
    let dialect = Dialect::open(&[]).await;
    let whole = ScriptedResponse::whole(gzipped(&answer("hi").pieces.concat())).with("content-encoding", "gzip");
    assert_eq!(dialect.whole(&[whole]).await.text, "hi");
    assert!(dialect.model.heads()[0].contains("\r\naccept-encoding: identity\r\n"));
    let bytes = gzipped(hello_world().concat().as_bytes());
    let streamed = dialect.stream(&[ScriptedResponse::stream([bytes]).with("content-encoding", "gzip")]).await;
    assert_eq!((streamed.text.as_str(), streamed.finish()), ("Hello world", "complete"));
    let refusal = ScriptedResponse::whole(gzipped(br#"{"error":{"code":"insufficient_quota"}}"#));
    let refusal = ScriptedResponse { status: 429, ..refusal }.with("content-encoding", "gzip");
    assert_eq!(dialect.whole(&[refusal]).await.code(), "quota_exhausted");
    let broken = ScriptedResponse::whole(b"no gzip at all".as_slice()).with("content-encoding", "gzip");
    assert_eq!(dialect.whole(&[broken]).await.status, 502);
}

#[tokio::test]
async fn informational_responses_and_trailers_are_ignored() {
    let dialect = Dialect::open(&[]).await;
    let trailed = dialect.stream(&[ScriptedResponse::stream(hello_world()).ending(End::Trailer)]).await;
    assert_eq!((trailed.text.as_str(), trailed.finish()), ("Hello world", "complete"));
    let body = answer("hi").pieces.concat();
    let whole = ScriptedResponse { pieces: vec![body], ..answer("") }.ending(End::Trailer);
    assert_eq!(dialect.whole(&[whole]).await.text, "hi");
    assert_eq!(dialect.whole(&[answer("hi").with_informational()]).await.text, "hi");
}

#[tokio::test]
async fn content_parts_and_unknown_fields_are_accepted() {
    let dialect = Dialect::open(&[]).await;
    let parts = json!([{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "hi"}]);
    let body = json!({"choices": [{"message": {"content": parts, "annotations": [{}]}, "extra": {}}], "extra": 1});
    assert_eq!(dialect.whole(&[ScriptedResponse::whole(body.to_string())]).await.text, "hi");
    let both = json!({"choices": [{"delta": {"content": "b"}, "message": {"content": "ab"}, "finish_reason": null}]});
    let both = super::event(&both);
    let streamed =
        dialect.stream(&[ScriptedResponse::stream([piece("a", Value::Null).as_str(), both.as_str(), DONE])]).await;
    assert_eq!(streamed.text, "ab");
}
