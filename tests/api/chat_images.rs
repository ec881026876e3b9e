//! `POST /api/chat/image`, and images in `POST /api/chat`: request formats and rejections.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel},
    support::{
        client::{Client, HttpResponse},
        forms::{Part, multipart, url_encoded},
        service::{TestSetup, start_with},
        user::{prompt_lines, prompt_messages},
    },
};

const PATH: &str = "/api/chat/image";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xfb\xef\xbe";
const QUESTION: &str = "What is in this image?";

/// The maximum size of an image in bytes.
const LARGEST: usize = 12 << 20;

fn base64() -> String {
    BASE64.encode(PNG)
}

fn data_url() -> String {
    format!("data:image/png;base64,{}", base64())
}

/// Returns an image of this many bytes.
fn png_of(length: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    // The filler bytes must be escaped in a form.
    bytes.resize(length, 0xfb);
    bytes
}

fn form(client: &Client, parts: &[Part]) -> RequestBuilder {
    multipart(client.request(Method::POST, PATH), parts)
}

fn pairs(client: &Client, pairs: &[(&str, &str)]) -> RequestBuilder {
    url_encoded(client.request(Method::POST, PATH), pairs)
}

/// Returns the text and the image of the model's last question.
fn last_question(model: &FakeModel) -> (String, String) {
    let question = prompt_messages(model, model.call_count() - 1).pop().expect("a question");
    let part = |index: usize, pointer: &str| question["content"][index].pointer(pointer).expect("a part").clone();
    let text = |value: Value| value.as_str().expect("a text").to_owned();
    (text(part(0, "/text")), text(part(1, "/image_url/url")))
}

#[tokio::test]
async fn an_image_is_accepted_in_every_request_format() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let (base64, data_url) = (base64(), data_url());
    let lines = format!("{}\n{}\n", &base64[..12], &base64[12..]);
    let unescaped = format!("image={base64}&question=What+is+it%3F");
    let requests = [
        form(client, &[Part::File("image", "a.png", "image/png", PNG), Part::Text("question", "What is it?")]),
        form(
            client,
            &[Part::Text("question", "What is it?"), Part::File("image", "", "application/octet-stream", PNG)],
        ),
        // The file's name and media type may be wrong, and its content may be base64.
        form(client, &[Part::File("image", "a.jpg", "image/jpeg", PNG), Part::Text("question", "What is it?")]),
        form(client, &[Part::File("image", "image", "", lines.as_bytes()), Part::Text("question", "What is it?")]),
        form(client, &[Part::Text("image", &base64), Part::Text("question", "What is it?")]),
        form(client, &[Part::Text("image", &data_url), Part::Text("question", "What is it?")]),
        pairs(client, &[("image", &base64), ("question", "What is it?")]),
        pairs(client, &[("image", &data_url), ("question", "What is it?")]),
        pairs(client, &[("image", &lines), ("question", "What is it?")]),
        client.json_request(PATH, &json!({ "image": base64, "question": "What is it?" })),
        client.json_request(PATH, &json!({ "image": data_url, "message": "What is it?" })),
        client.json_request(PATH, &json!({ "image_url": lines, "text": "What is it?" })),
        client.json_request("/api/chat", &json!({ "image": data_url, "message": "What is it?" })),
        client.json_request("/api/chat", &json!({ "image_url": base64, "message": "What is it?" })),
        // An unescaped plus sign arrives as a space.
        client.request(Method::POST, PATH).header("content-type", "application/x-www-form-urlencoded").body(unescaped),
    ];
    for (number, request) in requests.into_iter().enumerate() {
        let answer = client.send(request).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text);
        assert_eq!(last_question(&model), ("What is it?".to_owned(), data_url.clone()), "{number}");
    }
    let address = "https://shop.example/cat.png";
    client.send(pairs(client, &[("image", address)])).await.assert_ok();
    assert_eq!(last_question(&model), (QUESTION.to_owned(), address.to_owned()));
}

