//! Panics: no secret is in what is printed and answered after one.

use std::{
    fmt::Write as _,
    panic,
    sync::{Arc, Mutex, Once, PoisonError},
    thread,
};

use al_chat::foundation::clock::Clock;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::{
    canaries::{Written, leaks},
    command_line::run,
    config_file::with_file,
    fakes::model::{Behaviour, FakeModel, Gate},
    support::{
        secret_search::{SecretSearch, canary},
        service::{TestSetup, wait_until},
        stored::{bytes_of, database},
        user::text,
    },
    tickets::{SHOP, SITES, ticket},
};

/// The texts of panics in this process, as they are printed.
static PANIC_TEXTS: Mutex<String> = Mutex::new(String::new());

/// Notes the texts of all panics from now on.
fn note_panics() {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Writing to a string does not fail.
            let _ = writeln!(PANIC_TEXTS.lock().unwrap_or_else(PoisonError::into_inner), "{info}");
            print(info);
        }));
    });
}

/// The text with which a clock panics the next time that it is read on the thread of the test, which answers all requests.
#[derive(Clone, Default)]
struct NextPanic(Arc<Mutex<Option<String>>>);

impl NextPanic {
    fn set(&self, text: &str) {
        *self.0.lock().expect("no panic with the lock") = Some(text.to_owned());
    }

    fn clock(&self) -> Clock {
        let (next, answering) = (self.clone(), thread::current().id());
        let now = move || {
            let is_answering = thread::current().id() == answering;
            let text = next.0.lock().expect("no panic with the lock").take_if(|_| is_answering);
            if let Some(text) = text {
                panic!("{text}");
            }
            "2026-05-04T12:00:00Z".parse().expect("a time")
        };
        Clock::from_fn(now, TimeZone::UTC)
    }
}

/// No real run panics. Here the clock does so, at places where a request or a turn has secrets in memory.
#[tokio::test]
async fn a_panic_prints_and_answers_no_secret() {
    note_panics();
    let (model, next_panic, mut search) = (FakeModel::start().await, NextPanic::default(), SecretSearch::new());
    let mut setup = with_file(TestSetup::for_model(&model), SITES);
    let [key, admin_token, password] = ["OPENAI_API_KEY", "ADMIN_TOKEN", "password"].map(|name| (name, canary()));
    for (name, secret) in [&key, &admin_token] {
        setup = setup.with(name, secret);
    }
    run(&setup, &["migrate"]).await;
    let made = run(&setup, &["keys", "create", "server"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let service = setup.start_with_clock(next_panic.clock()).await;
    let client = &service.client;
    let account = json!({ "username": "ada", "email": "ada@example.org", "password": password.1 });
    assert_eq!(client.post("/api/auth/register", &account).await.status, 201);
    let token = text(&client.post("/api/auth/login", &account).await.assert_ok()["access_token"]);
    let (ticket, api_key) = (ticket(client, "shop", SHOP).await, made.out.trim());
    let signature = |token: &str| token.rsplit('.').next().expect("a signature").to_owned();
    let issued = [("token", signature(&token)), ("ticket", signature(&ticket)), ("API key", api_key[4..].to_owned())];
    for (name, secret) in [&key, &admin_token, &password].into_iter().chain(&issued) {
        search.add(name, secret);
    }

    let (mut answers, planted) = (Vec::new(), canary());
    let question = || client.json_request("/api/chat", &json!({ "message": "hello" }));
    for text in ["the clock is broken", &planted] {
        let renewal = json!({ "site": "shop", "previous": ticket });
        for request in [
            client.json_request("/api/auth/login", &account),
            client.json_request("/api/embed/ticket", &renewal).header("origin", SHOP),
            client.json_request("/api/chat/create", &json!({})).bearer_auth(&token),
            question().bearer_auth(&ticket),
            question().bearer_auth(api_key),
        ] {
            // A background task may read the clock first.
            let answer = wait_until("an answer after a panic", async || {
                next_panic.set(text);
                let answer = client.send(request.try_clone().expect("a request")).await;
                (answer.status == 500).then_some(answer)
            })
            .await;
            answer.assert_error(500, "internal_error");
            answers.push(format!("{:?}{}", answer.headers, answer.text));
        }
        // In the task of a turn, which has the provider's key.
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let asked = client.send(question().bearer_auth(&token));
        let calls = model.call_count() + 1;
        let opened = async {
            model.wait_for_calls(calls).await;
            next_panic.set(text);
            gate.open();
        };
        let (answer, ()) = tokio::join!(asked, opened);
        answer.assert_error(500, "internal_error");
        answers.push(format!("{:?}{}", answer.headers, answer.text));
    }
    let state = format!("{service:?}");
    service.stop().await;
    let panics = PANIC_TEXTS.lock().expect("no panic with the lock").clone();
    assert!(panics.matches("the clock is broken").count() >= 6, "{panics}");
    search.add("planted", &planted);
    let written = Written::from([
        ("panic texts".to_owned(), panics.into_bytes()),
        ("answers".to_owned(), answers.concat().into_bytes()),
        ("session log".to_owned(), bytes_of(&setup.log_dir())),
        ("database".to_owned(), database(&setup).await),
        ("Debug output of the state".to_owned(), state.into_bytes()),
    ]);
    let found = leaks(&search, &written);
    let found = found.into_iter().map(|(place, secrets)| (place, secrets.into_keys().collect::<Vec<_>>()));
    // What is planted in the text of a panic is printed, and passed on to nobody.
    assert_eq!(found.collect::<Vec<_>>(), [("panic texts".to_owned(), vec!["planted"])]);
}
