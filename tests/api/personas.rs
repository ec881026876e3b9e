//! Personas: the prompt, the list, and the folder.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    command_line::run,
    fakes::model::{Behaviour, FakeModel},
    support::{
        client::Client,
        service::{Process, Service, TEST_TIMEOUT, TestSetup, start_with, wait_until},
        user::{User, number, start_with_ada},
    },
};

/// Returns the content of a persona's file.
fn file(settings: &str, prompt: &str) -> String {
    format!("+++\n{settings}\n+++\n\n{prompt}\n")
}

/// Returns a setup with these files in a folder of personas, and the folder.
fn setup_with_personas(model: &FakeModel, files: &[(&str, &str)]) -> (TestSetup, PathBuf) {
    let setup = TestSetup::for_model(model);
    let dir = setup.path().join("who");
    fs::create_dir(&dir).expect("a folder");
    for (name, text) in files {
        fs::write(dir.join(name), text).expect("a file");
    }
    let setup = setup.with("PERSONAS_DIR", &dir.display().to_string());
    (setup, dir)
}

async fn ids(client: &Client) -> Vec<String> {
    let listed = client.get("/api/personas").await.assert_ok();
    let id = |persona: &Value| persona["id"].as_str().expect("an id").to_owned();
    listed.as_array().expect("a list").iter().map(id).collect()
}

/// Returns the body of the last request to the model.
fn last_request(model: &FakeModel) -> Value {
    model.calls().last().expect("a call").body.clone()
}

/// Returns the prompt in a persona's file.
fn prompt_of(text: &str) -> &str {
    text.rsplit("+++").next().expect("a prompt").trim()
}

const AMAYA: &str = include_str!("../../personas/amaya.md");

#[tokio::test]
async fn personas_are_listed_without_their_prompts() {
    let (_model, _setup, service) = start_with(&[]).await;
    let answer = service.client.get("/api/personas").await;
    let listed = answer.assert_ok();
    assert_eq!(listed[0]["id"], "amaya");
    assert_eq!((&listed[0]["name"], &listed[0]["avatar"]), (&"Amaya".into(), &"/personas/amaya.svg".into()));
    assert!(listed[0]["greeting"].as_str().is_some_and(|greeting| !greeting.is_empty()));
    assert_eq!((&listed[1]["id"], &listed[1]["name"]), (&"assistant".into(), &"Assistant".into()));
    for persona in listed.as_array().unwrap() {
        let fields = persona.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        assert!(fields.iter().all(|field| ["id", "name", "greeting", "avatar"].contains(field)), "{fields:?}");
    }
}

#[tokio::test]
async fn a_turn_is_answered_by_the_requested_persona() {
    let (model, setup, service) = start_with(&[]).await;
    let history = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hey"}]);
    let body = json!({"message": "And now?", "persona": " amaya ", "history": history});
    let answer = service.client.post("/api/chat", &body).await;
    answer.assert_ok();
    let last_request = last_request(&model);
    assert_eq!(last_request["messages"][0], json!({"role": "system", "content": prompt_of(AMAYA)}));
    assert_eq!(last_request["messages"].as_array().unwrap().len(), 4);
    assert_eq!((&last_request["temperature"], &last_request["max_tokens"]), (&json!(0.9), &json!(200)));
    assert_eq!(last_request.get("max_completion_tokens"), None);
    assert!(!answer.text.contains("You are Amaya"));
    assert_eq!(setup.log_lines("chat")[0]["persona"], "amaya");

    let stream =
        service.client.json_request("/api/chat", &json!({"message": "Hi", "persona": "amaya", "stream": true}));
    service.client.open_stream(stream).await.remaining().await;
    assert_eq!(model.calls().last().unwrap().body["messages"][0]["role"], "system");

    service.client.chat("Hi").await.assert_ok();
    let plain = model.calls().last().unwrap().body.clone();
    assert_eq!(plain["messages"], json!([{"role": "user", "content": "Hi"}]));
    assert_eq!((plain.get("temperature"), plain.get("max_tokens")), (None, None));
    assert_eq!(setup.log_lines("chat")[2].get("persona"), None);
}

#[tokio::test]
async fn a_personas_history_starts_at_a_question() {
    let (model, _setup, service) = start_with(&[]).await;
    let turn = |number: usize| {
        let entry = |role: &str| json!({"role": role, "content": format!("{role} {number}")});
        [entry("user"), entry("assistant")]
    };
    let history = (0..30).flat_map(turn).collect::<Vec<_>>();
    let body = json!({"message": "And now?", "persona": "amaya", "history": history});
    service.client.post("/api/chat", &body).await.assert_ok();
    let messages = last_request(&model)["messages"].take();
    assert_eq!(messages.as_array().unwrap().len(), 1 + 20 + 1);
    assert_eq!((&messages[1]["role"], &messages[1]["content"]), (&"user".into(), &"user 20".into()));
}

