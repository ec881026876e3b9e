//! Several providers of models: each with its own key, headers, restrictions and breakers, and fallbacks across them.

use std::fs;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    breaker::{breaker_state, chat_in_session, last_line, refusal},
    command_line::run,
    config_file::{with_file, write_file},
    fakes::{
        certificates::Authority,
        model::{Behaviour, FakeModel, Gate, Pace, PieceGate, Script},
        papita::FakePapita,
        tls,
    },
    support::service::{TestSetup, wait_until},
};

/// Returns the text of a provider with further fields.
pub fn provider(name: &str, base_url: &str, fields: &str) -> String {
    format!("[[providers]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\n{fields}\n")
}

/// Returns the text of a model with further fields.
pub fn model(name: &str, provider: &str, fields: &str) -> String {
    format!("[[models]]\nname = \"{name}\"\nprovider = \"{provider}\"\n{fields}\n")
}

/// Two providers: `one` with the model `first` and the key `sk-one`, and `two` with `second` and `sk-two`, which answers where
/// `first` is unavailable.
pub struct Pair {
    pub one: FakeModel,
    pub two: FakeModel,
    pub setup: TestSetup,
}

impl Pair {
    pub async fn new(settings: &[(&str, &str)]) -> Self {
        let (one, two) = (FakeModel::start().await, FakeModel::start().await);
        let text = [
            provider("one", &one.base_url(), "key = { env = \"KEY_ONE\" }"),
            provider("two", &two.base_url(), "key = { env = \"KEY_TWO\" }"),
            model("first", "one", "upstream_name = \"first-there\""),
            model("second", "two", ""),
        ];
        let setup = with_file(TestSetup::new(), &text.concat()).with_all(&[
            ("FALLBACK_MODELS", "second"),
            ("MODEL_RETRIES", "0"),
            ("KEY_ONE", "sk-one"),
            ("KEY_TWO", "sk-two"),
        ]);
        Self { one, two, setup: setup.with_all(settings) }
    }
}

/// Returns the keys and the models of all calls.
fn calls(model: &FakeModel) -> Vec<(String, String)> {
    let of_call = |body: &Value| body["model"].as_str().unwrap_or_default().to_owned();
    model.calls().iter().map(|call| (call.bearer.clone().unwrap_or_default(), of_call(&call.body))).collect()
}

fn pair(key: &str, model: &str) -> (String, String) {
    (key.to_owned(), model.to_owned())
}

#[tokio::test]
async fn fallbacks_cross_providers_each_with_its_own_key() {
    let Pair { one, two, setup } = Pair::new(&[]).await;
    let service = setup.start().await;
    let client = &service.client;
    assert_eq!(client.chat("hello").await.assert_ok()["usage"]["model"], "first");
    assert_eq!((calls(&one), calls(&two)), (vec![pair("sk-one", "first-there")], vec![]));
    let line = last_line(&setup);
    assert_eq!([&line["model"], &line["provider"], &line["credential_source"]], ["first", "one", "local_env"]);
    one.set_behaviour(refusal(500));
    assert_eq!(client.chat("hello").await.assert_ok()["usage"]["model"], "second");
    assert_eq!(calls(&two), [pair("sk-two", "second")]);
    assert_eq!(calls(&one), [pair("sk-one", "first-there"), pair("sk-one", "first-there")]);
    let line = last_line(&setup);
    assert_eq!([&line["model"], &line["requested_model"], &line["provider"]], ["second", "first", "two"]);
    assert_eq!([&line["calls"][0]["model"], &line["calls"][1]["model"]], ["first", "second"]);
    let metrics = client.get("/metrics").await.text;
    for labels in ["model=\"first\",provider=\"one\"", "model=\"second\",provider=\"two\""] {
        assert!(metrics.contains(&format!("al_chat_model_provider{{{labels}}} 1")), "{metrics}");
    }
}

