//! The files of `docs/` that are generated from the code.
//!
//! `UPDATE_DOCS=1 cargo test --test api generated_docs` writes them.

use std::{collections::BTreeSet, fs, path::Path};

use al_chat::foundation::config::{SECRET_VARIABLES, VARIABLES, Variable};
use serde_json::Value;

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
