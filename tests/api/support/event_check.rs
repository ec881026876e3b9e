//! Checks events against their published description.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::log_check::forbid_other_fields;

/// The description's path in the repository.
pub const DESCRIPTION: &str = "openapi/events-hook.json";

/// What is published about one type of event.
struct Described {
    validator: Validator,
    example: Value,
}

static DESCRIBED: LazyLock<BTreeMap<String, Described>> = LazyLock::new(|| {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DESCRIPTION)).expect("the description");
    let mut document: Value = serde_json::from_str(&text).expect("the description is JSON");
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    schemas.values_mut().for_each(forbid_other_fields);
    let webhooks = document["webhooks"].as_object().expect("webhooks").iter();
    let described = webhooks.map(|(name, operation)| {
        let body = &operation["post"]["requestBody"]["content"]["application/json"];
        let schema = json!({ "$ref": body["schema"]["$ref"], "components": document["components"] });
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).expect("a schema");
        (name.clone(), Described { validator, example: body["example"].clone() })
    });
    described.collect()
});

/// Fails unless an event is as described, with the fields of the description's example.
#[track_caller]
pub fn assert_described(event: &Value) {
    let name = event["type"].as_str().expect("a type");
    let described = DESCRIBED.get(name).unwrap_or_else(|| panic!("{DESCRIPTION} does not have the event {name}"));
    for body in [event, &described.example] {
        if let Err(error) = described.validator.validate(body) {
            panic!("{body} does not match {DESCRIPTION}: {error}, at {}", error.instance_path());
        }
    }
    let names = |body: &Value| body["data"].as_object().expect("data").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(event), names(&described.example), "the example of {name}");
}