#[tokio::test]
async fn a_single_provider_has_no_name_in_log_and_metrics() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(last_line(&setup).get("provider"), None);
    assert!(!service.client.get("/metrics").await.text.contains("model_provider"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_fails_before_its_first_word_when_a_provider_dies() {
    let Pair { one, two, setup } = Pair::new(&[("LIMIT_VISITOR", "off")]).await;
    let service = setup.start().await;
    let client = &service.client;
    // Turns that wait for the first word of the provider that dies, turns that begin while it dies, and later ones.
    let gate = Gate::new();
    one.set_behaviour(Behaviour::Held(gate.clone()));
    two.set_behaviour(Behaviour::Echo);
    let turn = async |number: usize| {
        let request = json!({ "message": "hello", "session_id": format!("session-{number}"), "stream": number.is_multiple_of(2) });
        let answer = client.send(client.json_request("/api/chat", &request)).await;
        (answer.status, answer.text)
    };
    let waiting = join_all((0..20).map(turn));
    let dying = async {
        one.wait_for_calls(20).await;
        one.stop().await;
    };
    let during = async {
        one.wait_for_calls(10).await;
        join_all((20..40).map(turn)).await
    };
    let (answered, (), answered_during) = tokio::join!(waiting, dying, during);
    let later = join_all((40..60).map(turn)).await;
    for (status, text) in answered.into_iter().chain(answered_during).chain(later) {
        assert!(status == 200 && text.contains("hello") && !text.contains("event: error"), "{status}: {text}");
    }
    assert_eq!((breaker_state(client, "first").await, breaker_state(client, "second").await), (2, 0));
    let answered = setup.log_lines("chat");
    assert_eq!(answered.len(), 60);
    assert!(answered.iter().all(|line| line["model"] == "second" && line["provider"] == "two"), "{answered:#?}");
    assert!(calls(&two).iter().all(|(key, _)| key == "sk-two"));
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_taken_to_another_provider() {
    let Pair { one, two, setup } = Pair::new(&[("MODEL_IDLE_TIMEOUT", "10s")]).await;
    let service = setup.start().await;
    let gate = PieceGate::new();
    one.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    gate.release(2);
    let turn = async { service.client.stream_chat("hello").await.text_and_end().await };
    let dying = async {
        wait_until("two pieces", async || (one.sent().first()?.pieces >= 2).then_some(())).await;
        one.stop().await;
    };
    let ((text, end), ()) = tokio::join!(turn, dying);
    assert_eq!((end.name.as_str(), two.call_count()), ("error", 0), "{text}");
}

#[tokio::test]
async fn a_refused_key_is_replaced_at_its_provider_alone() {
    let (one, two, papita) = (FakeModel::start().await, FakeModel::start().await, FakePapita::start().await);
    let text = [
        provider("one", &one.base_url(), "key = { papita = \"key-one\" }"),
        provider("two", &two.base_url(), "key = { papita = \"key-two\" }"),
        model("first", "one", ""),
        model("second", "two", ""),
    ];
    papita.serve_named_key("key-one", "sk-one-old");
    papita.serve_named_key("key-two", "sk-two");
    let setup = with_file(TestSetup::new(), &text.concat())
        .with_all(&[("PAPITA_API_URL", &papita.url()), ("ALLOWED_MODELS", "second")]);
    let service = setup.start().await;
    let ask = async |model: &str| {
        let answer = service.client.post("/api/chat", &json!({ "message": "hello", "model": model })).await;
        answer.assert_ok();
    };
    ask("first").await;
    ask("second").await;
    one.accept_only(&["sk-one-new"]);
    papita.serve_named_key("key-one", "sk-one-new");
    ask("first").await;
    ask("second").await;
    let keys = |model: &FakeModel| calls(model).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(&one), ["sk-one-old", "sk-one-old", "sk-one-new"]);
    assert_eq!(keys(&two), ["sk-two", "sk-two"]);
    assert_eq!((papita.named_key_calls("key-one"), papita.named_key_calls("key-two")), (2, 1));
    assert_eq!(papita.key_calls(), 0, "the provider of the environment is not used");
    assert_eq!(last_line(&setup)["credential_source"], "papita_api");
}

#[tokio::test]
async fn a_key_in_a_file_is_read_again_when_it_changes() {
    let model = FakeModel::start().await;
    let setup = TestSetup::new();
    let file = setup.path().join("key");
    fs::write(&file, "sk-first\n").unwrap();
    let text = provider("one", &model.base_url(), &format!("key = {{ file = \"{}\" }}", file.display()));
    let setup = with_file(setup, &format!("{text}[[models]]\nname = \"m\"\nprovider = \"one\"\n"));
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    client.chat("hello").await.assert_ok();
    // At once, if the provider refuses the key.
    fs::write(&file, "sk-second\n").unwrap();
    model.accept_only(&["sk-second"]);
    client.chat("hello").await.assert_ok();
    process.wait_for_line("was read again").await;
    // By itself.
    fs::write(&file, "sk-third\n").unwrap();
    model.accept_any_key();
    process.wait_for_line("was read again").await;
    client.chat("hello").await.assert_ok();
    // A file without a key changes nothing.
    fs::write(&file, "").unwrap();
    process.wait_for_line("the key stays as it was").await;
    client.chat("hello").await.assert_ok();
    let keys = calls(&model).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys, ["sk-first", "sk-first", "sk-second", "sk-third", "sk-third"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_in_the_env_file_is_read_again_on_sighup() {
    let model = FakeModel::start().await;
    let text = provider("one", &model.base_url(), "key = { env = \"KEY_ONE\" }");
    let setup = with_file(TestSetup::new(), &format!("{text}[[models]]\nname = \"m\"\nprovider = \"one\"\n"));
    let env_file = setup.path().join(".env");
    fs::write(&env_file, "KEY_ONE=sk-first\n").unwrap();
    let mut process = setup.start_process().await;
    let notice = process.start_lines.iter().find(|line| line.contains("no setting"));
    assert_eq!(notice, None, "the name is known by the configuration file");
    process.client.chat("hello").await.assert_ok();
    fs::write(&env_file, "KEY_ONE=sk-second\n").unwrap();
    process.signal("HUP");
    process.wait_for_line("KEY_ONE has changed").await;
    process.client.chat("hello").await.assert_ok();
    let keys = calls(&model).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys, ["sk-first", "sk-second"]);
}

#[tokio::test]
async fn headers_and_fields_are_added_and_parameters_left_out() {
    let server = FakeModel::start().await;
    let fields = "key = { env = \"AZURE_KEY\" }\nkey_header = \"api-key\"\nheaders = { \"X-Portkey-Provider\" = \"openai\" }\n\
                  body = { reasoning_effort = \"low\", chat_template_kwargs = { enable_thinking = false }, top_k = 20, n = 1.5 }\n\
                  omit = [\"stream_options\", \"temperature\", \"max_tokens\"]\n";
    let text = [
        provider("azure", &format!("{}?api-version=2024-10-21", server.base_url()), fields),
        model("m", "azure", "upstream_name = \"deployment\""),
    ];
    let setup = with_file(TestSetup::new(), &text.concat());
    let service = setup.with_all(&[("AZURE_KEY", "azure-secret"), ("MAX_ANSWER_TOKENS", "99")]).start().await;
    // The portal's persona has a temperature.
    service.client.post("/chat", &json!({ "message": "hello" })).await.assert_ok();
    service.client.stream_chat("hello").await.text_and_end().await;
    let calls = server.calls();
    assert_eq!(calls.len(), 2, "nothing is asked twice");
    for call in &calls {
        assert_eq!(["api-key", "x-portkey-provider"].map(|name| &call.headers[name]), ["azure-secret", "openai"]);
        assert_eq!((call.headers.get("authorization"), call.query.as_deref()), (None, Some("api-version=2024-10-21")));
        let body = &call.body;
        assert_eq!([&body["model"], &body["reasoning_effort"]], ["deployment", "low"]);
        assert_eq!(body["chat_template_kwargs"], json!({ "enable_thinking": false }));
        assert_eq!((&body["top_k"], &body["n"]), (&json!(20), &json!(1.5)));
        for left_out in ["stream_options", "temperature", "max_tokens"] {
            assert_eq!(body.get(left_out), None, "{left_out}");
        }
    }
    assert_eq!((&calls[0].body["max_completion_tokens"], &calls[1].body["stream"]), (&json!(99), &json!(true)));
}

#[tokio::test]
async fn the_provider_of_the_environment_has_headers_and_fields() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model)
        .with("MODEL_HEADERS", "{\"x-portkey-provider\": \"openai\"}")
        .with("MODEL_BODY", "{\"reasoning_effort\": \"low\"}");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let call = model.calls().remove(0);
    assert_eq!(call.headers["x-portkey-provider"], "openai");
    assert_eq!(call.body["reasoning_effort"], "low");
    assert_eq!(call.bearer.as_deref(), Some("sk-local"));
    for (name, value) in [
        ("MODEL_HEADERS", "{\"Authorization\": \"Secret\"}"),
        ("MODEL_HEADERS", "Secret"),
        ("MODEL_BODY", "{\"model\": \"Secret\"}"),
        ("MODEL_BODY", "[\"Secret\"]"),
    ] {
        let ran = run(&TestSetup::new().with(name, value), &["check"]).await;
        let expected = format!("{name}: expected a JSON object");
        assert!(ran.code == Some(2) && ran.err.contains(&expected) && !ran.err.contains("Secret"), "{ran:?}");
    }
}

#[tokio::test]
async fn what_a_provider_refuses_is_learned_for_it_alone() {
    let Pair { one, two, setup } = Pair::new(&[("ALLOWED_MODELS", "second"), ("MAX_ANSWER_TOKENS", "50")]).await;
    let service = setup.start().await;
    let error = json!({ "error": { "message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens" } });
    one.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: error.to_string() });
    for model in ["first", "second", "first"] {
        service.client.post("/api/chat", &json!({ "message": "hello", "model": model })).await.assert_ok();
    }
    let limits = |model: &FakeModel| {
        let names = ["max_tokens", "max_completion_tokens"];
        let sent = |body: &Value| names.into_iter().find(|name| body.get(*name).is_some());
        model.calls().iter().map(|call| sent(&call.body)).collect::<Vec<_>>()
    };
    let new_name = Some("max_completion_tokens");
    assert_eq!(limits(&one), [Some("max_tokens"), new_name, new_name]);
    assert_eq!(limits(&two), [Some("max_tokens")]);
}

