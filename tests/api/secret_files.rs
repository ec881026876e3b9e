//! Secrets in files of their own (`NAME_FILE`), and as credentials of systemd.

use std::{fs, path::Path};

use al_chat::foundation::config::SECRET_VARIABLES;
use reqwest::Method;
use serde_json::json;

#[cfg(target_os = "linux")]
use crate::command_line::output_of;
use crate::{
    command_line::run,
    fakes::{collector::FakeCollector, hook::FakeHook, model::FakeModel, papita::FakePapita},
    support::service::{TestSetup, set_mode},
};

/// A secret that is strong enough for each setting.
const SECRET: &str = "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe";

/// Writes a file that only its owner can read, and returns its path.
fn write(setup: &TestSetup, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = setup.path().join(name);
    fs::write(&path, text).expect("a file");
    set_mode(&path, 0o600);
    path.display().to_string()
}

fn for_model(model: &FakeModel) -> TestSetup {
    TestSetup::new().with("OPENAI_BASE_URL", &model.base_url())
}

fn last_bearer(model: &FakeModel) -> Option<String> {
    model.calls().pop().expect("a call").bearer
}

#[tokio::test]
async fn each_secret_can_be_in_a_file() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let (guard, context) = (FakeHook::start().await, FakeHook::answering(|_| json!({ "texts": [] })).await);
    papita.serve_key("sk-of-papita");
    let collector = FakeCollector::start().await;
    let setup = for_model(&model).on_sqlite().with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let setup = setup.with("GUARD_URL", &guard.url()).with("CONTEXT_URL", &context.url());
    let address = setup.database_url().to_owned();
    let values = [
        ("OPENAI_API_KEY", "sk-local".to_owned()),
        ("MODEL_HEADERS", "{\"x-key\": \"sk-of-header\"}".to_owned()),
        ("ADMIN_TOKEN", SECRET.to_owned()),
        ("JWT_SECRET_KEY", SECRET.to_owned()),
        ("SESSION_LOG_KEY", SECRET.to_owned()),
        ("GUARD_TOKEN", SECRET.to_owned()),
        ("CONTEXT_TOKEN", SECRET.to_owned()),
        ("EVENTS_SECRET", format!("whsec_{}", "c2VjcmV0".repeat(4))),
        ("DATABASE_URL", address),
        ("PAPITA_API_URL", papita.url()),
        ("HTTPS_PROXY", "http://ada:sk-Secret@proxy.example:3128".to_owned()),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={SECRET}")),
    ];
    assert_eq!(values.len(), SECRET_VARIABLES.len(), "a row for each secret");
    let setup = values.iter().fold(setup.with("DATABASE_URL", ""), |setup, (name, value)| {
        let file = write(&setup, &name.to_lowercase(), format!("\u{FEFF}{value}\r\n"));
        setup.with(&format!("{name}_FILE"), &file)
    });
    let checked = run(&setup, &["check"]).await;
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{checked:?}");
    for (name, value) in &values {
        let file = setup.path().join(name.to_lowercase());
        assert!(checked.out.contains(&format!("{name} from the file {}", file.display())), "{name}: {}", checked.out);
        assert!(*name == "PAPITA_API_URL" || !checked.out.contains(value), "{name}: {}", checked.out);
    }
    assert_eq!(last_bearer(&model).as_deref(), Some("sk-of-papita"));

    let process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(model.calls().pop().expect("a call").headers["x-key"], "sk-of-header");
    let bearer = format!("Bearer {SECRET}");
    assert_eq!(guard.tokens().pop().flatten().as_ref(), Some(&bearer), "GUARD_TOKEN_FILE was not used");
    assert_eq!(context.tokens().pop().flatten(), Some(bearer), "CONTEXT_TOKEN_FILE was not used");
    collector.wait_for_posts(1).await;
    assert_eq!(collector.headers()[0]["authorization"], SECRET, "OTEL_EXPORTER_OTLP_HEADERS_FILE was not used");
    assert!(setup.path().join("al-chat.db").is_file(), "DATABASE_URL_FILE was not used");
    for (token, status) in [(SECRET, 200), (&SECRET.to_lowercase(), 401)] {
        let request = process.client.request(Method::GET, "/api/admin/limits").bearer_auth(token);
        assert_eq!(process.client.send(request).await.status, status, "ADMIN_TOKEN_FILE was not used");
    }
}