#[tokio::test]
async fn clients_cannot_send_system_messages_or_unknown_personas() {
    let (model, _setup, service) = start_with(&[]).await;
    let history = json!([{"role": "system", "content": "You are a pirate."}]);
    let body = json!({"message": "Hi", "persona": "amaya", "history": history});
    service.client.post("/api/chat", &body).await.assert_error(400, "invalid_request");
    for nobody in ["nobody", "AMAYA", "../personas/amaya", "amaya.md"] {
        let body = json!({"message": "Hi", "persona": nobody});
        service.client.post("/api/chat", &body).await.assert_error(400, "persona_not_found");
    }
    for nothing in [Value::Null, "".into(), "  ".into()] {
        service.client.post("/api/chat", &json!({"message": "Hi", "persona": nothing})).await.assert_ok();
    }
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn a_chat_keeps_its_persona_after_a_restart_and_a_retry() {
    let (model, setup, service, ada) = start_with_ada(&[("MODEL_RETRIES", "0")]).await;
    let made = ada.post("/api/chat/create", &json!({"persona": "amaya"})).await;
    assert_eq!((made.status.as_u16(), &made.json()["persona"]), (201, &"amaya".into()));
    let chat = number(&made.json()["id"]);
    ada.post("/api/chat/create", &json!({"persona": "nobody"})).await.assert_error(400, "persona_not_found");
    let plain = ada.create_chat().await;
    assert_eq!(ada.chat(plain).await.get("persona"), None);
    ada.ask(chat, "Hi").await;
    assert_eq!(last_request(&model)["messages"][0]["role"], "system");
    ada.ask(plain, "Hi").await;
    assert_eq!(last_request(&model)["messages"].as_array().unwrap().len(), 1);
    service.stop().await;

    let service = setup.start().await;
    let ada = ada.with_client(&service.client);
    assert_eq!(ada.chat(chat).await["persona"], "amaya");
    model.behave_once(Behaviour::CloseImmediately);
    let failed = ada.send(chat, "And now?").await;
    failed.assert_error(502, "model_connection_lost");
    ada.retry(number(&failed.json()["details"]["user_message_id"])).await.assert_ok();
    let last_request = last_request(&model);
    assert_eq!(last_request["messages"].as_array().unwrap().len(), 4);
    assert_eq!((&last_request["messages"][0]["role"], &last_request["max_tokens"]), (&"system".into(), &200.into()));
    for path in [format!("/api/chat/{chat}"), format!("/api/chat/{chat}/export?format=markdown")] {
        assert!(!ada.get(&path).await.text.contains("You are Amaya"), "{path}");
    }
}

#[tokio::test]
async fn a_trimmed_prompt_keeps_the_persona() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let made = ada.post("/api/chat/create", &json!({"persona": "amaya"})).await.json();
    let chat = number(&made["id"]);
    for said in ["one", "two", "three"] {
        ada.ask(chat, said).await;
    }
    let body = json!({"error": {"code": "context_length_exceeded"}}).to_string();
    model.behave_once(Behaviour::Respond { status: 400, headers: Vec::new(), body });
    ada.ask(chat, "four").await;
    let calls = model.calls();
    let [.., refused, answered] = calls.as_slice() else { panic!("two calls") };
    assert_eq!(refused.body["messages"].as_array().unwrap().len(), 8);
    let answered = answered.body["messages"].as_array().unwrap();
    assert_eq!((answered.len(), &answered[0]["role"]), (4, &"system".into()));
    assert_eq!((&answered[1]["content"], &answered[3]["content"]), (&"three".into(), &"four".into()));
}