#[tokio::test]
async fn a_provider_without_a_key_is_passed_over() {
    let Pair { one, two, setup } = Pair::new(&[("KEY_ONE", "")]).await;
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    // The requested model has no key: that of the other provider answers.
    assert_eq!(client.chat("hello").await.assert_ok()["usage"]["model"], "second");
    assert_eq!((one.call_count(), two.call_count()), (0, 1));
    assert_eq!(client.get("/api/health").await.assert_ok()["demo_mode"], false);
    let ran = run(&setup, &["check"]).await;
    assert!(ran.code == Some(1) && ran.out.contains("Key of one: none; "), "{ran:?}");
    drop(process);
    // The fallback has none: the turn fails with the failure of the requested model.
    let Pair { one, two, setup } = Pair::new(&[("KEY_TWO", "")]).await;
    one.set_behaviour(refusal(500));
    process = setup.start_process().await;
    process.client.chat("hello").await.assert_error(502, "model_failed");
    let line = process.wait_for_line("a model is passed over, as there is no key for it").await;
    assert!(line.contains("second") && line.contains("two"), "{line}");
    assert_eq!((one.call_count(), two.call_count()), (1, 0));
}

#[tokio::test]
async fn a_refused_key_leads_to_another_provider() {
    let Pair { one, two, setup } = Pair::new(&[]).await;
    let service = setup.start().await;
    one.accept_only(&["sk-other"]);
    assert_eq!(service.client.chat("hello").await.assert_ok()["usage"]["model"], "second");
    two.accept_only(&["sk-other"]);
    service.client.chat("hello").await.assert_error(401, "invalid_api_key");
    assert_eq!((one.call_count(), two.call_count()), (2, 2));
    one.accept_any_key();
    two.accept_any_key();
    one.behave_once(refusal(403));
    assert_eq!(service.client.chat("hello").await.assert_ok()["usage"]["model"], "second");
}