#[tokio::test]
async fn an_image_turn_is_answered_logged_and_counted() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let parts = [
        Part::File("image", "a.png", "image/png", PNG),
        Part::Text("username", "ada"),
        Part::Text("isGuest", "false"),
        Part::Text("sessionId", "s-1"),
        Part::Text("history", r#"[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"}]"#),
        Part::Text("stream", "false"),
        Part::Text("unknown", "is ignored"),
    ];
    let answer = client.send(form(client, &parts)).await;
    let body = answer.assert_ok();
    let reply = "Hello from the fake model.";
    for field in ["message", "reply", "response"] {
        assert_eq!(body[field], reply, "{field}");
    }
    assert_eq!((&body["question"], &body["session_id"]), (&QUESTION.into(), &"s-1".into()));
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert_eq!((&body["usage"]["total_tokens"], &body["finish_reason"]), (&18.into(), &"complete".into()));
    assert!(!answer.header("access-control-allow-origin").is_empty());
    let messages = prompt_messages(&model, 0);
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2]["content"][0]["text"], QUESTION);
    let line = setup.log_lines("chat").pop().expect("a line");
    assert_eq!(
        (&line["username"], &line["is_guest"], &line["session_id"]),
        (&"ada".into(), &false.into(), &"s-1".into())
    );
    assert_eq!(line["message_chars"], QUESTION.len());
}

#[tokio::test]
async fn an_image_turn_can_be_streamed() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    model.set_behaviour(Behaviour::Stream(crate::fakes::model::Script::default()));
    let file = Part::File("image", "a.png", "image/png", PNG);
    let requests = [
        form(client, &[file, Part::Text("stream", "true")]),
        form(client, &[file]).header("accept", "text/event-stream"),
        client.json_request(PATH, &json!({ "image": base64(), "stream": true })),
    ];
    for request in requests {
        let events = client.open_stream(request).await;
        assert_eq!(events.status, 200);
        let (text, end) = events.text_and_end().await;
        assert_eq!((end.name.as_str(), &end.data["message"]), ("done", &text.into()));
    }
}

#[tokio::test]
async fn an_image_turn_runs_once_per_idempotency_key() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let keyed = async |request: RequestBuilder| client.send(request.header("idempotency-key", "k-1")).await;
    let file = Part::File("image", "a.png", "image/png", PNG);
    let first = keyed(form(client, &[file])).await.assert_ok();
    // The same question in another request format is the same request.
    for request in [
        form(client, &[file]),
        pairs(client, &[("image", &base64()), ("question", QUESTION)]),
        client.json_request(PATH, &json!({ "image": data_url() })),
    ] {
        assert_eq!(keyed(request).await.assert_ok(), first);
    }
    let other = Part::File("image", "a.png", "image/png", &PNG[..15]);
    keyed(form(client, &[other])).await.assert_error(422, "idempotency_key_reused");
    keyed(form(client, &[file, Part::Text("question", "?")])).await.assert_error(422, "idempotency_key_reused");
    assert_eq!(model.call_count(), 1);
    let request = form(client, &[file]).header("idempotency-key", "not a key");
    client.send(request).await.assert_error(400, "invalid_idempotency_key");
}

