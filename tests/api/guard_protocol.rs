//! The protocol of the guard, as its document describes it.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    config_file::with_file,
    fakes::{
        hook::{FakeHook, HookBehaviour, pass},
        model::{Behaviour, FakeModel},
    },
    support::{
        hook_document::HookDocument,
        service::{Service, TestSetup},
    },
    tickets::{SHOP, SITES, question, ticket},
};

fn document() -> HookDocument {
    HookDocument::read("openapi/guard-hook.json", "/judge")
}

async fn start_with(guard: &FakeHook) -> (FakeModel, Service) {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model).with("GUARD_URL", &guard.url()).with("GUARD_ANSWERS", "on");
    (model, setup.start().await)
}

#[test]
fn the_examples_of_the_document_are_as_it_says() {
    let document = document();
    let requests = document.examples("/requestBody");
    assert!(requests.len() >= 2);
    for (_, example) in &requests {
        document.assert_matches("GuardRequest", example);
    }
    let answers = document.examples("/responses/200");
    assert!(answers.len() >= 4);
    for (_, example) in &answers {
        document.assert_matches("Verdict", example);
    }
    let bare = json!({ "kind": "question", "text": "a", "request_id": "b" });
    document.assert_matches("GuardRequest", &bare);
    for wrong in [json!({ "kind": "riddle" }), json!({ "history": [] }), json!({ "token": "c" })] {
        let mut changed = bare.clone();
        changed.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert!(!document.validator("GuardRequest").is_valid(&changed), "{changed}");
    }
}

#[tokio::test]
async fn requests_are_as_the_document_says() {
    let guard = FakeHook::start().await;
    let (_model, service) = start_with(&guard).await;
    let client = &service.client;
    let session = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    let history = json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": "Hello!" }]);
    for body in [
        json!({ "message": "hello" }),
        json!({ "message": "hello", "session_id": session, "persona": "amaya", "history": history }),
        json!({ "attached_files": [{ "name": "a.txt", "content": "\u{0}\u{2028}\u{1F600}" }] }),
    ] {
        client.post("/api/chat", &body).await.assert_ok();
    }
    let setup = with_file(TestSetup::new().with("AI_SERVICE", "basic").with("GUARD_URL", &guard.url()), SITES);
    let of_site = setup.start().await;
    let ticket = ticket(&of_site.client, "shop", SHOP).await;
    of_site.client.send(question(&of_site.client, &ticket, SHOP)).await.assert_ok();
    let requests = guard.requests();
    let document = document();
    for request in &requests {
        document.assert_matches("GuardRequest", request);
    }
    let questions = requests.iter().filter(|request| request["kind"] == "question").count();
    assert_eq!((questions, requests.len()), (4, 7), "the built-in responder's reply is not judged");
    assert_eq!(requests[6]["site"], "shop");
    let sent = requests.iter().flat_map(|request| request.as_object().unwrap().keys());
    let sent = sent.map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(sent, document.fields("GuardRequest"));
}

#[tokio::test]
async fn each_answer_in_the_document_is_understood() {
    let guard = FakeHook::start().await;
    let (_model, service) = start_with(&guard).await;
    for (name, example) in document().examples("/responses/200") {
        let verdict = example.clone();
        guard.behave(HookBehaviour::answer(
            move |request| {
                if request["kind"] == "question" { verdict.clone() } else { pass() }
            },
        ));
        let answer = service.client.chat("hello").await;
        match example["verdict"].as_str().expect("a verdict") {
            "pass" => assert_eq!(answer.assert_ok()["message"], "hello", "{name}"),
            "mask" => assert_eq!(answer.assert_ok()["message"], example["text"], "{name}"),
            _ => {
                let own = json!("This message cannot be answered here; please put it differently");
                let expected = example.get("message").unwrap_or(&own);
                assert_eq!(answer.assert_error(422, "rejected_by_guard"), *expected, "{name}");
            }
        }
    }
}
