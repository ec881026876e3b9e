//! `GET /v1/models` and `GET /v1/models/{model}`.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fakes::model::FakeModel,
    openai_client::{OpenAiClient, assert_openai_error, start_for, start_with_key},
    support::service::TestSetup,
};

const PERSONA: &str = "+++\nname = \"Eva\"\nmodel = \"own\"\n+++\nYou are Eva.";

async fn ids(openai: &OpenAiClient) -> Vec<String> {
    let list = openai.get("/v1/models").await.assert_ok();
    assert_eq!(list["object"], "list");
    let id = |model: &Value| model["id"].as_str().unwrap().to_owned();
    list["data"].as_array().unwrap().iter().map(id).collect()
}

/// Returns a setup with the models `small`, `large` and the persona `eva`.
async fn setup() -> (FakeModel, TestSetup) {
    let model = FakeModel::start().await;
    let setup =
        TestSetup::for_model(&model).with_all(&[("OPENAI_MODEL", "small"), ("ALLOWED_MODELS", "org/large, small")]);
    let personas = setup.path().join("personas");
    fs::create_dir(&personas).unwrap();
    fs::write(personas.join("eva.md"), PERSONA).unwrap();
    let setup = setup.with("PERSONAS_DIR", personas.to_str().unwrap());
    (model, setup)
}

#[tokio::test]
async fn models_and_personas_are_listed() {
    let (_model, setup) = setup().await;
    let (_service, openai) = start_for(&setup, &[]).await;
    let ids = ids(&openai).await;
    assert_eq!(ids[..2], ["small", "org/large"]);
    assert!(ids.contains(&"persona/eva".to_owned()), "{ids:?}");
    for id in &ids {
        for path in [format!("/v1/models/{id}"), format!("/v1/models/{}", id.replace('/', "%2F"))] {
            let found = openai.get(&path).await.assert_ok();
            assert_eq!((&found["id"], &found["object"]), (&json!(id), &json!("model")));
            assert!(found["created"].as_u64().unwrap() > 1_700_000_000);
        }
    }
}

#[tokio::test]
async fn a_key_lists_only_its_own_models() {
    let (_model, setup) = setup().await;
    let (_service, openai) = start_for(&setup, &["--models", "org/large"]).await;
    // A persona whose own model the key does not have is answered by one that the key has.
    let ids = ids(&openai).await;
    assert!(ids.contains(&"org/large".to_owned()) && !ids.contains(&"small".to_owned()), "{ids:?}");
    let error =
        assert_openai_error(&openai.get("/v1/models/small").await, 404, "invalid_request_error", "model_not_found");
    assert_eq!(error["param"], "model");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("GET /v1/models") && !message.contains("large"), "{message}");
}

#[tokio::test]
async fn models_are_shown_only_to_servers() {
    let (_model, _setup, service, openai) = start_with_key(&[]).await;
    let get = |bearer: Option<&str>| {
        let request = service.client.request(Method::GET, "/v1/models");
        let request = bearer.map_or(request.try_clone().unwrap(), |bearer| request.bearer_auth(bearer));
        service.client.send(request)
    };
    for bearer in [None, Some("sk-proj-of-another-provider"), Some("null")] {
        let answer = get(bearer).await;
        assert_openai_error(&answer, 401, "authentication_error", "api_key_required");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    let unknown = format!("{}x", &openai.key[..openai.key.len() - 1]);
    assert_openai_error(&get(Some(&unknown)).await, 401, "authentication_error", "api_key_unknown");
    for name in ["nothing", "persona/nobody", "persona/"] {
        let answer = openai.get(&format!("/v1/models/{name}")).await;
        assert_openai_error(&answer, 404, "invalid_request_error", "model_not_found");
    }
}