#[tokio::test]
async fn an_image_is_required_and_other_files_are_rejected() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let file = Part::File("image", "a.png", "image/png", PNG);
    let text = Part::Text("image", "");
    let refused = [
        (form(client, &[]), "image_required"),
        (form(client, &[Part::Text("question", "What is it?")]), "image_required"),
        (form(client, &[text]), "image_required"),
        (form(client, &[Part::File("image", "", "application/octet-stream", b"")]), "image_required"),
        (pairs(client, &[]), "image_required"),
        (pairs(client, &[("image", " ")]), "image_required"),
        (client.json_request(PATH, &json!({})), "image_required"),
        (client.json_request(PATH, &json!({ "image": null, "image_url": "" })), "image_required"),
        (client.json_request(PATH, &json!({ "message": "What is it?" })), "image_required"),
        (form(client, &[file, file]), "invalid_request"),
        (form(client, &[file, Part::Text("image", &data_url())]), "invalid_request"),
        (form(client, &[file, Part::Text("image_url", "https://a.example/b.png")]), "invalid_request"),
        (form(client, &[file, Part::File("photo", "b.png", "image/png", PNG)]), "invalid_request"),
        (form(client, &[file, Part::File("attached_files", "b.txt", "text/plain", b"x")]), "invalid_request"),
        (form(client, &[file, Part::Text("question", "a"), Part::Text("question", "b")]), "invalid_request"),
        (form(client, &[file, Part::Text("question", "a"), Part::Text("message", "b")]), "invalid_request"),
        (form(client, &[file, Part::Text("history", "what was said")]), "invalid_json"),
        (form(client, &[file, Part::Text("history", "[{]")]), "invalid_json"),
        (form(client, &[file, Part::Text("attached_files", "[] []")]), "invalid_json"),
        (form(client, &[file, Part::Text("history", "7")]), "invalid_request"),
        (form(client, &[file, Part::Text("attached_files", "[\"a\"]")]), "invalid_request"),
        (form(client, &[file, Part::Text("stream", "perhaps")]), "invalid_request"),
        (form(client, &[file, Part::Text("images", &data_url())]), "invalid_request"),
        (client.json_request(PATH, &json!({ "image": 7 })), "invalid_request"),
        (client.json_request(PATH, &json!({ "image": { "url": data_url() } })), "invalid_request"),
        (client.json_request(PATH, &json!({ "image": [base64()] })), "invalid_request"),
        (client.json_request(PATH, &json!({ "image": data_url(), "images": [data_url()] })), "invalid_request"),
        (client.json_request(PATH, &json!([data_url()])), "invalid_request"),
        (client.json_request(PATH, &json!("image")).body("{"), "invalid_json"),
    ];
    for (number, (request, code)) in refused.into_iter().enumerate() {
        let answer = client.send(request).await;
        assert_eq!(answer.json()["code"], code, "{number}: {}", answer.text);
        let sentence = answer.assert_error(400, code);
        assert!(code != "image_required" || sentence == "No image provided", "{sentence}");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn lone_surrogates_in_a_form_are_replaced_as_in_json() {
    let (model, _setup, service) = start_with(&[]).await;
    let history = r#"[{"role":"user","content":"cut \ud83d"},{"role":"assistant","content":"\ud83d\ude00"}]"#;
    let files = r#"[{"name":"a.txt","content":"\udc00!"}]"#;
    let url = data_url();
    let texts = [("image", url.as_str()), ("question", "Who?"), ("history", history), ("attached_files", files)];
    let parts = texts.map(|(name, text)| Part::Text(name, text));
    for request in [form(&service.client, &parts), pairs(&service.client, &texts)] {
        service.client.send(request).await.assert_ok();
        let messages = prompt_messages(&model, model.call_count() - 1);
        assert_eq!((&messages[0]["content"], &messages[1]["content"]), (&json!("cut \u{fffd}"), &json!("\u{1f600}")));
        let text = messages[2]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("\u{fffd}!"), "{text}");
    }
}

#[tokio::test]
async fn unsupported_image_formats_are_rejected_by_content() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    let bytes: [&[u8]; 5] = [svg, b"%PDF-1.7 secret", b"BM6\0\0\0", b"\0\0\0\x20ftypavif", b"plain text"];
    for content in bytes {
        let encoded = BASE64.encode(content);
        for request in [
            form(client, &[Part::File("image", "a.png", "image/png", content)]),
            form(client, &[Part::Text("image", &encoded)]),
            pairs(client, &[("image", &format!("data:image/svg+xml;base64,{encoded}"))]),
            client.json_request(PATH, &json!({ "image": encoded })),
            client.json_request("/api/chat", &json!({ "message": "?", "image": encoded })),
        ] {
            let sentence = client.send(request).await.assert_error(400, "invalid_image");
            assert!(sentence.contains("PNG, JPEG, GIF or WebP") && !sentence.contains("secret"), "{sentence}");
        }
    }
    for text in ["null", "undefined", "[object File]", "cat.png", "http://a.example/a.png", "file:///etc/passwd"] {
        client.send(form(client, &[Part::Text("image", text)])).await.assert_error(400, "invalid_image");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn a_body_that_is_neither_form_nor_json_is_rejected() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let post = async |media_type: &str, body: Vec<u8>| -> HttpResponse {
        let request = client.request(Method::POST, PATH);
        let request = if media_type.is_empty() { request } else { request.header("content-type", media_type) };
        client.send(request.body(body)).await
    };
    for media_type in ["", "image/png", "text/plain", "application/octet-stream", "multipart/mixed; boundary=b"] {
        let sentence = post(media_type, PNG.to_vec()).await.assert_error(415, "unsupported_media_type");
        assert!(sentence.contains("multipart/form-data"), "{sentence}");
    }
    let part = b"--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nsecret".to_vec();
    for media_type in ["multipart/form-data; boundary=b", "multipart/form-data; boundary=c", "multipart/form-data"] {
        for body in [part.clone(), Vec::new(), b"secret".to_vec()] {
            let sentence = post(media_type, body).await.assert_error(400, "invalid_form");
            assert!(!sentence.contains("secret"), "{sentence}");
        }
    }
    assert_eq!(model.call_count(), 0);
}

