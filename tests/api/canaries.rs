//! No secret leaves the service: each is unlike all others, other servers repeat them in every form, and everything that the
//! service writes is searched.

use std::{
    collections::BTreeMap,
    fs::{self, File},
};

use al_chat::foundation::config::{Config, Source};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{process::Command, time::timeout};

use crate::{
    command_line::run,
    fakes::{
        byte_server::ByteServer,
        collector::{CollectorBehaviour, FakeCollector},
        event_receiver::EventReceiver,
        hook::{FakeHook, HookBehaviour},
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    support::{
        secret_search::{SecretSearch, canary, canary_word, forms},
        service::{Process, TEST_TIMEOUT, TestSetup, wait_until},
        stored::{bytes_of, database},
    },
};

/// What a service wrote, by the place that it was written to.
pub type Written = BTreeMap<String, Vec<u8>>;

/// The secrets that were found, by place, each with the text around it.
pub type Leaks = BTreeMap<String, BTreeMap<&'static str, String>>;

pub fn leaks(search: &SecretSearch, written: &Written) -> Leaks {
    let found = written.iter().map(|(place, bytes)| (place.clone(), search.found_in(bytes)));
    found.filter(|(_, secrets)| !secrets.is_empty()).collect()
}

/// A service whose secrets are all canaries, and all answers that it has given.
struct Watched {
    setup: TestSetup,
    process: Process,
    search: SecretSearch,
    answers: Vec<u8>,
    admin_token: String,
}

impl Watched {
    /// Starts the service with these further settings, and with diagnostics of all levels.
    async fn start(setup: TestSetup, keys: &[(&'static str, String)]) -> Self {
        Self::start_by(setup, keys, |setup| setup.command(&[])).await
    }

    /// Starts it with this command.
    async fn start_by(
        setup: TestSetup,
        keys: &[(&'static str, String)],
        command: impl FnOnce(&TestSetup) -> Command,
    ) -> Self {
        let mut search = SecretSearch::new();
        let mut setup = setup.with_all(&[
            ("LOG_LEVEL", "trace"),
            ("SESSION_LOG_CONTENT", "plain"),
            ("MODEL_RETRIES", "0"),
            ("BREAKER_FAILURE_RATE", "0"),
            ("CREDENTIAL_RETRY", "1ms"),
            ("CREDENTIAL_FRESH", "1ms"),
        ]);
        let mut admin_token = String::new();
        for name in ["ADMIN_TOKEN", "JWT_SECRET_KEY", "SESSION_LOG_KEY"] {
            let secret = setup.settings().get(name).cloned().unwrap_or_else(canary);
            setup = setup.with(name, &secret);
            search.add(name, &secret);
            if name == "ADMIN_TOKEN" {
                admin_token = secret;
            }
        }
        for (name, secret) in keys {
            search.add(name, secret);
        }
        let out = File::create(setup.path().join("stdout")).expect("a file");
        let mut command = command(&setup);
        command.stdout(out);
        let process = setup.start_command(command).await;
        Self { setup, process, search, answers: Vec::new(), admin_token }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.process.client.request(method, path)
    }

    fn json(&self, path: &str, body: &Value) -> RequestBuilder {
        self.process.client.json_request(path, body)
    }

    /// Sends a request and notes its answer, with its headers. Returns the body.
    async fn ask(&mut self, request: RequestBuilder) -> String {
        self.ask_except(request, |_| Vec::new()).await
    }

    /// Sends a request and notes its answer without these texts, which are meant for its receiver. They count as secrets
    /// from then on.
    async fn ask_except(
        &mut self,
        request: RequestBuilder,
        of_receiver: impl FnOnce(&str) -> Vec<(&'static str, String)>,
    ) -> String {
        let answer: Response = request.send().await.expect("an answer");
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        let head = format!("{:?}\n{}", answer.status(), headers.collect::<Vec<_>>().concat());
        let body = answer.text().await.expect("a body");
        let mut noted = head + &body;
        for (name, secret) in of_receiver(&noted) {
            noted = noted.replace(&secret, "");
            // Of an account's token, only the signature is random.
            self.search.add(name, secret.rsplit('.').next().unwrap_or(&secret));
        }
        self.answers.extend(noted.into_bytes());
        body
    }

    /// Asks a question at all endpoints that ask the model.
    async fn ask_model(&mut self) {
        let question = json!({ "message": "hello", "text": "hello" });
        for path in ["/api/chat", "/api/chat/stream", "/chat"] {
            self.ask(self.json(path, &question)).await;
        }
    }

    /// Waits for a line of the diagnostics that contains these words. The lines until then are searched, too.
    async fn wait_for_line(&mut self, words: &str) {
        let Process { diagnostics, start_lines, .. } = &mut self.process;
        let reading = async {
            loop {
                start_lines.push(diagnostics.recv().await.expect("a running process"));
                if start_lines.last().is_some_and(|line| line.contains(words)) {
                    return;
                }
            }
        };
        timeout(TEST_TIMEOUT, reading).await.unwrap_or_else(|_| panic!("waited {TEST_TIMEOUT:?} for: {words}"));
    }

    /// Stops the service and returns everything that it has written.
    async fn stop(mut self) -> (SecretSearch, Written) {
        let mut written = Written::new();
        for path in ["/metrics", "/openapi.json", "/api/health", "/api/openai/info", "/api/openai/usage"] {
            let request = self.request(Method::GET, path);
            self.ask(request).await;
            let by_operator = self.request(Method::GET, path).bearer_auth(&self.admin_token);
            let answer = by_operator.send().await.expect("an answer");
            if matches!(path, "/metrics" | "/openapi.json") {
                assert_eq!(answer.status(), 200, "{path}");
            }
            let headers = format!("{:?}\n", answer.headers());
            written.insert(path.to_owned(), (headers + &answer.text().await.expect("a body")).into_bytes());
        }
        self.process.terminate();
        assert_eq!(self.process.exit_code().await, Some(0));
        let mut diagnostics = self.process.start_lines.join("\n");
        while let Some(line) = self.process.diagnostics.recv().await {
            diagnostics.push_str(&line);
            diagnostics.push('\n');
        }
        let folder = self.setup.path();
        written.extend([
            ("answers".to_owned(), self.answers),
            ("diagnostics".to_owned(), diagnostics.into_bytes()),
            ("standard output".to_owned(), fs::read(folder.join("stdout")).expect("a file")),
            ("session log".to_owned(), bytes_of(&self.setup.log_dir())),
            ("database".to_owned(), database(&self.setup).await),
        ]);
        for command in [&["check"][..], &["openapi"], &["log", "report"], &["log", "verify"]] {
            let ran = run(&self.setup, command).await;
            written.insert(format!("al-chat {}", command.join(" ")), format!("{}{}", ran.out, ran.err).into_bytes());
        }
        let config = self.setup.config();
        let source = Source::of_pairs(self.setup.settings().clone());
        written
            .insert("Debug output of the settings".to_owned(), format!("{config:?}{config:#?}{source:?}").into_bytes());
        let service = self.setup.start().await;
        written.insert("Debug output of the state".to_owned(), format!("{service:?}").into_bytes());
        service.stop().await;
        (self.search, written)
    }
}

/// The ways in which a model's server repeats a text: in errors, headers, and bodies of every kind.
fn repetitions(text: &str) -> Vec<Behaviour> {
    let headers = || {
        let names = ["x-request-id", "www-authenticate", "location", "retry-after", "set-cookie", "x-echo"];
        names.map(|name| (name, text.to_owned())).to_vec()
    };
    let error = json!({ "error": {
        "message": format!("Incorrect API key provided: {text}. (Bearer {text})"),
        "type": text, "code": text, "param": text, text: text,
    }});
    let mut all = Vec::new();
    for status in [400, 401, 403, 404, 422, 429, 500, 503] {
        all.push(Behaviour::Respond { status, headers: headers(), body: error.to_string() });
    }
    let odd_answer = json!({
        "id": text, "model": "gpt-4o-mini", "system_fingerprint": text, text: text,
        "choices": [{ "index": 0, "message": { "role": text, "content": "hi" }, "finish_reason": text }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, text: text },
    });
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": "hi" } }] });
    let bodies = [
        (error.to_string(), "application/json"),
        (odd_answer.to_string(), "application/json"),
        (format!("data: {chunk}\n\ndata: {error}\n\n"), "text/event-stream"),
        (format!("data: {chunk}\n\nevent: {text}\ndata: {text}\n\n"), "text/event-stream"),
        (format!("<!doctype html><title>{text}</title>{text}"), "text/html"),
        (format!("{{\"error\": {text}"), "application/json"),
        (text.to_owned(), "text/plain"),
    ];
    for (body, media_type) in bodies {
        let headers = [headers(), vec![("content-type", media_type.to_owned())]].concat();
        all.push(Behaviour::Respond { status: 200, headers, body });
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_repeated_by_a_model_that_repeats_it() {
    let (model, key) = (FakeModel::start().await, canary());
    let setup = TestSetup::for_model(&model).with("OPENAI_API_KEY", &key);
    let mut watched = Watched::start(setup, &[("OPENAI_API_KEY", key.clone())]).await;
    for (_, text) in forms(&key) {
        for behaviour in repetitions(&text) {
            model.set_behaviour(behaviour);
            watched.ask_model().await;
        }
        watched.ask(watched.request(Method::GET, "/api/openai/test")).await;
    }
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_a_guard_is_repeated_by_a_guard_that_fails() {
    let (model, guard) = (FakeModel::start().await, FakeHook::start().await);
    // Visible ASCII, as a header has.
    let (token, of_url) = (canary(), canary_word());
    let setup = TestSetup::for_model(&model)
        .with("GUARD_URL", &format!("{}?token={of_url}", guard.url()))
        .with("GUARD_TOKEN", &token);
    let secrets = [("GUARD_TOKEN", token.clone()), ("GUARD_URL", of_url.clone())];
    let mut watched = Watched::start(setup, &secrets).await;
    for secret in [&token, &of_url] {
        for (_, text) in forms(secret) {
            let verdict = json!({ "verdict": text, "message": text });
            for body in [text.clone(), verdict.to_string(), json!({ "verdict": "pass", "why": text }).to_string()] {
                for status in [200, 401, 500] {
                    guard.behave(HookBehaviour::Respond(status, body.clone()));
                    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
                }
            }
        }
    }
    assert!(guard.tokens().contains(&Some(format!("Bearer {token}"))));
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_of_a_collector_is_repeated() {
    let (model, collector) = (FakeModel::start().await, FakeCollector::start().await);
    let (token, of_url) = (canary_word(), canary_word());
    let setup = TestSetup::for_model(&model)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("{}?token={of_url}", collector.url()))
        .with("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization={token}"));
    let secrets = [("OTEL_EXPORTER_OTLP_HEADERS", token.clone()), ("OTEL_EXPORTER_OTLP_ENDPOINT", of_url.clone())];
    let mut watched = Watched::start(setup, &secrets).await;
    for (posts, status) in [(1, 401), (2, 500), (3, 200)] {
        collector.behave(CollectorBehaviour::Respond(status, format!("{token} {of_url}")));
        watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
        collector.wait_for_posts(posts).await;
    }
    collector.stop().await;
    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
    assert!(collector.headers().iter().all(|headers| headers["authorization"] == *token));
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_contact_of_events_is_repeated() {
    let (model, key, of_url, contact) = (FakeModel::start().await, canary_word(), canary_word(), canary_word());
    let in_base64 = BASE64_STANDARD.encode(&key);
    let receiver = EventReceiver::start_with_secret(&format!("whsec_{in_base64}")).await;
    let setup = TestSetup::for_model(&model).with_receiver(&receiver);
    let setup = setup.with("EVENTS_URL", &format!("{}&token={of_url}", receiver.url()));
    let secrets = [
        ("EVENTS_SECRET", &in_base64),
        ("bytes of EVENTS_SECRET", &key),
        ("EVENTS_URL", &of_url),
        ("contact", &contact),
    ];
    let mut watched = Watched::start(setup, &secrets.map(|(name, secret)| (name, secret.clone()))).await;
    let text = secrets.iter().flat_map(|(_, secret)| forms(secret)).map(|(_, text)| text).collect::<Vec<_>>().join(" ");
    let headers = ["location", "retry-after", "www-authenticate", "set-cookie", "x-echo"];
    // Each failure is that of a turn, or of a request for a person.
    for (number, status) in [401, 307, 422, 503, 200].into_iter().enumerate() {
        receiver.answer_with(status, headers.map(|name| (name, text.clone())).to_vec(), text.clone());
        let attempts = receiver.attempts();
        let question = json!({ "message": "hello", "sessionId": format!("turn-{number}") });
        watched.ask(watched.json("/api/chat", &question)).await;
        let handover = format!("/api/session/handover-{number}/handover");
        watched.ask(watched.json(&handover, &json!({ "contact": contact }))).await;
        receiver.wait_for_attempts(attempts + 1).await;
    }
    receiver.wait_for(10).await;
    // Without an answer, libraries name the address.
    receiver.stop().await;
    watched.ask(watched.json("/api/session/last/handover", &json!({ "contact": contact }))).await;
    watched.wait_for_line("the connection is refused").await;
    receiver.restart().await;
    for odd in [
        json!([contact]),
        json!({ contact.as_str(): 1 }),
        json!(contact.repeat(5)),
        json!(format!("{contact}\n{contact}")),
    ] {
        watched.ask(watched.json("/api/session/s/handover", &json!({ "contact": odd }))).await;
    }
    watched.ask(watched.json("/api/session/s/handover", &json!(contact))).await;
    let cut_off = watched.request(Method::POST, "/api/session/s/handover").header("content-type", "application/json");
    watched.ask(cut_off.body(format!("{{\"contact\":\"{contact}"))).await;
    receiver.wait_for(11).await;
    for (url, secret) in
        [(format!("ftp://a/?token={of_url}"), in_base64.clone()), (receiver.url(), format!("whsec_{key}!"))]
    {
        let ran = run(&TestSetup::new().with("EVENTS_URL", &url).with("EVENTS_SECRET", &secret), &["check"]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        watched.answers.extend(format!("{}{}", ran.out, ran.err).into_bytes());
    }
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_a_context_hook_is_repeated_by_one_that_fails() {
    let (model, hook) = (FakeModel::start().await, FakeHook::start().await);
    // Visible ASCII, as a header has.
    let (token, of_url) = (canary(), canary_word());
    let setup = TestSetup::for_model(&model)
        .with("CONTEXT_URL", &format!("{}?token={of_url}", hook.url()))
        .with("CONTEXT_TOKEN", &token);
    let secrets = [("CONTEXT_TOKEN", token.clone()), ("CONTEXT_URL", of_url.clone())];
    let mut watched = Watched::start(setup, &secrets).await;
    for secret in [&token, &of_url] {
        for (_, text) in forms(secret) {
            for body in [text.clone(), json!({ "texts": text }).to_string()] {
                for status in [200, 401, 500] {
                    hook.behave(HookBehaviour::Respond(status, body.clone()));
                    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
                }
            }
        }
    }
    assert!(hook.tokens().contains(&Some(format!("Bearer {token}"))));
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_and_no_header_of_a_provider_is_repeated() {
    let model = FakeModel::start().await;
    let (variable, in_file, header, of_settings) = (canary(), canary(), canary(), canary());
    let setup = TestSetup::new();
    let (file, key_file) = (setup.path().join("al-chat.toml"), setup.path().join("key"));
    fs::write(&key_file, &in_file).expect("a file");
    let base = model.base_url();
    let text = format!(
        "[[providers]]\nname = \"one\"\nbase_url = \"{base}\"\nkey = {{ env = \"KEY_ONE\" }}\nheaders = {{ x-key = \"{header}\" }}\n\
         [[providers]]\nname = \"two\"\nbase_url = \"{base}\"\nkey = {{ file = \"{}\" }}\nkey_header = \"api-key\"\n\
         [[models]]\nname = \"first\"\nprovider = \"one\"\n[[models]]\nname = \"second\"\nprovider = \"two\"\n\
         [[models]]\nname = \"third\"\n",
        key_file.display()
    );
    fs::write(&file, &text).expect("a file");
    let setup = setup.with_all(&[
        ("CONFIG_FILE", &file.display().to_string()),
        ("KEY_ONE", &variable),
        ("ALLOWED_MODELS", "second, third"),
        ("OPENAI_BASE_URL", &base),
        ("MODEL_HEADERS", &json!({ "x-other": of_settings }).to_string()),
    ]);
    let secrets = [
        ("KEY_ONE", variable.clone()),
        ("key file", in_file.clone()),
        ("headers", header.clone()),
        ("MODEL_HEADERS", of_settings.clone()),
    ];
    let mut watched = Watched::start(setup, &secrets).await;
    // Each provider repeats what it was sent.
    for (name, secret) in [("first", &variable), ("first", &header), ("second", &in_file), ("third", &of_settings)] {
        for (_, text) in forms(secret) {
            for behaviour in repetitions(&text).into_iter().step_by(3) {
                model.set_behaviour(behaviour);
                watched.ask(watched.json("/api/chat", &json!({ "message": "hello", "model": name }))).await;
            }
        }
    }
    // The file with the key and the configuration file are read again.
    fs::write(&key_file, format!("{in_file}\n{in_file}")).expect("a file");
    watched.wait_for_line("the key stays as it was").await;
    fs::write(&file, format!("[[providers]]\nname = \"{header}\"\nheaders = {{ a = [\"{header}\"] }}\n"))
        .expect("a file");
    watched.wait_for_line("stay as they were").await;
    fs::write(&key_file, &in_file).expect("a file");
    fs::write(&file, &text).expect("a file");
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_of_papita_and_no_address_is_repeated() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    // The keys that servers take in a query are words. Repeated by another server, they are recognized by their form.
    let (key, of_papita, of_model) = (canary(), canary_word(), canary_word());
    let query = |secret: &str| format!("?token={secret}");
    let setup = TestSetup::new()
        .with("PAPITA_API_URL", &format!("{}/{}", papita.url(), query(&of_papita)))
        .with("OPENAI_BASE_URL", &format!("{}{}", model.base_url(), query(&of_model)));
    papita.serve_key(&key);
    let secrets =
        [("Papita's key", key.clone()), ("PAPITA_API_URL", of_papita.clone()), ("OPENAI_BASE_URL", of_model.clone())];
    let mut watched = Watched::start(setup, &secrets).await;
    for secret in [&key, &of_papita, &of_model] {
        for (_, text) in forms(secret) {
            for behaviour in repetitions(&text).into_iter().step_by(3) {
                papita.serve_key(&key);
                model.set_behaviour(behaviour);
                watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
            }
            model.set_behaviour(Behaviour::Echo);
            for (status, body) in [
                (200, json!({ "credentials": { text.as_str(): text } }).to_string()),
                (200, format!("<title>{text}</title>")),
                (401, json!({ "error": text }).to_string()),
                (500, text.clone()),
            ] {
                papita.serve_body(status, body);
                watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
            }
        }
    }
    // Records of usage are refused, too.
    let page = Box::leak(format!("{key} {of_papita}").into_boxed_str());
    papita.serve_key(&key);
    papita.serve_usage_page(500, page);
    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
    let attempts = papita.usage_attempts();
    wait_until("an attempt to send a record", async || (papita.usage_attempts() > attempts).then_some(())).await;
    // Without an answer, libraries name the address.
    papita.stop().await;
    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
    model.set_behaviour(Behaviour::CloseImmediately);
    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" }))).await;
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_client_is_repeated() {
    let model = FakeModel::start().await;
    let mut watched = Watched::start(TestSetup::for_model(&model), &[]).await;
    let (password, wrong, new) = (canary(), canary(), canary());
    for (name, secret) in [("password", &password), ("wrong password", &wrong), ("new password", &new)] {
        watched.search.add(name, secret);
    }
    let account = |password: &Value| json!({ "username": "ada", "email": "ada@example.org", "password": password });
    watched.ask(watched.json("/api/auth/register", &account(&json!(password)))).await;
    watched.ask(watched.json("/api/auth/register", &account(&json!(wrong)))).await;
    for odd in [json!([password]), json!({ password.as_str(): 1 })] {
        watched.ask(watched.json("/api/auth/register", &account(&odd))).await;
        watched.ask(watched.json("/api/auth/login", &account(&odd))).await;
    }
    watched.ask(watched.json("/api/auth/login", &account(&json!(wrong)))).await;
    let cut_off = format!("{{\"username\":\"ada\",\"password\":\"{password}");
    let request = watched.request(Method::POST, "/api/auth/login").header("content-type", "application/json");
    watched.ask(request.body(cut_off)).await;

    let token = |answer: &str| {
        let (_, rest) = answer.split_once("\"access_token\":\"").expect("a token");
        vec![("account token", rest.split('"').next().expect("an end").to_owned())]
    };
    let login = watched.json("/api/auth/login", &account(&json!(password)));
    let answer = watched.ask_except(login, token).await;
    let token =
        serde_json::from_str::<Value>(&answer).expect("JSON")["access_token"].as_str().expect("a text").to_owned();
    for path in ["/api/auth/me", "/api/chat/histories", "/api/chat/1", "/api/admin/limits"] {
        for bearer in [
            token.clone(),
            token[..token.len() / 2].to_owned(),
            watched.admin_token.clone(),
            watched.admin_token[..20].to_owned(),
        ] {
            let request = watched.request(Method::GET, path);
            watched.ask(request.bearer_auth(&bearer)).await;
            let request = watched.request(Method::GET, &format!("{path}?access_token={bearer}"));
            watched
                .ask(request.header("authorization", format!("Basic {bearer}")).header("x-session-id", bearer))
                .await;
        }
    }
    let change = json!({ "current_password": password, "new_password": new });
    let request = watched.json("/api/auth/password", &change).bearer_auth(&token);
    watched.ask(request).await;
    watched.ask(watched.json("/api/auth/logout", &json!({})).bearer_auth(&token)).await;
    watched.ask(watched.request(Method::GET, "/api/auth/me").bearer_auth(&token)).await;

    let cookie = |answer: &str| {
        let (_, rest) = answer.split_once("al_chat_visitor=").expect("a cookie");
        vec![("visitor's cookie", rest.split(';').next().expect("an end").to_owned())]
    };
    let mut visitor = String::new();
    let request = watched.request(Method::GET, "/chat_history");
    watched
        .ask_except(request, |answer| {
            let found = cookie(answer);
            visitor.clone_from(&found[0].1);
            found
        })
        .await;
    for (method, path) in [(Method::POST, "/chat"), (Method::GET, "/chat_history"), (Method::POST, "/clear_chat")] {
        let request = watched.request(method, path).header("cookie", format!("al_chat_visitor={visitor}"));
        let request = request.header("content-type", "application/json").body("{\"message\":\"hello\"}");
        watched.ask_except(request, |_| vec![("visitor's cookie", visitor.clone())]).await;
    }
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_api_key_and_no_ticket_is_repeated() {
    const ORIGIN: &str = "https://shop.example";
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let file = setup.path().join("al-chat.toml");
    fs::write(&file, format!("[[sites]]\nid = \"shop\"\norigins = [\"{ORIGIN}\"]\n")).expect("a file");
    let mut watched = Watched::start(setup.with("CONFIG_FILE", &file.display().to_string()), &[]).await;
    let made = run(&watched.setup, &["keys", "create", "server"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let key = made.out.trim().to_owned();
    watched.search.add("API key", key.trim_start_matches("alk_"));

    let ticket = |answer: &str| {
        let (_, rest) = answer.split_once("\"ticket\":\"").expect("a ticket");
        vec![("ticket", rest.split('"').next().expect("an end").to_owned())]
    };
    let request = watched.json("/api/embed/ticket", &json!({ "site": "shop" })).header("origin", ORIGIN);
    let answer = watched.ask_except(request, ticket).await;
    let first = serde_json::from_str::<Value>(&answer).expect("JSON")["ticket"].as_str().expect("a text").to_owned();
    let renewal = json!({ "site": "shop", "previous": first });
    let request = watched.json("/api/embed/ticket", &renewal).header("origin", ORIGIN);
    watched.ask_except(request, ticket).await;

    for bearer in [&key, &key[..key.len() / 2], &first, &first[..first.len() - 5], &format!("{first}{key}")] {
        for (method, path) in
            [(Method::POST, "/api/chat"), (Method::POST, "/api/chat/stream"), (Method::GET, "/api/auth/me")]
        {
            let request = watched.request(method, path).bearer_auth(bearer).header("origin", ORIGIN);
            let request = request.header("content-type", "application/json").body("{\"message\":\"hello\"}");
            watched.ask(request).await;
        }
        let wrong = json!({ "site": bearer, "previous": bearer });
        watched.ask(watched.json("/api/embed/ticket", &wrong).header("origin", ORIGIN)).await;
    }
    for command in ["list", "revoke"] {
        let name = if command == "revoke" { &["server"][..] } else { &[] };
        let ran = run(&watched.setup, &[&["keys", command], name].concat()).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        watched.answers.extend(format!("{}{}", ran.out, ran.err).into_bytes());
    }
    watched.ask(watched.json("/api/chat", &json!({ "message": "hello" })).bearer_auth(&key)).await;
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_password_of_a_database_or_proxy_is_repeated() {
    let (database, proxy) = (canary(), canary());
    let mut search = SecretSearch::new();
    search.add("DATABASE_URL", &database);
    search.add("HTTPS_PROXY", &proxy);
    let encoded = |secret: &str| secret.replace('+', "%2B").replace('/', "%2F");
    let refusal = format!(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"{proxy}\"\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{proxy}",
        proxy.len()
    );
    let server = ByteServer::replying(Box::leak(refusal.into_boxed_str()).as_bytes()).await;
    let address = format!("postgres://ada:{}@127.0.0.1:9/chat", encoded(&database));
    let proxy_address = format!("http://ada:{}@{}", encoded(&proxy), server.address);
    let without_database = TestSetup::new()
        .with("DATABASE_URL", &address)
        .with("DATABASE_CONNECT_TIMEOUT", "300ms")
        .with("HTTPS_PROXY", &proxy_address)
        .with("OPENAI_API_KEY", "sk-local")
        .with("OPENAI_BASE_URL", "https://model.example/v1");
    let mut written = Written::new();
    for command in ["check", "migrate"] {
        let ran = run(&without_database, &[command]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        written.insert(command.to_owned(), format!("{}{}", ran.out, ran.err).into_bytes());
    }
    for wrong in [format!("postgres://ada:{}@:x/chat", encoded(&database)), format!("mysql://ada:{database}@a/b")] {
        let setup = TestSetup::new().with("DATABASE_URL", &wrong).with("HTTPS_PROXY", &format!("socks5://{proxy}@a"));
        let ran = run(&setup, &["check"]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        written.insert("check of wrong settings".to_owned(), format!("{}{}", ran.out, ran.err).into_bytes());
    }
    let config = Config::read(&Source::of_pairs([("DATABASE_URL", &*address), ("HTTPS_PROXY", &*proxy_address)]));
    written.insert("Debug output of the settings".to_owned(), format!("{config:#?}").into_bytes());
    assert_eq!(leaks(&search, &written), Leaks::new());

    let setup = TestSetup::new()
        .with("HTTPS_PROXY", &proxy_address)
        .with("OPENAI_API_KEY", "sk-local")
        .with("OPENAI_BASE_URL", "https://model.example/v1");
    let mut watched = Watched::start(setup, &[("HTTPS_PROXY", proxy)]).await;
    watched.ask_model().await;
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

/// A model's server does not know these secrets, unless somebody has sent them to it: they are recognized by their form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_secret_is_repeated_by_a_model() {
    const ORIGIN: &str = "https://shop.example";
    let model = FakeModel::start().await;
    let (admin, jwt, log, password) = (canary_word(), canary_word(), canary_word(), canary_word());
    let sites = format!("[[sites]]\nid = \"shop\"\norigins = [\"{ORIGIN}\"]\n");
    let setup = crate::config_file::with_file(TestSetup::for_model(&model), &sites);
    let setup = setup.with("ADMIN_TOKEN", &admin).with("JWT_SECRET_KEY", &jwt).with("SESSION_LOG_KEY", &log);
    let mut watched = Watched::start(setup, &[("password", password.clone())]).await;
    let made = run(&watched.setup, &["keys", "create", "server"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let key = made.out.trim().to_owned();
    let account = json!({ "username": "ada", "email": "ada@example.org", "password": password });
    watched.ask(watched.json("/api/auth/register", &account)).await;
    let client = watched.process.client.clone();
    let token = client.post("/api/auth/login", &account).await.assert_ok()["access_token"].take();
    let request = client.json_request("/api/embed/ticket", &json!({ "site": "shop" })).header("origin", ORIGIN);
    let ticket = client.send(request).await.assert_ok()["ticket"].take();
    let (token, ticket) = (token.as_str().expect("a text"), ticket.as_str().expect("a text"));
    let signature = |text: &str| text.rsplit('.').next().expect("a signature").to_owned();
    watched.search.add("API key", &key[4..]);
    watched.search.add("account token", &signature(token));
    watched.search.add("ticket", &signature(ticket));
    for secret in [&admin, &jwt, &log, &password, &key, token, ticket] {
        for (_, text) in forms(secret) {
            for behaviour in repetitions(&text).into_iter().step_by(3) {
                model.set_behaviour(behaviour);
                let question = watched.json("/api/chat", &json!({ "message": "hello" })).bearer_auth(ticket);
                watched.ask(question).await;
            }
        }
    }
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn no_password_of_a_used_database_is_repeated_on_postgres() {
    let (model, password) = (FakeModel::start().await, canary_word());
    let mut address = crate::postgres::cluster::shared().database();
    let user = format!("user_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(address.as_str()).await.expect("a connection");
    let create = format!("CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{password}'");
    sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await.expect("a user");
    address.set_username(&user).expect("an address with a user");
    address.set_password(Some(&password)).expect("an address with a password");
    let setup = TestSetup::for_model(&model).with("DATABASE_URL", address.as_str());
    let mut watched = Watched::start(setup, &[("DATABASE_URL", password)]).await;
    watched.ask_model().await;
    let (search, written) = watched.stop().await;
    assert_eq!(leaks(&search, &written), Leaks::new());
}

/// The search itself: a secret that is planted in each place is found there. The contract is the same with all settings, so
/// nothing can be planted in it; but it is among what is searched.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_secrets_are_found_in_every_place() {
    let (model, planted) = (FakeModel::start().await, canary());
    let half = planted[..planted.len() / 2].replace('/', "+").replace('+', "-");
    // Names of models are in metrics, answers, diagnostics, logs and settings.
    let setup = TestSetup::for_model(&model).with("OPENAI_MODEL", &half);
    // `al-chat log verify` names a file with a damage.
    let (folder, named) = (setup.log_dir(), setup.path().join(&half));
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink(&folder, &named).expect("a link");
    fs::write(folder.join("session_2020-01-01.log"), "not a line\n").expect("a file");
    let setup = setup.with("SESSION_LOG_DIR", &named.display().to_string());
    let script = format!("echo {half}; exec \"$0\"");
    let mut watched = Watched::start_by(setup, &[], |setup| setup.command_by_script(&script)).await;
    watched.search.add("planted", &half);
    watched.ask_model().await;
    watched.ask(watched.request(Method::GET, &format!("/{half}"))).await;
    let (search, written) = watched.stop().await;
    let places = leaks(&search, &written).into_keys().collect::<Vec<_>>();
    let expected = [
        "/api/health",
        "/api/openai/info",
        "/api/openai/usage",
        "/metrics",
        "Debug output of the settings",
        "Debug output of the state",
        "al-chat check",
        "al-chat log report",
        "al-chat log verify",
        "answers",
        "database",
        "diagnostics",
        "session log",
        "standard output",
    ];
    assert_eq!(places, expected);
    let others = written.iter().filter(|(place, _)| !expected.contains(&place.as_str()));
    let contracts = others.filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("\"openapi\""));
    let contracts = contracts.map(|(place, _)| place.as_str()).collect::<Vec<_>>();
    assert_eq!((contracts, written.len()), (vec!["/openapi.json", "al-chat openapi"], 16));
}
