//! Content fields: each endpoint reads them or rejects them, and never ignores content.

use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    support::{
        service::start_with,
        user::{number, prompt_lines, start_with_ada},
    },
};

const DATA: &str = "data:image/png;base64,iVBORw0KGgo=";

/// Returns a copy of the body with this field.
fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

/// Returns the content fields that clients send, with a value each, except those that the endpoint reads.
fn not_read(read: &[&str]) -> Vec<(&'static str, Value)> {
    let file = json!([{ "name": "a.txt", "content": "lost" }]);
    let lost_messages = json!([{ "role": "user", "content": "lost" }]);
    let texts = ["text", "message", "question", "voice_text", "attached_content"].map(|field| (field, json!("lost")));
    let others = [
        ("image", json!(DATA)),
        ("image_url", json!("https://a.example/b.png")),
        ("images", json!([DATA])),
        ("history", lost_messages.clone()),
        ("messages", lost_messages),
        ("files", file.clone()),
        ("attached_files", file),
    ];
    texts.into_iter().chain(others).filter(|(field, _)| !read.contains(field)).collect()
}

#[tokio::test]
async fn a_turn_rejects_content_fields_that_it_does_not_read() {
    let (model, _setup, service) = start_with(&[]).await;
    let plain = json!({ "message": "hi" });
    let file = json!({ "name": "a.txt", "content": "one" });
    let image = json!({ "type": "image_url", "image_url": { "url": DATA } });
    let refused = [
        ("messages", json!([{ "role": "user", "content": "lost" }]), "messages must be left out"),
        ("images", json!([DATA]), "images must be left out"),
        ("files", json!([file]), "files must be left out"),
        ("files", json!({ "a": 1 }), "files must be left out"),
        ("image", json!({ "url": DATA }), "image must be a string"),
        ("image", json!([DATA]), "image must be a string"),
        ("image_url", json!(7), "image_url must be a string"),
        ("question", json!("another"), "message and question are two names of one field"),
        ("text", json!("another"), "message and text are two names of one field"),
        ("voice_text", json!(["spoken"]), "voice_text must be a string"),
        ("message", json!([{ "type": "text", "text": "hi" }, image]), "message must be a string"),
        ("message", json!({ "text": "hi" }), "message must be a string"),
        ("attached_files", file.clone(), "attached_files must be a list"),
        ("attached_files", json!("one"), "attached_files must be a list"),
        ("attached_files", json!(["one"]), "attached_files[0] must be an object"),
        ("attached_files", json!([{ "name": "a.txt", "text": "one" }]), "attached_files[0].text must be left out"),
        ("attached_files", json!([{ "name": "a.txt", "data": "b25l" }]), "attached_files[0].data must be left out"),
        ("attached_files", json!([with(&file, "data", json!("b25l"))]), "attached_files[0].data must be left out"),
        ("attached_files", json!([{ "name": "a.txt" }]), "attached_files[0].content is required"),
        ("attached_files", json!([{ "content": ["one"] }]), "attached_files[0].content must be a string"),
        ("attached_content", json!(["one"]), "attached_content must be a string"),
        ("attached_content", json!({ "text": "one" }), "attached_content must be a string"),
        ("history", json!([{ "role": "user", "content": [{ "type": "text", "text": "x" }] }]), "history[0].content"),
        ("history", json!({ "role": "user", "content": "x" }), "history must be a list"),
    ];
    for (field, value, expected) in refused {
        let body = with(&plain, field, value);
        let sentence = service.client.post("/api/chat", &body).await.assert_error(400, "invalid_request");
        assert!(sentence.starts_with(expected), "{body}: {sentence}");
    }
    assert_eq!(model.call_count(), 0);
    // Empty values are not content.
    for (field, value) in [
        ("messages", json!([])),
        ("images", Value::Null),
        ("files", json!({})),
        ("image", json!("")),
        ("image_url", Value::Null),
        ("question", json!(" ")),
        ("text", json!("hi")),
        ("voice_text", json!("")),
        ("attached_files", json!([])),
        ("attached_content", json!(" ")),
    ] {
        service.client.post("/api/chat", &with(&plain, field, value)).await.assert_ok();
        assert_eq!(prompt_lines(&model, model.call_count() - 1), ["u: hi"], "{field}");
    }
}

#[tokio::test]
async fn a_legacy_file_field_is_combined_with_the_other_files() {
    let (model, _setup, service) = start_with(&[]).await;
    let both = |content: &str| {
        json!({
            "message": "Which?",
            "attached_files": [{ "name": "a.txt", "content": "one" }],
            "attached_content": content,
            "attached_filename": "b.txt",
        })
    };
    service.client.post("/api/chat", &both("two")).await.assert_ok();
    let two = "u: [Attached file 1: a.txt]\n\none\n\n---\n\n[Attached file 2: b.txt]\n\ntwo\n\n---\n\nWhich?";
    assert_eq!(prompt_lines(&model, 0), [two]);
    // The same file in both formats is sent once.
    service.client.post("/api/chat", &both("one")).await.assert_ok();
    assert_eq!(prompt_lines(&model, 1), ["u: [Attached file 1: a.txt]\n\none\n\n---\n\nWhich?"]);
}

#[tokio::test]
async fn stored_chats_reject_content_fields_that_they_do_not_read() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for (field, value) in [("message", json!("another")), ("image", json!({ "url": DATA })), ("text", json!(["hi"]))] {
        let body = with(&json!({ "text": "hi" }), field, value);
        ada.client.send(ada.send_request(chat, &body)).await.assert_error(400, "invalid_request");
    }
    for (field, value) in not_read(&["text", "message", "voice_text", "image", "image_url"]) {
        let body = with(&json!({ "text": "hi" }), field, value);
        let sentence = ada.client.send(ada.send_request(chat, &body)).await.assert_error(400, "invalid_request");
        assert!(sentence.starts_with(&format!("{field} must be left out")), "{sentence}");
    }
    let two = json!({ "text": "hi", "image": DATA, "image_url": "https://a.example/b.png" });
    ada.client.send(ada.send_request(chat, &two)).await.assert_error(400, "invalid_request");
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (0, 0));

    // A retried message cannot be changed.
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let failed = ada.send(chat, "Who is it?").await;
    let failed = number(&failed.json()["details"]["user_message_id"]);
    for (field, value) in not_read(&[]) {
        let answer = ada.post(&format!("/api/messages/{failed}/retry"), &json!({ field: value })).await;
        let sentence = answer.assert_error(400, "invalid_request");
        assert!(sentence.starts_with(&format!("{field} must be left out")), "{sentence}");
    }
    ada.post(&format!("/api/messages/{failed}/retry"), &json!({ "text": null, "image": "" })).await.assert_ok();

    // A chat is created without messages.
    for (field, value) in not_read(&[]) {
        ada.post("/api/chat/create", &json!({ field: value })).await.assert_error(400, "invalid_request");
    }
    let made = ada.post("/api/chat/create", &json!({ "title": "Empty", "messages": [], "message": null })).await;
    assert_eq!(made.status, 201);
    assert_eq!(ada.list_chats().await.len(), 2);
}

#[tokio::test]
async fn the_portal_rejects_content_fields_that_it_does_not_read() {
    let (model, _setup, service) = start_with(&[]).await;
    for (field, value) in not_read(&["message"]) {
        let answer = service.client.post("/chat", &json!({ "message": "hi", field: value })).await;
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(model.call_count(), 0);
    service.client.post("/chat", &json!({ "message": "hi", "image": null, "attached_files": [] })).await.assert_ok();
}
