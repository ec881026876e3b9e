//! The command line: help, settings, and commands.

use std::{collections::HashSet, fs, net::TcpListener, path::Path};

use al_chat::foundation::config::VARIABLES;
use tokio::{process::Command, time::timeout};

use crate::{
    fakes::{model::FakeModel, papita::FakePapita},
    support::service::{TEST_TIMEOUT, TestSetup},
};

/// The output and the exit code of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub async fn run(setup: &TestSetup, arguments: &[&str]) -> CommandOutput {
    output_of(setup.command(arguments)).await
}

/// Runs a shell script; `$0` is the program.
#[cfg(unix)]
pub async fn run_script(setup: &TestSetup, script: &str) -> CommandOutput {
    output_of(setup.command_by_script(script)).await
}

/// Runs a command to its end.
pub async fn output_of(mut command: Command) -> CommandOutput {
    let output = timeout(TEST_TIMEOUT, command.output()).await.expect("an exit in time").expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("output in UTF-8");
    CommandOutput { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Asserts that a command with each of these arguments prints nothing but an error with this sentence, and exits with 2.
pub async fn assert_wrong_arguments(setup: &TestSetup, command: &[&str], rows: &[(&[&str], &str)]) {
    for (arguments, sentence) in rows {
        let ran = run(setup, &[command, arguments].concat()).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.contains(sentence), "{sentence} in {}", ran.err);
    }
}

fn repository_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write_env_file(setup: &TestSetup, text: &str) {
    fs::write(setup.path().join(".env"), text).expect("a .env file");
}

#[tokio::test]
async fn help_lists_every_setting_with_its_default() {
    let ran = run(&TestSetup::new(), &["--help"]).await;
    assert_eq!(ran.code, Some(0));
    // Lines may be wrapped, but not within a word.
    let words = ran.out.split_whitespace().collect::<Vec<_>>();
    let place = |name: &str| words.iter().position(|word| *word == name).unwrap_or_else(|| panic!("{name} is missing"));
    for (index, variable) in VARIABLES.iter().enumerate() {
        let end = VARIABLES.get(index + 1).map_or(words.len(), |next| place(next.name));
        let entry = words[place(variable.name)..end].join(" ");
        assert!(entry.contains(variable.about), "{entry}");
        let default = format!("[{}]", variable.default);
        assert_eq!(entry.ends_with(&default), !variable.default.is_empty(), "{entry}");
    }
    for command in ["serve", "openapi", "check"] {
        assert!(words.contains(&command), "{command}");
    }
}

#[test]
fn the_example_file_lists_every_setting_once_with_its_default() {
    let text = repository_file(".env.example");
    let mut listed = HashSet::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        let Some((name, rest)) = line.split_once('=') else { continue };
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        if name.is_empty() || !is_name {
            continue;
        }
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        let known = known.unwrap_or_else(|| panic!("{name} is not a setting"));
        assert!(listed.insert(known.name), "{name} is listed twice");
        let value = rest.split_whitespace().next().filter(|value| !value.starts_with('#')).unwrap_or_default();
        assert_eq!(value.trim_matches('"'), known.default, "the default of {name}");
        assert!(rest.ends_with(known.about), "{name} is explained as in --help: {rest}");
    }
    let missing = VARIABLES.iter().map(|variable| variable.name).filter(|name| !listed.contains(name));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "settings missing in .env.example");
}

#[test]
fn the_readme_lists_settings_with_their_defaults() {
    let text = repository_file("README.md");
    let rows = text.lines().filter_map(|line| {
        let cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|');
        let cells = cells.map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>();
        let [name, default, _] = <[&str; 3]>::try_from(cells).ok()?;
        Some((VARIABLES.iter().find(|variable| variable.name == name)?, default))
    });
    let rows = rows.collect::<Vec<_>>();
    assert_eq!(rows.len(), 10, "the settings that README.md lists");
    for (variable, default) in rows {
        assert_eq!(default, variable.default, "the default of {}", variable.name);
    }
}