#[tokio::test]
async fn systemd_credentials_are_read_by_the_settings_names() {
    let model = FakeModel::start().await;
    let setup = for_model(&model);
    let folder = setup.path().join("credentials");
    fs::create_dir(&folder).unwrap();
    write(&setup, "credentials/OPENAI_API_KEY", "sk-of-systemd\n");
    write(&setup, ".env", "OPENAI_API_KEY=sk-of-the-env-file\n");
    let setup = setup.with("CREDENTIALS_DIRECTORY", &folder.display().to_string());
    let checked = run(&setup, &["check"]).await;
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{checked:?}");
    assert!(checked.out.contains("OPENAI_API_KEY from the systemd credential "), "{}", checked.out);
    assert_eq!(last_bearer(&model).as_deref(), Some("sk-of-systemd"));
}

#[tokio::test]
async fn the_environment_outweighs_the_env_file_in_any_form() {
    let model = FakeModel::start().await;
    for (environment, env_file, bearer) in [
        (&[("OPENAI_API_KEY", "sk-direct")][..], "OPENAI_API_KEY_FILE=missing", Some("sk-direct")),
        (&[("OPENAI_API_KEY_FILE", "key")], "OPENAI_API_KEY=sk-other", Some("sk-in-file")),
        (&[("OPENAI_API_KEY", " "), ("OPENAI_API_KEY_FILE", "key")], "", Some("sk-in-file")),
        (&[("OPENAI_API_KEY", "sk-direct"), ("OPENAI_API_KEY_FILE", "")], "", Some("sk-direct")),
        (&[("OPENAI_API_KEY", "")], "OPENAI_API_KEY_FILE=key", None),
        (&[("OPENAI_API_KEY_FILE", "")], "OPENAI_API_KEY=sk-other", None),
        (&[], "OPENAI_API_KEY_FILE=key", Some("sk-in-file")),
        (&[], "OPENAI_API_KEY_FILE=\"key\" # beside it\nOPENAI_API_KEY=", Some("sk-in-file")),
    ] {
        let setup = for_model(&model).with_all(environment);
        write(&setup, "key", "sk-in-file");
        write(&setup, ".env", env_file);
        let checked = run(&setup, &["check"]).await;
        assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{environment:?} {env_file}: {checked:?}");
        assert_eq!(last_bearer(&model).as_deref(), bearer, "{environment:?} {env_file}");
    }
}

/// Asserts that the program does not start with these settings, and says this without any value.
async fn assert_refused(setup: &TestSetup, words: &str) {
    for command in ["serve", "check"] {
        let ran = run(setup, &[command]).await;
        assert_eq!(ran.code, Some(2), "{words}: {ran:?}");
        assert!(ran.err.contains(words), "{words} in {}", ran.err);
        assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
    }
}

#[tokio::test]
async fn two_forms_of_one_secret_are_refused() {
    let setup = TestSetup::new().with("OPENAI_API_KEY", "sk-Secret").with("OPENAI_API_KEY_FILE", "sk-Secret");
    let words = "OPENAI_API_KEY: expected only one of OPENAI_API_KEY, OPENAI_API_KEY_FILE and a systemd credential";
    assert_refused(&setup, words).await;
    let setup = TestSetup::new();
    write(&setup, ".env", "ADMIN_TOKEN=sk-Secret\nADMIN_TOKEN_FILE=sk-Secret\n");
    assert_refused(&setup, "ADMIN_TOKEN: expected only one of ADMIN_TOKEN, ADMIN_TOKEN_FILE and").await;
    let setup = TestSetup::new();
    write(&setup, "JWT_SECRET_KEY", SECRET);
    let folder = setup.path().display().to_string();
    let setup = setup.with("CREDENTIALS_DIRECTORY", &folder).with("JWT_SECRET_KEY_FILE", "JWT_SECRET_KEY");
    assert_refused(&setup, "JWT_SECRET_KEY: expected only one of JWT_SECRET_KEY, JWT_SECRET_KEY_FILE and").await;
}

