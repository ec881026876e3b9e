//! The protocol of the context hook, as its document describes it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    config_file::with_file,
    fakes::{
        hook::{FakeHook, HookBehaviour},
        model::FakeModel,
    },
    support::{hook_document::HookDocument, service::TestSetup},
    tickets::{SHOP, SITES, question, ticket},
};

fn document() -> HookDocument {
    HookDocument::read("openapi/context-hook.json", "/texts")
}

#[test]
fn the_examples_of_the_document_are_as_it_says() {
    let document = document();
    let requests = document.examples("/requestBody");
    let answers = document.examples("/responses/200");
    assert!(requests.len() >= 2 && answers.len() >= 2);
    for (_, example) in &requests {
        document.assert_matches("ContextRequest", example);
    }
    for (_, example) in &answers {
        document.assert_matches("ContextAnswer", example);
    }
    for wrong in [json!({ "question": "a" }), json!({ "question": "a", "request_id": "b", "history": [] })] {
        assert!(!document.validator("ContextRequest").is_valid(&wrong), "{wrong}");
    }
}

#[tokio::test]
async fn requests_are_as_the_document_says() {
    let (hook, model) = (FakeHook::answering(|_| json!({ "texts": [] })).await, FakeModel::start().await);
    let setup = with_file(TestSetup::for_model(&model).with("CONTEXT_URL", &hook.url()), SITES);
    let service = setup.start().await;
    let client = &service.client;
    let ticket = ticket(client, "shop", SHOP).await;
    client.send(question(client, &ticket, SHOP).header("accept-language", "en-GB,en;q=0.9")).await.assert_ok();
    let body = json!({
        "message": "hello",
        "session_id": "s-1",
        "persona": "amaya",
        "attached_files": [{ "name": "a.txt", "content": "\u{0}\u{2028}\u{1F600}" }],
    });
    let setup = TestSetup::for_model(&model).with("CONTEXT_URL", &hook.url());
    setup.start().await.client.post("/api/chat", &body).await.assert_ok();
    let (document, requests) = (document(), hook.requests());
    for request in &requests {
        document.assert_matches("ContextRequest", request);
    }
    assert_eq!((requests.len(), &requests[0]["site"], &requests[0]["language"]), (2, &json!("shop"), &json!("en-GB")));
    let sent = requests.iter().flat_map(|request| request.as_object().unwrap().keys());
    assert_eq!(sent.map(String::as_str).collect::<BTreeSet<_>>(), document.fields("ContextRequest"));
}

#[tokio::test]
async fn each_answer_in_the_document_is_understood() {
    let (hook, model) = (FakeHook::start().await, FakeModel::start().await);
    let setup = TestSetup::for_model(&model).with("CONTEXT_URL", &hook.url());
    let service = setup.start().await;
    for (number, (name, example)) in document().examples("/responses/200").into_iter().enumerate() {
        let texts = example["texts"].as_array().expect("texts").clone();
        let page = |text: &Value| text.get("url").map(|url| json!({ "title": text["title"], "url": url }));
        let pages = texts.iter().filter_map(page).collect::<Vec<_>>();
        hook.behave(HookBehaviour::answer(move |_| example.clone()));
        let answer = service.client.chat("hello").await.assert_ok();
        let named = answer.get("sources").and_then(Value::as_array).cloned().unwrap_or_default();
        assert_eq!(named, pages, "{name}");
        let line = setup.wait_for_log_lines("chat", number + 1).await.remove(number);
        assert_eq!(line["context_texts"], texts.len(), "{name}");
    }
}
