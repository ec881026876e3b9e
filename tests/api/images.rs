//! Images in messages of stored chats.

use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    support::{
        client::HttpResponse,
        user::{User, number, prompt_lines, prompt_messages, start_with_ada},
    },
};

const ADDRESS: &str = "https://shop.example/cat.png?size=large#head";
const DATA: &str = "data:image/png;base64,iVBORw0KGgo=";
const IMAGE_PLACEHOLDER: &str = "[An image was attached, which you cannot see.]";

/// The maximum length of a data URL with an image of 12 MiB, in bytes.
const LARGEST: usize = (16 << 20) + "data:image/png;base64,".len();

async fn send_image(user: &User, chat: i64, text: &str, url: &str) -> HttpResponse {
    user.client.send(user.send_request(chat, &json!({ "text": text, "image_url": url }))).await
}

fn part(url: &str) -> Value {
    json!({ "type": "image_url", "image_url": { "url": url } })
}

/// Returns a data URL of exactly this length.
fn image_of(length: usize) -> String {
    let start = "data:image/png;base64,";
    format!("{start}{}", "A".repeat(length - start.len()))
}

#[tokio::test]
async fn a_model_with_vision_gets_images_and_lists_return_them() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_titled_chat("Cats").await;
    for (turn, url) in [ADDRESS, DATA].into_iter().enumerate() {
        let sent = send_image(&ada, chat, "Who is it?", url).await.assert_ok();
        assert_eq!(
            (&sent["user_message"]["image_url"], &sent["ai_response"]["image_url"]),
            (&url.into(), &Value::Null)
        );
        let question = &prompt_messages(&model, turn)[2 * turn];
        assert_eq!(question["content"], json!([{ "type": "text", "text": "Who is it?" }, part(url)]));
    }
    // The image without text, then as part of the history.
    let alone = send_image(&ada, chat, "", DATA).await.assert_ok();
    assert_eq!(alone["user_message"]["text"], "");
    let prompt = prompt_messages(&model, 2);
    assert_eq!(prompt.len(), 5);
    assert_eq!(prompt[0]["content"][1], part(ADDRESS));
    assert_eq!(prompt[2]["content"][1], part(DATA));
    assert_eq!(prompt[4]["content"], json!([part(DATA)]));

    let listed = ada.messages(chat).await;
    let urls = listed.iter().map(|message| &message["image_url"]).collect::<Vec<_>>();
    let none = &Value::Null;
    assert_eq!(urls, [&ADDRESS.into(), none, &DATA.into(), none, &DATA.into(), none]);
    assert_eq!(ada.chat(chat).await["messages"], json!(listed));
    let found = ada.get("/api/chat/search?q=who").await.assert_ok();
    // A search result names the image; only the message contains its data.
    for (found, url) in found.as_array().unwrap().iter().zip([DATA, ADDRESS]) {
        let message = &found["message"];
        assert_eq!((&message["image_url"], &message["image_omitted"]), (&Value::Null, &Value::Bool(true)));
        let alone = ada.get(&format!("/api/messages/{}", message["id"])).await.assert_ok();
        assert_eq!((&alone["image_url"], &alone["image_omitted"]), (&url.into(), &Value::Null));
    }
    let export = ada.get(&format!("/api/chat/{chat}/export?format=markdown")).await;
    assert!(export.text.contains(&format!("\n![An image]({ADDRESS})\n")), "{}", export.text);
}

#[tokio::test]
async fn a_model_without_vision_gets_a_note_about_an_image() {
    let settings = [("OPENAI_MODEL", "gpt-3.5-turbo"), ("ALLOWED_MODELS", "mine"), ("VISION_MODELS", "mine")];
    let (model, _setup, _service, ada) = start_with_ada(&settings).await;
    let chat = ada.create_chat().await;
    model.set_behaviour(Behaviour::Echo);
    send_image(&ada, chat, "Who is it?", DATA).await.assert_ok();
    send_image(&ada, chat, "", ADDRESS).await.assert_ok();
    let question = format!("u: Who is it?\n\n{IMAGE_PLACEHOLDER}");
    assert_eq!(prompt_lines(&model, 0), std::slice::from_ref(&question));
    assert_eq!(prompt_lines(&model, 1)[0], question);
    assert_eq!(prompt_lines(&model, 1)[2], format!("u: {IMAGE_PLACEHOLDER}"));
    assert_eq!(ada.messages(chat).await[0]["image_url"], DATA);
    // Another model in the same chat gets all images.
    let body = json!({ "text": "And you?", "model": "mine" });
    ada.client.send(ada.send_request(chat, &body)).await.assert_ok();
    let prompt = prompt_messages(&model, 2);
    assert_eq!((&prompt[0]["content"][1], &prompt[2]["content"]), (&part(DATA), &json!([part(ADDRESS)])));
    ada.ask(chat, "Still blind?").await;
    assert_eq!(prompt_lines(&model, 3)[..3], prompt_lines(&model, 1));
}

