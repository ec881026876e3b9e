//! The document of a hook's protocol, with one operation.

use std::{collections::BTreeSet, fs, path::Path};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::log_check::forbid_other_fields;

/// A document of `openapi/`, and the path of its operation.
pub struct HookDocument {
    document: Value,
    path: &'static str,
}

impl HookDocument {
    pub fn read(file: &str, path: &'static str) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the document");
        Self { document: serde_json::from_str(&text).expect("the document is JSON"), path }
    }

    /// Returns a validator of a schema of the document. Fields that it does not describe are errors.
    pub fn validator(&self, name: &str) -> Validator {
        let mut components = self.document["components"].clone();
        let schemas = components["schemas"].as_object_mut().expect("schemas");
        schemas.values_mut().for_each(forbid_other_fields);
        let schema = json!({ "$ref": format!("#/components/schemas/{name}"), "components": components });
        jsonschema::draft202012::new(&schema).expect("a schema")
    }

    #[track_caller]
    pub fn assert_matches(&self, name: &str, value: &Value) {
        let validator = self.validator(name);
        let errors = validator.iter_errors(value).map(|error| error.to_string()).collect::<Vec<_>>();
        assert!(errors.is_empty(), "{value}: {errors:#?}");
    }

    /// Returns the examples of what is sent, or of what is answered.
    pub fn examples(&self, pointer: &str) -> Vec<(String, Value)> {
        let body = self.document["paths"][self.path]["post"].pointer(pointer).expect("a body");
        let examples = body["content"]["application/json"]["examples"].as_object().expect("examples").iter();
        examples.map(|(name, example)| (name.clone(), example["value"].clone())).collect()
    }

    /// Returns the names of the fields that a schema describes.
    pub fn fields(&self, name: &str) -> BTreeSet<&str> {
        let fields = self.document["components"]["schemas"][name]["properties"].as_object().expect("fields");
        fields.keys().map(String::as_str).collect()
    }
}