// In threads of their own, the server's time limits do not expire while the test encodes images.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_of_12_mebibytes_is_accepted_in_every_format() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let bytes = png_of(LARGEST);
    let encoded = BASE64.encode(&bytes);
    let url = format!("data:image/png;base64,{encoded}");
    for request in [
        form(client, &[Part::File("image", "a.png", "image/png", &bytes)]),
        form(client, &[Part::Text("image", &encoded)]),
        form(client, &[Part::Text("image", &url)]),
        client.json_request(PATH, &json!({ "image": encoded })),
    ] {
        client.send(request).await.assert_ok();
        // Not `assert_eq`, which would print 16 MiB.
        assert!(last_question(&model).1 == url, "another image was sent to the model");
    }
    let larger = png_of(LARGEST + 3);
    for request in [
        form(client, &[Part::File("image", "a.png", "image/png", &larger)]),
        form(client, &[Part::Text("image", &BASE64.encode(&larger))]),
    ] {
        client.send(request).await.assert_error(400, "invalid_image");
    }
    let far_larger = png_of(33 << 20);
    let request = form(client, &[Part::File("image", "a.png", "image/png", &far_larger)]);
    client.send(request).await.assert_error(413, "body_too_large");
    assert_eq!(model.call_count(), 4);
}

#[tokio::test]
async fn an_image_in_escaped_json_is_accepted() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    // Every second character is escaped with three bytes.
    let encoded = BASE64.encode(png_of(8 << 20));
    client.send(pairs(client, &[("image", &encoded)])).await.assert_ok();
    assert!(last_question(&model).1.ends_with(&encoded), "another image was sent to the model");
}

#[tokio::test]
async fn images_in_the_history_are_sent_again() {
    let (model, _setup, service) = start_with(&[]).await;
    let history = json!([
        { "role": "user", "content": "Who is it?", "image": data_url() },
        { "role": "assistant", "content": "A cat.", "image": null },
        { "role": "user", "image_url": "https://a.example/b.png" },
        { "role": "assistant", "content": "A dog." },
    ]);
    service.client.post("/api/chat", &json!({ "message": "Sure?", "history": history })).await.assert_ok();
    let messages = prompt_messages(&model, 0);
    assert_eq!(messages[0]["content"][1]["image_url"]["url"], data_url());
    assert_eq!(messages[2]["content"][0]["image_url"]["url"], "https://a.example/b.png");
    let drawn = json!([{ "role": "assistant", "content": "Drawn.", "image": data_url() }]);
    let answer = service.client.post("/api/chat", &json!({ "message": "Sure?", "history": drawn })).await;
    answer.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn the_number_of_image_hosts_per_turn_is_limited() {
    let (model, setup, service) = start_with(&[]).await;
    let ask = async |hosts: usize, stream: bool| {
        let entries = (0..200).map(|image| {
            let url = format!("https://h{}.shop.example/{image}.png", image % hosts);
            json!({ "role": "user", "content": "Look", "image": url })
        });
        let body = json!({ "message": "Which?", "history": entries.collect::<Vec<_>>(), "stream": stream });
        let request = service.client.json_request("/api/chat", &body).header("idempotency-key", format!("{hosts}"));
        service.client.send(request).await
    };
    for stream in [false, true] {
        let sentence = ask(17, stream).await.assert_error(400, "invalid_image");
        assert!(sentence.contains("at most 16 different hosts") && sentence.contains("data:"), "{sentence}");
    }
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (0, 0));
    // A rejected turn releases its key for another question.
    let other = service.client.json_request("/api/chat", &json!({ "message": "hi" })).header("idempotency-key", "17");
    service.client.send(other).await.assert_ok();
    let first = ask(16, false).await.assert_ok();
    assert_eq!(ask(16, false).await.assert_ok(), first);
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn without_a_model_the_built_in_responder_answers() {
    let service = TestSetup::new().start().await;
    let answer = service.client.send(form(&service.client, &[Part::File("image", "a.png", "image/png", PNG)])).await;
    let body = answer.assert_ok();
    assert_eq!((&body["model"], &body["reply"]), (&"basic".into(), &body["message"]));
}

#[tokio::test]
async fn a_model_without_vision_gets_a_note_about_the_image() {
    let (model, _setup, service) = start_with(&[("OPENAI_MODEL", "gpt-3.5-turbo")]).await;
    service.client.post(PATH, &json!({ "image": base64() })).await.assert_ok();
    let unseen = "[An image was attached, which you cannot see.]";
    assert_eq!(prompt_lines(&model, 0), [format!("u: {QUESTION}\n\n{unseen}")]);
    service.client.post("/api/chat", &json!({ "image": base64() })).await.assert_ok();
    assert_eq!(prompt_lines(&model, 1), [format!("u: {unseen}")]);
}
