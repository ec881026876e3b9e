//! The first start of the service: misspelled settings, placeholders, and unavailable addresses.

use std::{fs, net::TcpListener};

use serde_json::json;
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    command_line::{CommandOutput, run},
    fakes::{model::FakeModel, papita::FakePapita},
    support::service::{TEST_TIMEOUT, TestSetup},
};

/// The template of AL-Chat's first version.
const OLD_TEMPLATE: &str = "# OpenAI\nOPENAI_API_KEY=your_openai_api_key_here\nOPENAI_MODEL=gpt-4o-mini\n\n# Papita\n\
                            PAPITA_API_URL=http://localhost:3000\n\n# Flask\nFLASK_ENV=development\nFLASK_DEBUG=True\n\
                            FRONTEND_URL=http://localhost:3001\n";

fn write_env_file(setup: &TestSetup, text: &str) {
    fs::write(setup.path().join(".env"), text).expect("a .env file");
}

#[track_caller]
fn assert_mentions(said: &str, name: &str, words: &str) {
    let line =
        said.lines().find(|line| line.contains(&format!("{name} in "))).unwrap_or_else(|| panic!("{name}: {said}"));
    assert!(line.contains(words), "{words} in {line}");
}

const MISSPELLED: [(&str, &str); 7] = [
    ("OPENAI_APIKEY", "did you mean OPENAI_API_KEY?"),
    ("OPEN_AI_KEY", "did you mean OPENAI_API_KEY?"),
    ("PORTT", "did you mean PORT?"),
    ("SESSIONLOG_DIR", "did you mean SESSION_LOG_DIR?"),
    ("OPENAI_KEY_FILE", "did you mean OPENAI_API_KEY_FILE?"),
    ("OPENAI_MODEL_FILE", "set OPENAI_MODEL itself"),
    ("OPENAI_API_BASE", "OPENAI_BASE_URL is"),
];

#[tokio::test]
async fn misspelled_settings_are_reported_with_a_suggestion() {
    let in_file = TestSetup::new();
    write_env_file(&in_file, &MISSPELLED.map(|(name, _)| format!("{name}=sk-Secret\n")).concat());
    let in_environment = MISSPELLED.iter().fold(TestSetup::new(), |setup, (name, _)| setup.with(name, "sk-Secret"));
    for (setup, place) in [(in_file, ".env"), (in_environment, "the environment")] {
        let process = setup.start_process().await;
        let started = process.start_lines.join("\n");
        let checked = run(&setup.with("SESSION_LOG_DIR", "another"), &["check"]).await;
        assert_eq!(checked.code, Some(0), "{checked:?}");
        for said in [&started, &checked.err] {
            for (name, words) in MISSPELLED {
                assert_mentions(said, name, words);
                assert_mentions(said, name, &format!("{name} in {place} "));
            }
            assert!(!said.contains("Secret"), "{said}");
        }
    }
}