#[tokio::test]
async fn the_built_in_responder_stands_in_for_the_environment_only() {
    let two = FakeModel::start().await;
    let text = [
        provider("two", &two.base_url(), "key = { env = \"KEY_TWO\" }"),
        "[[models]]\nname = \"first\"\n".to_owned(),
        model("second", "two", ""),
    ];
    let setup = || {
        let setup = with_file(TestSetup::new(), &text.concat());
        setup.with_all(&[("ALLOWED_MODELS", "second"), ("KEY_TWO", "sk-two")])
    };
    let first_setup = setup();
    let service = first_setup.start().await;
    assert_eq!(service.client.chat("hello").await.assert_ok()["usage"]["model"], "basic");
    assert_eq!(service.client.get("/api/health").await.assert_ok()["demo_mode"], true);
    let request = json!({ "message": "hello", "model": "second" });
    assert_eq!(service.client.post("/api/chat", &request).await.assert_ok()["usage"]["model"], "second");
    // A variable that the file names is a source of a key.
    let second_setup = setup().with("KEY_TWO", "").with("OPENAI_MODEL", "second");
    let service = second_setup.start().await;
    assert_eq!(service.client.get("/api/health").await.assert_ok()["demo_mode"], false);
    service.client.post("/api/chat", &request).await.assert_error(503, "no_api_key");
    assert_eq!(two.call_count(), 1);
}