#[tokio::test]
async fn invalid_images_are_rejected() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for url in [
        "http://shop.example/cat.png",
        "https://",
        "cat.png",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html;base64,PGI+",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png,raw",
        "data:image/png;base64,n\u{f6}",
        "data:image/png;base64,",
        &format!("https://shop.example/{}", "x".repeat(9000)),
    ] {
        let sentence = send_image(&ada, chat, "Who is it?", url).await.assert_error(400, "invalid_image");
        assert!(!sentence.contains("passwd") && !sentence.contains("shop.example"), "{sentence}");
    }
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (0, 0));
}

#[tokio::test]
async fn an_image_may_have_12_mebibytes_at_most() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    let largest = image_of(LARGEST);
    send_image(&ada, chat, &"word ".repeat(1000), &largest).await.assert_ok();
    // Not `assert_eq`, which would print 16 MiB.
    assert!(prompt_messages(&model, 0)[0]["content"][1] == part(&largest), "another image was sent to the model");
    assert!(ada.messages(chat).await[0]["image_url"] == largest, "another image is listed");
    send_image(&ada, chat, "Larger", &image_of(LARGEST + 4)).await.assert_error(400, "invalid_image");
    send_image(&ada, chat, "Far larger", &image_of(17 << 20)).await.assert_error(413, "body_too_large");
    assert_eq!((ada.messages(chat).await.len(), model.call_count()), (2, 1));
}

#[tokio::test]
async fn a_message_list_has_the_latest_16_mebibytes_of_images() {
    // A model without vision, so that the images are not sent to it.
    let (_model, _setup, _service, ada) = start_with_ada(&[("OPENAI_MODEL", "gpt-3.5-turbo")]).await;
    let chat = ada.create_chat().await;
    // Not `assert_eq`, which would print 7 MiB.
    let images = [2, 6, 10].map(|less| image_of((7 << 20) - less));
    for image in &images {
        send_image(&ada, chat, "", image).await.assert_ok();
    }
    let answer = ada.get(&format!("/api/messages/{chat}/messages")).await;
    // Each image is in two fields.
    assert!(answer.text.len() < 33 << 20, "{} bytes", answer.text.len());
    let listed = answer.assert_ok().as_array().unwrap().clone();
    assert!(listed[0]["image_url"].is_null() && listed[0]["image_omitted"] == true, "the oldest is listed");
    for (message, image) in [(&listed[2], &images[1]), (&listed[4], &images[2])] {
        assert!(message["image_url"] == *image, "another image is listed");
        assert_eq!(message["image_omitted"], Value::Null);
    }
    assert!(ada.chat(chat).await["messages"] == json!(listed), "the images of the chat and its list differ");
    let alone = ada.get(&format!("/api/messages/{}", listed[0]["id"])).await.assert_ok();
    assert!(alone["image_url"] == images[0], "another image is read");
    assert_eq!(alone["image_omitted"], Value::Null);
}

#[tokio::test]
async fn an_image_is_stored_with_its_message() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let failed = send_image(&ada, chat, "Who is it?", DATA).await;
    failed.assert_error(400, "request_refused");
    let failed = number(&failed.json()["details"]["user_message_id"]);
    let retried = ada.retry(failed).await.assert_ok();
    assert_eq!(retried["user_message"]["image_url"], DATA);
    assert_eq!(prompt_messages(&model, 1), prompt_messages(&model, 0));

    // A key belongs to one image.
    let keyed = async |url: &str| {
        let request = ada.send_request(chat, &json!({ "text": "Look", "image_url": url }));
        ada.client.send(request.header("idempotency-key", "a")).await
    };
    let first = keyed(DATA).await.assert_ok();
    assert_eq!(keyed(DATA).await.assert_ok(), first);
    assert_eq!(first["user_message"]["image_url"], DATA);
    keyed(ADDRESS).await.assert_error(422, "idempotency_key_reused");
    assert_eq!(ada.transcript(chat).await.len(), 4);
}

