//! The protocol of the guard, as its document describes it.

use std::{collections::BTreeSet, fs, path::Path};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{
    config_file::with_file,
    fakes::{
        guard::{FakeGuard, GuardBehaviour, pass},
        model::{Behaviour, FakeModel},
    },
    support::{
        log_check::forbid_other_fields,
        service::{Service, TestSetup},
    },
    tickets::{SHOP, SITES, question, ticket},
};

const DOCUMENT: &str = "openapi/guard-hook.json";

fn document() -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT)).expect("the document");
    serde_json::from_str(&text).expect("the document is JSON")
}

/// Returns a validator of a schema of the document. Fields that it does not describe are errors.
fn validator(name: &str) -> Validator {
    let mut document = document();
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    schemas.values_mut().for_each(forbid_other_fields);
    let schema = json!({ "$ref": format!("#/components/schemas/{name}"), "components": document["components"] });
    jsonschema::draft202012::new(&schema).expect("a schema")
}

#[track_caller]
fn assert_matches(validator: &Validator, value: &Value) {
    let errors = validator.iter_errors(value).map(|error| error.to_string()).collect::<Vec<_>>();
    assert!(errors.is_empty(), "{value}: {errors:#?}");
}

/// Returns the examples in the document of what is sent, or of what is answered.
fn examples(pointer: &str) -> Vec<(String, Value)> {
    let operation = document()["paths"]["/judge"]["post"].clone();
    let examples = operation.pointer(pointer).expect("a body")["content"]["application/json"]["examples"].clone();
    let examples = examples.as_object().expect("examples").iter();
    examples.map(|(name, example)| (name.clone(), example["value"].clone())).collect()
}

async fn start_with(guard: &FakeGuard) -> (FakeModel, Service) {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model).with("GUARD_URL", &guard.url()).with("GUARD_ANSWERS", "on");
    (model, setup.start().await)
}

#[test]
fn the_examples_of_the_document_are_as_it_says() {
    let (request, verdict) = (validator("GuardRequest"), validator("Verdict"));
    let requests = examples("/requestBody");
    assert!(requests.len() >= 2);
    for (_, example) in &requests {
        assert_matches(&request, example);
    }
    let answers = examples("/responses/200");
    assert!(answers.len() >= 4);
    for (_, example) in &answers {
        assert_matches(&verdict, example);
    }
    let bare = json!({ "kind": "question", "text": "a", "request_id": "b" });
    assert_matches(&request, &bare);
    for wrong in [json!({ "kind": "riddle" }), json!({ "history": [] }), json!({ "token": "c" })] {
        let mut changed = bare.clone();
        changed.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert!(!request.is_valid(&changed), "{changed}");
    }
}

#[tokio::test]
async fn requests_are_as_the_document_says() {
    let guard = FakeGuard::start().await;
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
    let validator = validator("GuardRequest");
    for request in &requests {
        assert_matches(&validator, request);
    }
    let questions = requests.iter().filter(|request| request["kind"] == "question").count();
    assert_eq!((questions, requests.len()), (4, 7), "the built-in responder's reply is not judged");
    assert_eq!(requests[6]["site"], "shop");
    let sent = requests.iter().flat_map(|request| request.as_object().unwrap().keys());
    let sent = sent.map(String::as_str).collect::<BTreeSet<_>>();
    let document = document();
    let described = document["components"]["schemas"]["GuardRequest"]["properties"].as_object().expect("fields");
    assert_eq!(sent, described.keys().map(String::as_str).collect());
}

#[tokio::test]
async fn each_answer_in_the_document_is_understood() {
    let guard = FakeGuard::start().await;
    let (_model, service) = start_with(&guard).await;
    for (name, example) in examples("/responses/200") {
        let verdict = example.clone();
        guard.behave(GuardBehaviour::judge(
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