#[tokio::test]
async fn a_provider_that_refuses_its_key_is_asked_once() {
    let (one, two) = (FakeModel::start().await, FakeModel::start().await);
    let text = [
        provider("one", &one.base_url(), "key = { env = \"KEY_ONE\" }"),
        provider("two", &two.base_url(), ""),
        model("a", "two", "fallbacks = [\"b\", \"c\", \"d\"]"),
        model("b", "one", ""),
        model("c", "one", ""),
        model("d", "two", ""),
    ];
    let setup = with_file(TestSetup::new(), &text.concat()).with_all(&[("KEY_ONE", "sk-one"), ("MODEL_RETRIES", "0")]);
    let service = setup.start().await;
    one.accept_only(&["sk-other"]);
    two.behave_once(refusal(500));
    assert_eq!(service.client.chat("hello").await.assert_ok()["usage"]["model"], "d");
    let names = |model: &FakeModel| calls(model).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!((names(&one), names(&two)), (vec!["b".to_owned()], vec!["a".to_owned(), "d".to_owned()]));
}

#[cfg(unix)]
#[tokio::test]
async fn no_key_is_taken_to_another_server_on_sighup() {
    let (one, two) = (FakeModel::start().await, FakeModel::start().await);
    let text = |base: &str| {
        let provider = provider("one", base, "key = { env = \"KEY_ONE\" }");
        format!("{provider}[[models]]\nname = \"m\"\nprovider = \"one\"\n")
    };
    let setup = with_file(TestSetup::new(), &text(&one.base_url()));
    let env_file = setup.path().join(".env");
    fs::write(&env_file, "KEY_ONE=sk-first\n").unwrap();
    let mut process = setup.start_process().await;
    fs::write(&env_file, "KEY_ONE=sk-second\n").unwrap();
    write_file(&setup, &text(&two.base_url()));
    process.signal("HUP");
    process.wait_for_line("KEY_ONE stays as it was").await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!((calls(&one), two.call_count()), (vec![pair("sk-first", "m")], 0));
}

#[tokio::test]
async fn a_model_has_its_own_fallbacks_price_and_window() {
    let server = FakeModel::start().await;
    let text = [
        provider("one", &server.base_url(), ""),
        model("first", "one", "fallbacks = [\"third\"]\nprice = { input = 1, output = 2.5 }"),
        model("second", "one", ""),
        model("third", "one", "price = { input = 10.0, output = 0 }"),
    ];
    let setup = with_file(TestSetup::new(), &text.concat()).with_all(&[
        ("FALLBACK_MODELS", "second"),
        ("MODEL_RETRIES", "0"),
        ("MODEL_PRICES", "third=20/0"),
    ]);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    // 12 and 6 tokens.
    assert_eq!(last_line(&setup)["cost_usd"], json!((12.0 * 1.0 + 6.0 * 2.5) / 1e6));
    server.behave_once(refusal(500));
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    assert_eq!((&line["model"], &line["cost_usd"]), (&json!("third"), &json!(12.0 * 20.0 / 1e6)));
}

#[tokio::test]
async fn a_provider_trusts_its_own_authorities() {
    let (server, authority) = (FakeModel::start().await, Authority::new());
    let proxy = tls::start(&authority.issue(&["localhost"]), server.address()).await;
    let base = format!("https://localhost:{}/v1", proxy.address.port());
    let setup = TestSetup::new();
    let roots = setup.path().join("roots.pem");
    fs::write(&roots, authority.certificate()).unwrap();
    let trusting = provider("own", &base, &format!("roots = \"{}\"", roots.display()));
    let text = [trusting, provider("other", &base, ""), model("m", "own", ""), model("n", "other", "")];
    let setup = with_file(setup, &text.concat()).with("ALLOWED_MODELS", "n").with("MODEL_RETRIES", "0");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let request = json!({ "message": "hello", "model": "n" });
    service.client.post("/api/chat", &request).await.assert_error(502, "model_unreachable");
}

#[tokio::test]
async fn breakers_of_models_of_one_provider_are_separate() {
    let server = FakeModel::start().await;
    let text = [provider("one", &server.base_url(), ""), model("first", "one", ""), model("second", "one", "")];
    let setup =
        with_file(TestSetup::new(), &text.concat()).with_all(&[("ALLOWED_MODELS", "second"), ("MODEL_RETRIES", "0")]);
    let service = setup.start().await;
    server.set_behaviour(refusal(500));
    join_all((0..10).map(|session| chat_in_session(&service.client, session))).await;
    let client = &service.client;
    assert_eq!((breaker_state(client, "first").await, breaker_state(client, "second").await), (2, 0));
}