#[tokio::test]
async fn a_folder_replaces_adds_and_removes_personas() {
    let model = FakeModel::start().await;
    let settings = "name = \"Eva\"\nmodel = \"gpt-4.1\"\ntemperature = 0";
    let files = [
        ("eva.md", &*file(settings, "You are Eva.")),
        ("amaya.md", &*file("name = \"Another Amaya\"", "You are another Amaya.")),
        ("assistant.md", "\n"),
        ("notes.txt", "no persona"),
        (".eva.md.swp", "no persona"),
        (".draft.md", "no persona"),
    ];
    let (setup, _dir) = setup_with_personas(&model, &files);
    let service = setup.start().await;
    assert_eq!(ids(&service.client).await, ["amaya", "eva"]);
    service
        .client
        .post("/api/chat", &json!({"message": "Hi", "persona": "assistant"}))
        .await
        .assert_error(400, "persona_not_found");
    let answer = service.client.post("/api/chat", &json!({"message": "Hi", "persona": "eva"})).await.assert_ok();
    assert_eq!(answer["model"], "gpt-4.1", "a persona's model need not be in ALLOWED_MODELS");
    let last_request = last_request(&model);
    assert_eq!((&last_request["model"], &last_request["temperature"]), (&"gpt-4.1".into(), &json!(0.0)));
    assert_eq!(last_request["messages"][0]["content"], "You are Eva.");
    for (model, ok) in [("gpt-4.1", true), ("gpt-4o-mini", true), ("gpt-4o", false)] {
        let body = json!({"message": "Hi", "persona": "eva", "model": model});
        assert_eq!(service.client.post("/api/chat", &body).await.status.is_success(), ok, "{model}");
    }
    let body = json!({"message": "Hi", "model": "gpt-4.1"});
    service.client.post("/api/chat", &body).await.assert_error(400, "model_not_allowed");
}

#[tokio::test]
async fn a_changed_persona_folder_is_reloaded() {
    let model = FakeModel::start().await;
    let (setup, dir) = setup_with_personas(&model, &[("eva.md", &file("name = \"Eva\"", "You are Eva."))]);
    let service = setup.start().await;
    let told = async |wanted: &str| {
        service.client.post("/api/chat", &json!({"message": "Hi", "persona": "eva"})).await.assert_ok();
        (last_request(&model)["messages"][0]["content"] == wanted).then_some(())
    };
    told("You are Eva.").await.expect("the first version");
    fs::write(dir.join("bob.md"), file("name = \"Bob\"", "You are Bob.")).unwrap();
    fs::write(dir.join("eva.md"), file("name = \"Eva\"", "You are the second Eva.")).unwrap();
    wait_until("the second version", async || told("You are the second Eva.").await).await;
    assert_eq!(ids(&service.client).await, ["amaya", "assistant", "bob", "eva"]);
    fs::remove_file(dir.join("bob.md")).unwrap();
    wait_until("the removal of bob", async || (ids(&service.client).await.len() == 3).then_some(())).await;
}

/// Returns the next diagnostics line about an unreadable folder.
async fn next_warning(process: &mut Process) -> String {
    let told = async {
        loop {
            let line = process.diagnostics.recv().await.expect("diagnostics");
            if line.contains("the personas stay as they were") {
                return line;
            }
        }
    };
    timeout(TEST_TIMEOUT, told).await.expect("a warning")
}

#[tokio::test]
async fn an_invalid_persona_folder_is_reported() {
    let model = FakeModel::start().await;
    for (name, text, words) in [
        ("eva.md", "You are Eva.", "begins with a line +++"),
        ("eva.md", &*file("name = \"Eva\"\ntemperature = 7", "You are Eva."), "temperature"),
        ("e v a.md", &*file("name = \"Eva\"", "You are Eva."), "letters"),
    ] {
        let (setup, _dir) = setup_with_personas(&model, &[(name, text)]);
        for arguments in [&[][..], &["check"]] {
            let ran = setup.command(arguments).output().await.expect("the program runs");
            let diagnostics = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.code(), Some(1), "{diagnostics}");
            assert!(diagnostics.contains(name) && diagnostics.contains(words), "{diagnostics}");
        }
    }
    let eva = file("name = \"Eva\"", "You are Eva.");
    let (setup, dir) = setup_with_personas(&model, &[("eva.md", &eva)]);
    let mut process = setup.start_process().await;
    fs::write(dir.join("bob.md"), "You are Bob.").unwrap();
    let line = next_warning(&mut process).await;
    assert!(line.contains("bob.md") && line.contains("begins with a line +++"), "{line}");
    assert_eq!(ids(&process.client).await, ["amaya", "assistant", "eva"]);
    fs::remove_dir_all(&dir).unwrap();
    let line = next_warning(&mut process).await;
    assert!(line.contains("PERSONAS_DIR"), "{line}");
    assert_eq!(ids(&process.client).await, ["amaya", "assistant", "eva"]);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("bob.md"), file("name = \"Bob\"", "You are Bob.")).unwrap();
    let has_bob = async || (ids(&process.client).await == ["amaya", "assistant", "bob"]).then_some(());
    wait_until("bob instead of eva", has_bob).await;

    let setup = setup.with("PERSONAS_DIR", "nowhere");
    let ran = run(&setup, &[]).await;
    assert!(ran.err.contains("PERSONAS_DIR"));
    assert_eq!(ran.code, Some(1));
}