#[tokio::test]
async fn the_example_file_is_a_valid_configuration() {
    let setup = TestSetup::new().with("AI_SERVICE", "basic");
    let text = repository_file(".env.example");
    // The file as it is, and with all settings uncommented.
    let all = text.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(|line| {
        let name = line.split('=').next().unwrap_or_default();
        VARIABLES.iter().any(|variable| variable.name == name)
    });
    let all = all.collect::<Vec<_>>().join("\n");
    for text in [text.clone(), all] {
        write_env_file(&setup, &text);
        let ran = run(&setup, &["check"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[tokio::test]
async fn all_invalid_settings_are_reported_without_their_values() {
    let wrong = [
        "PORT",
        "AI_SERVICE",
        "OPENAI_BASE_URL",
        "FRONTEND_URL",
        "MODEL_PRICES",
        "MODEL_HEADERS",
        "MODEL_BODY",
        "TURN_TIMEOUT",
        "LIMIT_VISITOR",
        "LIMIT_KEY",
        "LIMIT_TOTAL",
        "LIMIT_SESSIONS",
        "LIMIT_ANONYMOUS_INPUT",
        "LIMIT_ANONYMOUS_ANSWER",
        "PAPITA_API_URL",
        "EVENTS_URL",
        "EVENTS_SECRET",
        "EVENTS_TIMEOUT",
        "EVENTS_QUEUE_LIMIT",
        "SESSION_LOG_TIMEZONE",
        "SESSION_LOG_SYNC",
        "SESSION_LOG_COMPRESS_AFTER",
        "SESSION_LOG_KEEP",
        "DATABASE_URL",
        "MAX_CHATS",
        "MAX_STORED_BYTES",
        "MAX_CONNECTIONS",
        "LOG_FORMAT",
    ];
    let setup = wrong.iter().fold(TestSetup::new(), |setup, name| setup.with(name, "sk-Secret?!"));
    write_env_file(&setup, "BODY_TIMEOUT=sk-Secret?!\nOPENAI_API_KEY sk-Secret?!\n");
    for command in [&[][..], &["serve"], &["check"]] {
        let ran = run(&setup, command).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        for name in wrong.into_iter().chain(["BODY_TIMEOUT", ".env"]) {
            assert!(ran.err.contains(&format!("{name}: expected ")), "{name} in {}", ran.err);
        }
        assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
    }
    assert!(setup.log().is_empty());
}

#[tokio::test]
async fn the_environment_takes_precedence_over_the_env_file() {
    let setup = TestSetup::new().with("ALLOWED_MODELS", " ");
    write_env_file(&setup, "OPENAI_MODEL=model-of-the-file\nAI_SERVICE=\"basic\"\n# PORT=1\n");
    let process = setup.start_process().await;
    let health = process.client.get("/api/health").await.assert_ok();
    assert_eq!((&health["model"], &health["demo_mode"]), (&"model-of-the-file".into(), &true.into()));
    let info = process.client.get("/api/openai/info").await.json();
    assert_eq!(info["credentials_info"]["env_file_exists"], true);
    drop(process);

    let setup = TestSetup::new().with("OPENAI_MODEL", "model-of-the-environment");
    write_env_file(&setup, "OPENAI_MODEL=model-of-the-file\nAI_SERVICE=basic\nPORT=nonsense\n");
    let process = setup.start_process().await;
    let health = process.client.get("/api/health").await.assert_ok();
    assert_eq!((&health["model"], &health["demo_mode"]), (&"model-of-the-environment".into(), &true.into()));
}

#[tokio::test]
async fn openapi_prints_the_contract_with_any_settings() {
    let setup = TestSetup::new().with("PORT", "nonsense");
    let ran = run(&setup, &["openapi"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out == repository_file("openapi/al-chat.json"), "run `cargo run -- openapi > openapi/al-chat.json`");
}

#[tokio::test]
async fn an_unknown_command_prints_the_usage() {
    let ran = run(&TestSetup::new(), &["sing"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("sing") && ran.err.contains("Usage"), "{}", ran.err);
}

/// Runs a check and asserts its exit code and its output.
async fn assert_check(setup: &TestSetup, code: i32, words: &[&str]) {
    let ran = run(setup, &["check"]).await;
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for words in ["Configuration: valid"].iter().chain(words) {
        assert!(ran.out.contains(words), "{words} in {ran:?}");
    }
    assert!(!ran.out.contains("sk-") && !ran.err.contains("sk-"), "{ran:?}");
    assert!(setup.log().is_empty(), "a check leaves no files");
}

#[tokio::test]
async fn check_reports_that_the_built_in_responder_answers() {
    assert_check(&TestSetup::new(), 0, &["Key: none", "demo mode"]).await;
}

#[tokio::test]
async fn check_reports_that_the_built_in_responder_was_chosen() {
    assert_check(&TestSetup::new().with("AI_SERVICE", "basic"), 0, &["built-in responder", "AI_SERVICE=basic"]).await;
}

#[tokio::test]
async fn check_reports_that_the_model_accepts_papitas_key() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-papita");
    model.accept_only(&["sk-papita"]);
    let setup = TestSetup::for_papita(&model, &papita);
    assert_check(&setup, 0, &["from Papita at", &papita.url(), "gpt-4o-mini answers"]).await;
}

#[tokio::test]
async fn check_reports_that_the_local_key_is_used() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    assert_check(&setup, 0, &["from OPENAI_API_KEY", "gpt-4o-mini answers"]).await;
}

#[tokio::test]
async fn check_reports_that_the_key_is_rejected() {
    let model = FakeModel::start().await;
    model.accept_only(&["sk-another"]);
    assert_check(&TestSetup::for_model(&model), 1, &["gpt-4o-mini does not answer", "key"]).await;
}

#[tokio::test]
async fn check_reports_that_papita_serves_a_placeholder() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("your_openai_api_key_here");
    assert_check(&TestSetup::for_papita(&model, &papita), 1, &["Key: none; Papita's answer holds a placeholder"]).await;
}

#[tokio::test]
async fn check_reports_that_papita_is_unreachable() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let setup = TestSetup::for_papita(&model, &papita);
    papita.stop().await;
    assert_check(&setup, 1, &["Key: none"]).await;
}

#[tokio::test]
async fn a_second_service_on_the_same_database_does_not_start() {
    let first = TestSetup::new().on_sqlite();
    let service = first.start().await;
    // The second service has its own port and session log.
    let database = format!("sqlite:///{}", first.path().join("al-chat.db").display());
    let second = TestSetup::new().with("DATABASE_URL", &database);
    let ran = run(&second, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("DATABASE_URL"), "{}", ran.err);
    assert!(second.log_lines("service_start").is_empty());
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn a_blank_environment_variable_overrides_the_env_file() {
    let model = FakeModel::start().await;
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url());
    write_env_file(&setup, "OPENAI_API_KEY=sk-of-the-file\n");
    assert_check(&setup, 0, &["Key: from OPENAI_API_KEY"]).await;
    assert_check(&setup.with("OPENAI_API_KEY", " "), 0, &["Key: none"]).await;
    assert_eq!(model.calls().last().expect("a call").bearer, None);
}

#[tokio::test]
async fn server_port_in_the_environment_overrides_the_env_file() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = TestSetup::new().with("SERVER_PORT", &address.port().to_string());
    write_env_file(&setup, "PORT=0\n");
    let mut command = setup.command(&[]);
    command.env_remove("PORT");
    let ran = output_of(command).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains(&address.to_string()), "{ran:?}");
}

#[tokio::test]
async fn a_url_with_a_user_name_is_rejected_without_repeating_it() {
    for name in ["PAPITA_API_URL", "OPENAI_BASE_URL"] {
        for address in ["http://ada:sk-Secret@localhost:3000", "http://sk-Secret@localhost", "https://:sk-Secret@x.y"] {
            let ran = run(&TestSetup::new().with(name, address), &["check"]).await;
            assert_eq!(ran.code, Some(2), "{name}={address} gave {ran:?}");
            assert!(ran.err.contains(&format!("{name}: expected ")), "{}", ran.err);
            assert!(!ran.err.contains("Secret") && !ran.err.contains("ada"), "{}", ran.err);
            assert!(!ran.out.contains("Secret") && !ran.out.contains("ada"), "{}", ran.out);
        }
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used_for_plain_http() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-papita");
    model.accept_only(&["sk-papita"]);
    // The discard port, on which no server listens.
    let setup = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .fold(TestSetup::for_papita(&model, &papita), |setup, name| setup.with(name, "http://127.0.0.1:9"));
    let process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!((papita.key_calls(), model.call_count()), (1, 1));
}