#[tokio::test]
async fn unknown_settings_are_reported_only_from_the_env_file() {
    let names = ["SHOP_COLOUR", "VITE_API", "REDIS_URL"];
    let setup = names.iter().fold(TestSetup::new(), |setup, name| setup.with(name, "x"));
    let ran = run(&setup, &["check"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    write_env_file(
        &setup,
        "SOME PROSE\nREDIS_URL=x\nSHOP_COLOUR=red\nVITE_API=1\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj==\n",
    );
    let ran = run(&setup, &["check"]).await;
    assert!(ran.err.contains("no settings of AL-Chat: REDIS_URL, SHOP_COLOUR, VITE_API;"), "{}", ran.err);
    assert!(!ran.err.contains("MIIE"), "{}", ran.err);
}

#[tokio::test]
async fn settings_of_other_programs_are_reported_with_ours() {
    let setup = TestSetup::new();
    write_env_file(
        &setup,
        "FLASK_ENV=development\nGEMINI_API_KEY=AIza\nSESSION_SECRET=x\nGOOGLE_CLIENT_ID=y\nHOST=::\n",
    );
    let ran = run(&setup, &["check"]).await;
    for (name, words) in [
        ("FLASK_ENV", "no Flask"),
        ("GEMINI_API_KEY", "OPENAI_BASE_URL=https://generativelanguage.googleapis.com/v1beta/openai/"),
        ("SESSION_SECRET", "cookies need no secret"),
        ("GOOGLE_CLIENT_ID", "no login by Google"),
        ("HOST", "SERVER_HOST is"),
    ] {
        assert_mentions(&ran.err, name, words);
    }
    let ran =
        run(&TestSetup::new().with("FLASK_ENV", "x").with("GEMINI_API_KEY", "y").with("HOST", "z"), &["check"]).await;
    assert_eq!(ran.err, "", "the process environment was changed");
}

#[tokio::test]
async fn duplicate_and_referencing_settings_are_reported() {
    let setup = TestSetup::new();
    write_env_file(&setup, "OPENAI_MODEL=one\nALLOWED_MODELS=${MODELS}\nOPENAI_MODEL=two\n");
    let ran = run(&setup, &["check"]).await;
    assert!(ran.err.contains("OPENAI_MODEL stands twice in .env, in lines 1 and 3"), "{}", ran.err);
    assert!(ran.err.contains("ALLOWED_MODELS in .env, line 2, refers to another variable"), "{}", ran.err);
}

#[tokio::test]
async fn hints_are_printed_together_with_errors() {
    let setup = TestSetup::new().with("PORT", "nonsense");
    write_env_file(&setup, "OPENAI_APIKEY=x\n");
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(2));
    assert_mentions(&ran.err, "OPENAI_APIKEY", "did you mean OPENAI_API_KEY?");
}

#[tokio::test]
async fn log_levels_are_accepted_under_all_names() {
    for level in ["warning", "WARN", "trace", "off", "error", "info,al_chat=debug"] {
        let ran = run(&TestSetup::new().with("LOG_LEVEL", level), &["check"]).await;
        assert_eq!(ran.code, Some(0), "{level}: {ran:?}");
    }
    for level in ["loud", "sk-Secret", "info,loud"] {
        let ran = run(&TestSetup::new().with("LOG_LEVEL", level).with("PORT", "x"), &[]).await;
        assert_eq!(ran.code, Some(2), "{level}: {ran:?}");
        assert!(ran.err.contains("LOG_LEVEL: expected off, error, warn") && ran.err.contains("PORT: "), "{}", ran.err);
        assert!(!ran.err.contains("Secret"), "{}", ran.err);
    }
}

#[tokio::test]
async fn the_log_level_can_limit_output_to_warnings() {
    let setup = TestSetup::new().with("LOG_LEVEL", "Warning");
    write_env_file(&setup, "OPENAI_APIKEY=x\n");
    // The port is in use, so that the program exits.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = run(&setup.with("PORT", &taken.local_addr().unwrap().port().to_string()), &[]).await;
    assert!(ran.err.contains("WARN OPENAI_APIKEY"), "{}", ran.err);
    assert!(!ran.err.contains("INFO"), "{}", ran.err);
}

/// Runs a check of the host `model.test` with these settings. Returns the first line that a proxy received.
async fn proxied_request(settings: &[(&str, &str)]) -> (Option<String>, CommandOutput) {
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    let setup = TestSetup::new().with("OPENAI_BASE_URL", "https://model.test/v1").with("MODEL_RETRIES", "0");
    let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, &value.replace("{}", &address)));
    let first_line = async {
        let mut first = [0; 256];
        let length = proxy.accept().await.unwrap().0.read(&mut first).await.unwrap();
        String::from_utf8_lossy(&first[..length]).lines().next().map(str::to_owned)
    };
    let mut first_line = Box::pin(first_line);
    let mut running = Box::pin(run(&setup, &["check"]));
    tokio::select! {
        line = &mut first_line => (line, timeout(TEST_TIMEOUT, running).await.expect("the check ends")),
        ran = &mut running => (None, ran),
    }
}

#[tokio::test]
async fn a_proxy_is_read_in_both_cases_with_or_without_a_scheme() {
    for (name, value) in [("HTTPS_PROXY", "http://{}"), ("https_proxy", "http://{}"), ("https_proxy", "{}")] {
        let (line, _) = proxied_request(&[(name, value)]).await;
        assert_eq!(line.as_deref(), Some("CONNECT model.test:443 HTTP/1.1"), "{name}={value}");
    }
    let (line, _) = proxied_request(&[("https_proxy", "http://127.0.0.1:9"), ("HTTPS_PROXY", "{}")]).await;
    assert!(line.is_some(), "the other name took precedence");
    for name in ["NO_PROXY", "no_proxy"] {
        let (line, ran) = proxied_request(&[("https_proxy", "{}"), (name, "model.test")]).await;
        assert_eq!(line, None, "{ran:?}");
    }
}

#[tokio::test]
async fn a_socks_proxy_is_rejected() {
    for address in ["socks5://ada:sk-Secret@proxy.example:1080", "socks5h://p:1", "socks4://p:1"] {
        let ran = run(&TestSetup::new().with("https_proxy", address), &["check"]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("HTTPS_PROXY: expected") && ran.err.contains("SOCKS proxies are not"), "{}", ran.err);
        assert!(!ran.err.contains("Secret"), "{}", ran.err);
    }
}

#[tokio::test]
async fn an_unavailable_listen_address_is_reported_with_the_cause() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (settings, words) in [
        ([("SERVER_HOST", "127.0.0.1"), ("PORT", port.as_str())], "another process does"),
        ([("SERVER_HOST", "192.0.2.1"), ("PORT", "0")], "this machine has no such address"),
        ([("SERVER_HOST", "no-such-host.invalid"), ("PORT", "0")], "check SERVER_HOST"),
    ] {
        let setup = TestSetup::new().with_all(&settings);
        let ran = run(&setup, &[]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("cannot listen on") && ran.err.contains(words), "{}", ran.err);
        assert!(setup.log().is_empty());
    }
}

