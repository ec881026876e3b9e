//! The files of `docs/` that are generated from the code.
//!
//! `UPDATE_DOCS=1 cargo test --test api generated_docs` writes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use al_chat::foundation::config::{SECRET_VARIABLES, VARIABLES, Variable};
use serde_json::Value;

use crate::{
    config_file::with_file,
    fakes::{
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    metrics::check_prometheus_text,
    support::service::TestSetup,
};

/// Fails unless the file holds this text. Writes the file instead if `UPDATE_DOCS` is set.
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
pub fn assert_generated(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).expect("the file can be written");
    }
    let is_current = fs::read_to_string(&path).is_ok_and(|current| current == text);
    assert!(is_current, "{file} is out of date; run this test with UPDATE_DOCS=1");
}

#[test]
fn the_settings_are_listed_with_their_defaults() {
    let file = "docs/configuration.md";
    let current = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("docs/configuration.md");
    let (introduction, _) = current.split_once("| variable |").expect("the table of settings");
    let (_, in_files) = introduction.split_once("\n## Secrets in files\n").expect("a section about files");
    for secret in SECRET_VARIABLES {
        assert!(in_files.contains(&format!("`{}`", secret.variable.name)), "{} is missing", secret.variable.name);
    }
    let row = |variable: &Variable| {
        let default = if variable.default.is_empty() { String::new() } else { format!("`{}`", variable.default) };
        format!("| `{}` | {default} | {} |\n", variable.name, variable.about)
    };
    let rows = VARIABLES.iter().map(row).collect::<String>();
    let table = format!("| variable | default | description |\n| --- | --- | --- |\n{rows}");
    assert_generated(file, &format!("{introduction}{table}"));
}

#[test]
fn the_error_reference_is_up_to_date() {
    assert_generated("docs/errors.md", &al_chat::domain::errors::document());
}

#[test]
fn each_error_code_is_in_the_contract_and_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = fs::read_to_string(root.join("openapi/al-chat.json")).expect("the contract");
    let contract = serde_json::from_str::<Value>(&contract).expect("the contract is JSON");
    let listed = contract["components"]["schemas"]["ErrorCode"]["enum"].as_array().expect("an enum");
    let listed = listed.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>();
    let codes = al_chat::domain::errors::codes();
    assert_eq!(listed, codes.iter().copied().collect());
    let reference = fs::read_to_string(root.join("docs/errors.md")).expect("docs/errors.md");
    for code in codes {
        assert!(reference.contains(&format!("\n| `{code}` |")), "{code} is not in docs/errors.md");
    }
}

/// Returns the metrics of a service that has all of them: with both hooks, two providers, a key of Papita and traces, after a turn
/// that was answered and one that was not.
async fn all_metrics() -> String {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    model.accept_any_key();
    papita.serve_named_key("two", "sk-of-papita");
    let two =
        format!("[[providers]]\nname = \"two\"\nbase_url = \"{}\"\nkey = {{ papita = \"two\" }}\n", model.base_url());
    let setup = with_file(
        TestSetup::for_papita(&model, &papita),
        &format!("{two}[[models]]\nname = \"other\"\nprovider = \"two\"\n"),
    );
    let nobody = "http://127.0.0.1:9/";
    let hooks = [("GUARD_URL", nobody), ("GUARD_ANSWERS", "on"), ("GUARD_FAIL", "open"), ("CONTEXT_URL", nobody)];
    let setup = setup.with("OTEL_EXPORTER_OTLP_ENDPOINT", nobody);
    let service = setup.with_all(&hooks).with("MODEL_RETRIES", "0").start().await;
    service.client.chat("hello").await.assert_ok();
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    service.client.chat("hello").await.assert_error(400, "request_refused");
    service.client.get("/metrics").await.text
}

#[tokio::test]
async fn the_metrics_are_listed() {
    let file = "docs/metrics.md";
    let current = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("docs/metrics.md");
    let (introduction, _) = current.split_once("| metric |").expect("the table of metrics");
    let text = all_metrics().await;
    check_prometheus_text(&text);
    let mut labels = BTreeMap::<&str, BTreeSet<&str>>::new();
    for series in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = series.split_once(['{', ' ']).expect("a name");
        let pairs = rest.split_once('}').map_or("", |(pairs, _)| pairs);
        let of_metric =
            pairs.split("\",").filter_map(|pair| Some(pair.split_once('=')?.0)).filter(|label| *label != "le");
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        labels.entry(name).or_default().extend(of_metric.clone());
        if let Some(name) = of_histogram {
            labels.entry(name).or_default().extend(of_metric);
        }
    }
    let (mut rows, mut about) = (BTreeSet::new(), "");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            about = help.split_once(' ').expect("a description").1.trim_end_matches('.');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            let labels = labels[name].iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            rows.insert(format!("| `{name}` | {kind} | {labels} | {about} |\n"));
        }
    }
    let rows = rows.into_iter().collect::<String>();
    let table = format!("| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n{rows}");
    assert_generated(file, &format!("{introduction}{table}"));
}
