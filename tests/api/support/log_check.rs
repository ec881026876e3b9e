//! Checks lines of the session log against their published schema. Every line that a test's service has written is checked
//! when the test's folder is removed.

use std::{collections::BTreeMap, fs, io, path::Path, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The schema's path in the repository.
pub const SCHEMA: &str = "openapi/session-log.schema.json";

/// Returns the published schema.
pub fn schema() -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA)).expect("the schema");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// A validator of each event. Fields that the schema does not have are errors here, so that none is forgotten there.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let mut schema = schema();
    let definitions = schema["$defs"].as_object_mut().expect("definitions");
    for (_, definition) in definitions.iter_mut().filter(|(name, _)| *name != "line") {
        forbid_other_fields(definition);
    }
    let definitions = definitions.clone();
    let validator = |name: &String| {
        let one = json!({ "$ref": format!("#/$defs/{name}"), "$defs": &definitions });
        jsonschema::draft202012::options().should_validate_formats(true).build(&one).expect("a schema")
    };
    definitions.keys().filter(|name| *name != "line").map(|name| (name.clone(), validator(name))).collect()
});

/// Forbids fields that an object of the schema does not name, at any depth.
pub fn forbid_other_fields(definition: &mut Value) {
    let Some(definition) = definition.as_object_mut() else { return };
    definition.get_mut("items").into_iter().for_each(forbid_other_fields);
    if let Some(Value::Object(properties)) = definition.get_mut("properties") {
        properties.values_mut().for_each(forbid_other_fields);
        definition.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

/// Fails if a line of the files in a folder does not match the schema. Leaves out what a test has written itself: lines that
/// are not of this version.
pub fn assert_lines_match(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.expect("a file").path()).filter(|path| path.is_file()) {
        let text = read_plain(&path).unwrap_or_default();
        let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for line in lines.filter_map(|line| serde_json::from_slice::<Map<String, Value>>(line).ok()) {
            if line.contains_key("chain") {
                assert_matches(&line.into());
            }
        }
    }
}

/// Returns the text of a file, which may be compressed by zstd.
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(bytes.as_slice()) } else { Ok(bytes) }
}

/// Fails if a line does not match the schema.
pub fn assert_matches(line: &Value) {
    let event = line["event"].as_str().expect("an event");
    let validator = VALIDATORS.get(event).unwrap_or_else(|| panic!("{SCHEMA} does not have the event {event}"));
    if let Err(error) = validator.validate(line) {
        panic!("{line} does not match {SCHEMA}: {error}, at {}", error.instance_path());
    }
}
