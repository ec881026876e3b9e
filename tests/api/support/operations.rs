//! The operations of the contract, for tests of all of them.

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::Value;

/// Returns the operations of the contract, with this value for each parameter of a path. Those that
/// delete are the last, and then the one that ends a login.
pub fn operations(parameter: &str) -> Vec<(Method, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/al-chat.json");
    let contract = serde_json::from_str::<Value>(&fs::read_to_string(file).expect("the contract")).expect("JSON");
    let paths = contract["paths"].as_object().expect("paths").iter();
    let operations = paths.flat_map(|(path, methods)| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { parameter } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let methods = methods.as_object().expect("methods").keys();
        let method = |name: &String| name.to_uppercase().parse::<Method>().expect("a method");
        methods.map(move |name| (method(name), path.clone())).collect::<Vec<_>>()
    });
    let mut operations = operations.collect::<Vec<_>>();
    operations.sort_by_key(|(method, path)| (path.ends_with("/logout"), *method == Method::DELETE));
    assert!(operations.len() > 35, "{operations:?}");
    operations
}