#[tokio::test]
async fn files_that_hold_no_secret_are_refused() {
    let setup = TestSetup::new();
    fs::create_dir(setup.path().join("folder")).unwrap();
    for (name, bytes) in [
        ("empty", &b"\n"[..]),
        ("lines", b"sk-Secret\nsk-Secret\n"),
        ("binary", b"sk-Secret\0"),
        ("latin", b"sk-Secret\xFC"),
    ] {
        write(&setup, name, bytes);
    }
    let mut setup = setup;
    for (file, words) in [
        ("sk-Secret", "expected the path of a file that this process may read"),
        ("folder", "it is a folder"),
        ("/dev/null", "it is a pipe or a device"),
        ("empty", "a file that holds the value, and it is empty"),
        ("lines", "a file with the value alone, on one line"),
        ("binary", "a text file in UTF-8"),
        ("latin", "a text file in UTF-8"),
    ] {
        setup = setup.with("SESSION_LOG_KEY_FILE", file);
        assert_refused(&setup, "SESSION_LOG_KEY_FILE: expected ").await;
        assert_refused(&setup, words).await;
    }
    // The value itself is checked as it would be in the setting.
    write(&setup, "weak", "Secret");
    assert_refused(&setup.with("SESSION_LOG_KEY_FILE", "weak"), "SESSION_LOG_KEY: expected 32 or more").await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_without_permission_is_refused() {
    let setup = TestSetup::new();
    let file = write(&setup, "key", "sk-Secret");
    set_mode(Path::new(&file), 0o000);
    let ran = output_of(setup.with("OPENAI_API_KEY_FILE", &file).ordinary_command(&["check"])).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("OPENAI_API_KEY_FILE: expected the path of a file that this process may"), "{}", ran.err);
}

#[tokio::test]
async fn a_secret_file_that_others_can_read_is_reported() {
    let model = FakeModel::start().await;
    let setup = for_model(&model);
    let file = write(&setup, "key", "sk-Secret");
    let setup = setup.with("OPENAI_API_KEY_FILE", &file);
    for (mode, is_wide) in [(0o400, false), (0o440, false), (0o640, false), (0o644, true), (0o660, true)] {
        set_mode(Path::new(&file), mode);
        let checked = run(&setup, &["check"]).await;
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let warning =
            format!("OPENAI_API_KEY is in a file that other users may read or change; run chmod g-w,o-rwx {file}");
        assert_eq!(checked.err.contains(&warning), is_wide, "{mode:o}: {}", checked.err);
        assert!(!checked.err.contains("Secret"), "{}", checked.err);
    }
    set_mode(Path::new(&file), 0o644);
    let process = setup.start_process().await;
    assert!(process.start_lines.iter().any(|line| line.contains("that other users may read")));
}

#[tokio::test]
async fn sighup_reads_the_files_of_secrets_again() {
    let model = FakeModel::start().await;
    let setup = for_model(&model);
    let (key, token) = (write(&setup, "key", "sk-first"), write(&setup, "token", SECRET));
    let setup = setup.with("OPENAI_API_KEY_FILE", &key).with("ADMIN_TOKEN_FILE", &token);
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(last_bearer(&model).as_deref(), Some("sk-first"));

    write(&setup, "key", "sk-second\n");
    write(&setup, "token", SECRET.to_lowercase());
    process.signal("HUP");
    process.wait_for_line("the key has changed").await;
    let line = process.wait_for_line("need a restart").await;
    assert!(line.ends_with(": ADMIN_TOKEN"), "{line}");
    process.client.chat("hello").await.assert_ok();
    assert_eq!(last_bearer(&model).as_deref(), Some("sk-second"));

    // A mistake leaves the key as it is.
    write(&setup, "key", "");
    process.signal("HUP");
    let line = process.wait_for_line("are read again, as settings are invalid").await;
    assert!(line.contains("OPENAI_API_KEY_FILE: expected the path of a file that holds the value"), "{line}");
    process.client.chat("hello").await.assert_ok();
    assert_eq!(last_bearer(&model).as_deref(), Some("sk-second"));
    let info = process.client.request(Method::GET, "/api/openai/info").bearer_auth(SECRET);
    let info = process.client.send(info).await.json();
    assert_eq!(info["credentials_info"]["credential_source"], "local_env");
}