#[tokio::test]
async fn the_old_template_runs_with_the_built_in_responder() {
    let setup = TestSetup::new();
    write_env_file(&setup, OLD_TEMPLATE);
    let mut process = setup.start_process().await;
    let started = process.start_lines.join("\n");
    assert!(started.contains("OPENAI_API_KEY holds a placeholder of an example file"), "{started}");
    let next = process.diagnostics.recv().await.expect("a line");
    assert!(next.contains("demo mode"), "{next}");
    assert_mentions(&started, "FLASK_ENV", "no Flask");
    assert_eq!(process.client.chat("hello").await.assert_ok()["model"], "basic");
    let info = process.client.get("/api/openai/info").await.assert_ok();
    assert_eq!(info["code"], "no_api_key");
    assert!(info["error"].as_str().unwrap().contains("OPENAI_API_KEY holds a placeholder"), "{info}");
}

#[tokio::test]
async fn the_old_template_uses_a_running_papita() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-brokered");
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with_papita_at_default_address(&papita);
    let setup =
        setup.with("OPENAI_API_KEY", "your_openai_api_key_here").with("PAPITA_API_URL", "http://localhost:3000/");
    setup.start().await.client.chat("hello").await.assert_ok();
    assert_eq!(model.calls()[0].bearer.as_deref(), Some("sk-brokered"));
}

#[tokio::test]
async fn a_rejected_model_choice_is_logged_with_the_setting() {
    let setup = TestSetup::for_model(&FakeModel::start().await).with("ALLOWED_MODELS", "o3-mini");
    let mut process = setup.start_process().await;
    let body = json!({ "message": "hello", "model": "gpt-9" });
    process.client.post("/api/chat", &body).await.assert_error(400, "model_not_allowed");
    process.wait_for_line("nor among ALLOWED_MODELS").await;
}

#[tokio::test]
async fn an_invalid_key_is_reported_as_such() {
    for (key, words) in [
        ("sk-your-key", "holds a placeholder"),
        ("${OPENAI_API_KEY}", "holds a placeholder"),
        ("sk-a\u{7}b", "holds a character that no key has"),
        ("\u{201c}sk-a\u{201d}", "has blanks or special characters"),
        ("sk-a sk-b", "has blanks or special characters"),
    ] {
        let ran = run(&TestSetup::new().with("AI_SERVICE", "basic").with("OPENAI_API_KEY", key), &["check"]).await;
        assert!(ran.err.contains(&format!("OPENAI_API_KEY {words}")), "{key}: {ran:?}");
        assert!(!ran.err.contains(key), "{}", ran.err);
    }
}

#[tokio::test]
async fn check_and_info_show_the_same_fingerprint() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let ran = run(&setup, &["check"]).await;
    assert!(ran.out.contains("can be compared once the service has made its database"), "{}", ran.out);
    let fingerprint = async |process: &crate::support::service::Process| {
        let info = process.client.get("/api/openai/info").await.assert_ok();
        let usage = process.client.get("/api/openai/usage").await.assert_ok();
        let shown = info["credentials_info"]["openai_api_key_prefix"].as_str().expect("a fingerprint").to_owned();
        assert_eq!(usage["account_info"]["api_key_prefix"], json!(shown));
        shown
    };
    let mut process = setup.start_process().await;
    let shown = fingerprint(&process).await;
    assert!(run(&setup, &["check"]).await.out.contains(&format!("its fingerprint is {shown}.")));
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert!(run(&setup, &["check"]).await.out.contains(&format!("its fingerprint is {shown}.")));
    assert_eq!(fingerprint(&setup.start_process().await).await, shown, "the value did not survive a restart");
    let other = run(&setup.with("OPENAI_API_KEY", "sk-another"), &["check"]).await;
    assert!(!other.out.contains(&shown), "{}", other.out);
}

#[tokio::test]
async fn the_query_of_papitas_url_is_never_exposed() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with("LOG_LEVEL", "debug");
    let setup = setup.with("PAPITA_API_URL", &format!("{}/?token=Umbrella#Zeppelin", papita.url()));
    let ran = run(&setup, &["check"]).await;
    assert!(ran.code == Some(0) && ran.out.contains(&papita.url()), "{ran:?}");
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let mut texts = vec![ran.out, ran.err];
    for path in ["/api/openai/info", "/api/openai/usage", "/api/health", "/api/health/ready"] {
        texts.push(process.client.get(path).await.text);
    }
    papita.stop().await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    texts.append(&mut process.start_lines);
    while let Some(line) = process.diagnostics.recv().await {
        texts.push(line);
    }
    texts.extend(setup.log().iter().map(ToString::to_string));
    let offence = texts.iter().find(|text| text.contains("Umbrella") || text.contains("Zeppelin"));
    assert_eq!(offence, None);
}