/// Private, reserved and otherwise non-public addresses.
const NOT_PUBLIC: [&str; 14] = [
    "https://localhost/cat.png",
    "https://LOCALHOST.:8443/cat.png",
    "https://cats.internal/cat.png",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://intranet/cat.png",
    "https://127.0.0.1/cat.png",
    "https://2130706433/cat.png",
    "https://0x7f.1/cat.png",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.7:8443/cat.png",
    "https://[::1]/cat.png",
    "https://[::ffff:192.168.1.1]/cat.png",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://\u{ff11}27.0.0.1/cat.png",
];

#[tokio::test]
async fn an_image_url_in_a_private_network_is_rejected() {
    let (model, setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for url in NOT_PUBLIC {
        let sentence = send_image(&ada, chat, "Who is it?", url).await.assert_error(400, "image_not_public");
        assert!(sentence.contains("public internet") && sentence.contains("data:"), "{sentence}");
    }
    assert_eq!((ada.transcript(chat).await.len(), model.call_count(), setup.log_lines("chat").len()), (0, 0, 0));
    // A name that cannot be resolved here may be known to the model's server.
    send_image(&ada, chat, "Who is it?", "https://no-such-host.shop.example/cat.png").await.assert_ok();
}

#[tokio::test]
async fn a_stored_image_url_in_a_private_network_is_not_sent() {
    let (model, setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    send_image(&ada, chat, "Who is it?", ADDRESS).await.assert_ok();
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let failed = send_image(&ada, chat, "And this?", ADDRESS).await;
    let failed = number(&failed.json()["details"]["user_message_id"]);
    setup.change_database("UPDATE message_images SET url = 'https://10.0.0.7/cat.png'").await;
    ada.retry(failed).await.assert_error(400, "image_not_public");
    setup.change_database("UPDATE message_images SET url = 'ftp://shop.example/cat.png'").await;
    ada.retry(failed).await.assert_error(400, "invalid_image");
    setup.change_database("UPDATE message_images SET url = 'https://10.0.0.7/cat.png'").await;
    model.set_behaviour(Behaviour::Echo);
    ada.ask(chat, "And now?").await;
    let last = model.call_count() - 1;
    assert_eq!(prompt_lines(&model, last)[0], format!("u: Who is it?\n\n{IMAGE_PLACEHOLDER}"));
    // The owner still sees the stored URL.
    assert_eq!(ada.messages(chat).await[0]["image_url"], "https://10.0.0.7/cat.png");
}

/// The names are in a hosts file that only the service's process reads.
#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs user namespaces; .ci/run runs it"]
async fn a_host_name_with_a_private_address_is_rejected() {
    use std::fs;

    use crate::{fakes::model::FakeModel, support::service::TestSetup};

    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let hosts = "127.0.0.1 localhost\n10.0.0.7 inside.shop.example\n93.184.215.14 cat.shop.example\n\
                 93.184.215.14 both.shop.example\nfd00::7 both.shop.example\n";
    fs::write(setup.path().join("hosts"), hosts).unwrap();
    let script =
        "exec unshare --map-root-user --mount /bin/sh -c 'mount --bind hosts /etc/hosts && exec \"$0\"' \"$0\"";
    let process = setup.start_command(setup.command_by_script(script)).await;
    let ada = User::register(&process.client, "ada").await;
    let chat = ada.create_chat().await;
    for host in ["inside.shop.example", "INSIDE.shop.example:8443", "both.shop.example"] {
        let url = format!("https://{host}/cat.png");
        send_image(&ada, chat, "Who is it?", &url).await.assert_error(400, "image_not_public");
    }
    send_image(&ada, chat, "Who is it?", "https://cat.shop.example/cat.png").await.assert_ok();
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (2, 1));
    // A rejected turn releases its key.
    let keyed = async |host: &str| {
        let body = json!({ "text": "And this?", "image_url": format!("https://{host}/cat.png") });
        ada.client.send(ada.send_request(chat, &body).header("idempotency-key", "a")).await
    };
    for _ in 0..2 {
        keyed("inside.shop.example").await.assert_error(400, "image_not_public");
    }
    let first = keyed("cat.shop.example").await.assert_ok();
    assert_eq!(keyed("cat.shop.example").await.assert_ok(), first);
    assert_eq!((ada.transcript(chat).await.len(), model.call_count()), (4, 2));
}