#[tokio::test]
async fn sighup_reloads_personas_and_keeps_connections() {
    let model = FakeModel::start().await;
    let (setup, dir) = setup_with_personas(&model, &[]);
    let mut process = setup.start_process().await;
    fs::write(dir.join("eva.md"), file("name = \"Eva\"", "You are Eva.")).unwrap();
    process.signal("HUP");
    while !process
        .diagnostics
        .recv()
        .await
        .expect("a line")
        .contains("SIGHUP: the personas, the configuration file and OPENAI_API_KEY are read again")
    {}
    wait_until("eva", async || ids(&process.client).await.contains(&"eva".to_owned()).then_some(())).await;
    process.signal("HUP");
    process.client.chat("hello").await.assert_ok();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_personas_prompt_is_never_exposed() {
    const MARK: &str = "zeppelin-umbrella-77";
    let model = FakeModel::start().await;
    let text = file("name = \"Eva\"", &format!("You are Eva. {MARK}"));
    let (setup, _dir) = setup_with_personas(&model, &[("eva.md", &text)]);
    let setup = setup.with("SESSION_LOG_CONTENT", "plain").with("LOG_LEVEL", "trace").with("MODEL_RETRIES", "0");
    let mut process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let chat = number(&ada.post("/api/chat/create", &json!({"persona": "eva"})).await.json()["id"]);
    let mut texts = vec![ada.send(chat, "Hi").await.text];
    for status in [400, 500] {
        // Some providers repeat the request in their error.
        let body = json!({"error": {"message": format!("cannot read: You are Eva. {MARK}")}}).to_string();
        model.behave_once(Behaviour::Respond { status, headers: Vec::new(), body });
        texts.push(ada.send(chat, "And now?").await.text);
    }
    for path in [
        "/api/personas".to_owned(),
        "/openapi.json".to_owned(),
        format!("/api/chat/{chat}"),
        format!("/api/chat/{chat}/export"),
        format!("/api/chat/{chat}/export?format=markdown"),
        format!("/api/chat/search?q={MARK}"),
        format!("/api/messages/{chat}/messages"),
        "/metrics".to_owned(),
    ] {
        texts.push(ada.get(&path).await.text);
    }
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    while let Some(line) = process.diagnostics.recv().await {
        texts.push(line);
    }
    texts.extend(setup.log().iter().map(Value::to_string));
    assert!(last_request(&model).to_string().contains(MARK));
    for text in texts {
        assert!(!text.contains(MARK), "{text}");
    }
}

/// Starts a service without a key.
async fn start_without_key() -> (TestSetup, Service) {
    let setup = TestSetup::new();
    let service = setup.start().await;
    (setup, service)
}

#[tokio::test]
async fn without_a_model_a_persona_answers_with_its_own_lines() {
    let (_setup, service) = start_without_key().await;
    let answer_of = async |message: &str, persona: &str| {
        let answer =
            service.client.post("/api/chat", &json!({"message": message, "persona": persona})).await.assert_ok();
        assert_eq!(answer["model"], "basic");
        answer["message"].as_str().expect("a text").to_owned()
    };
    let is_hers = |reply: &str| AMAYA.contains(&format!("\"{reply}\""));
    for message in ["Hi!", "I love you", "shipping"] {
        let reply = answer_of(message, "amaya").await;
        assert!(is_hers(&reply), "{message}: {reply}");
    }
    for last_request in ["Tell me honestly: are you human?", "am I talking to a real human", "are you a chatbot?"] {
        assert!(answer_of(last_request, "amaya").await.contains("I'm an AI"), "{last_request}");
    }
    let serious = answer_of("Hey, I want to kill myself", "amaya").await;
    assert!(serious.contains("emergency") && !serious.contains('♡'), "{serious}");
    assert!(!answer_of("I love my cat, she died yesterday", "amaya").await.contains("blush"));
    assert!(!answer_of("this chimes with history", "amaya").await.contains("Hey"), "parts of words were found");
    assert!(!is_hers(&answer_of("Hi!", "assistant").await));
}

#[tokio::test]
async fn a_reasoning_model_gets_the_parameters_that_it_accepts() {
    let (model, _setup, service) = start_with(&[("OPENAI_MODEL", "gpt-5-mini")]).await;
    service.client.post("/api/chat", &json!({"message": "Hi", "persona": "amaya"})).await.assert_ok();
    let last_request = last_request(&model);
    assert!(
        last_request["max_completion_tokens"].as_u64().is_some_and(|limit| limit > 2000),
        "the token limit leaves no room for reasoning"
    );
    assert_eq!((last_request.get("max_tokens"), last_request.get("temperature")), (None, None));
}

#[tokio::test]
async fn a_repeated_key_finds_its_turn_after_a_persona_change() {
    let model = FakeModel::start().await;
    let (setup, dir) = setup_with_personas(&model, &[("eva.md", &file("name = \"Eva\"", "You are Eva."))]);
    let service = setup.start().await;
    let ask = async |persona: &str| {
        let request = service.client.json_request("/api/chat", &json!({"message": "Hi", "persona": persona}));
        service.client.send(request.header("idempotency-key", "k1")).await
    };
    let first = ask("eva").await.assert_ok();
    fs::write(dir.join("eva.md"), file("name = \"Eve\"", "You are Eve.")).unwrap();
    let renamed = async || (service.client.get("/api/personas").await.text.contains("Eve")).then_some(());
    wait_until("a prompt of another Eva", renamed).await;
    assert_eq!(ask("eva").await.assert_ok(), first);
    ask("amaya").await.assert_error(422, "idempotency_key_reused");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn the_default_persona_answers_when_a_client_names_none() {
    let model = FakeModel::start().await;
    let eva = file("name = \"Eva\"\nmax_tokens = 50", "You are Eva.");
    let (setup, dir) = setup_with_personas(&model, &[("eva.md", &eva)]);
    let setup = setup.with("DEFAULT_PERSONA", "eva");
    let mut service = setup.start_process().await;
    let ada = User::register(&service.client, "ada").await;
    let plain = number(&ada.post("/api/chat/create", &json!({})).await.json()["id"]);
    let of_amaya = number(&ada.post("/api/chat/create", &json!({"persona": "amaya"})).await.json()["id"]);
    let asked = || (last_request(&model)["messages"][0]["content"].clone(), last_request(&model)["max_tokens"].clone());
    let (eva, amaya) = ((json!("You are Eva."), json!(50)), (json!(prompt_of(AMAYA)), json!(200)));
    for body in [json!({"message": "Hi"}), json!({"message": "Hi", "persona": " "})] {
        service.client.post("/api/chat", &body).await.assert_ok();
        assert_eq!(asked(), eva);
    }
    service.client.post("/api/chat", &json!({"message": "Hi", "persona": "amaya"})).await.assert_ok();
    assert_eq!(asked(), amaya);
    ada.ask(plain, "Hi").await;
    assert_eq!(asked(), eva);
    ada.ask(of_amaya, "Hi").await;
    assert_eq!(asked(), amaya);

    fs::remove_file(dir.join("eva.md")).unwrap();
    fs::write(dir.join("ida.md"), file("name = \"Ida\"", "You are Ida.")).unwrap();
    let missing = "DEFAULT_PERSONA names the persona eva, which does not exist; there are amaya, assistant, ida";
    for command in ["check", "serve"] {
        let ran = run(&setup, &[command]).await;
        assert!(ran.code.is_some_and(|code| code != 0) && ran.err.contains(missing), "{ran:?}");
    }
    assert!(run(&setup.with("DEFAULT_PERSONA", "ida"), &["check"]).await.out.contains("ida; ida answers when"));
    assert!(next_warning(&mut service).await.contains(missing));
    service.client.chat("Hi").await.assert_ok();
    assert_eq!(asked(), eva, "a folder without the default persona was taken over");
}

#[tokio::test]
async fn a_chat_of_a_removed_persona_can_only_be_read() {
    let model = FakeModel::start().await;
    let (setup, dir) = setup_with_personas(&model, &[("eva.md", &file("name = \"Eva\"", "You are Eva."))]);
    let service = setup.start().await;
    let ada = User::register(&service.client, "ada").await;
    let chat = number(&ada.post("/api/chat/create", &json!({"persona": "eva"})).await.json()["id"]);
    ada.ask(chat, "Hi").await;
    service.stop().await;
    fs::remove_file(dir.join("eva.md")).unwrap();
    let service = setup.start().await;
    let ada = ada.with_client(&service.client);
    ada.send(chat, "And now?").await.assert_error(409, "persona_gone");
    assert_eq!(ada.transcript(chat).await.len(), 2);
}
