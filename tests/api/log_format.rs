//! The published format of the session log: the schema, its examples, and the dictionary of its fields.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    fakes::{event_receiver::SECRET, model::FakeModel},
    feedback::rate,
    generated_docs::assert_generated,
    support::{
        log_check::{SCHEMA, assert_matches, schema},
        manual_clock::ManualClock,
        service::{TestSetup, wait_until},
    },
};

/// The document with the dictionary, which begins with this heading and ends with the document.
const DOCUMENT: &str = "docs/session-log.md";
const DICTIONARY: &str = "## Dictionary\n";

/// The lines of a day that is deleted.
const OLD_LINES: &str = r#"{"event":"session_start","timestamp":"2026-11-01T08:00:00.000000+01:00","date":"2026-11-01","v":1,"instance":"019a3e5e-ec27-784a-a95a-2f1251a06411","seq":7,"chain":"2c7f3dbd3fe4e03e636e02964f39ad37","session_id":"session_20261101_080000_997jr2ygvdukizp2"}
{"event":"session_start","timestamp":"2026-11-01T09:00:00.000000+01:00","date":"2026-11-01","v":1,"instance":"019a3e5e-ec27-784a-a95a-2f1251a06411","seq":8,"chain":"09c106002caf11aeefe9c110bda55f44","session_id":"session_20261101_090000_997jr2ygvdukizp2"}
"#;

/// Returns the text of a file of the repository. With `UPDATE_DOCS`, it is replaced before by what `update` makes of it.
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
fn updated(file: &str, update: impl Fn(&str) -> String) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).expect("a file of the repository");
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return text;
    }
    let text = update(&text);
    fs::write(&path, &text).expect("the file can be written");
    text
}

/// Returns a log that has each event, as the lines of the file.
async fn log_with_each_event() -> Vec<String> {
    let model = FakeModel::start().await;
    let clock = ManualClock::at("2026-11-29T12:45:46Z");
    let setup = TestSetup::for_model(&model).with("SESSION_IDLE_TIMEOUT", "300ms").with("SESSION_LOG_KEEP", "7");
    // No server listens on the discard port.
    let setup = setup.with("EVENTS_URL", "http://127.0.0.1:9").with("EVENTS_SECRET", SECRET);
    // A day of an earlier process, which is deleted.
    fs::create_dir_all(setup.log_dir()).expect("a folder");
    fs::write(setup.log_dir().join("session_2026-11-01.log"), OLD_LINES).expect("a file");
    let service = setup.start_with_clock(clock.clock("Europe/Berlin")).await;
    let client = &service.client;
    let old_day = setup.log_dir().join("session_2026-11-01.log");
    wait_until("the deletion of the old day", async || (!old_day.exists()).then_some(())).await;
    let start = async || client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    let stop = async |id: &Value| {
        let body = json!({ "session_id": id, "metrics": { "clicks": 3 } });
        client.post("/api/session/stop", &body).await.assert_ok();
    };
    let id = start().await;
    let body = json!({ "message": "What is a session log?", "username": "ada", "isGuest": false, "session_id": id });
    let answer = client.post("/api/chat", &body).await;
    rate(client, answer.header("x-request-id"), &json!({ "rating": "up" })).await.assert_ok();
    let empty = json!({ "message": "", "username": "ada", "isGuest": false, "session_id": id });
    client.post("/api/chat", &empty).await.assert_error(400, "message_required");
    setup.wait_for_log_lines("refusal", 1).await;
    let handover = format!("/api/session/{}/handover", id.as_str().expect("an id"));
    assert_eq!(client.post(&handover, &json!({ "contact": "ada@shop.example" })).await.status, 202);
    stop(&id).await;
    let idle = start().await;
    clock.advance(Duration::from_mins(20));
    setup.wait_for_log_lines("session_stop", 2).await;
    stop(&idle).await;
    setup.block_log();
    client.post("/api/session/start", &json!({})).await.assert_error(503, "session_log_unavailable");
    setup.unblock_log();
    client.wait_for_readiness(200).await;
    service.stop().await;
    let text = fs::read_to_string(setup.log_dir().join("session_2026-11-29.log")).expect("the day's file");
    text.lines().map(str::to_owned).collect()
}

fn event_of(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(r#"{"event":""#)?.split('"').next()
}

fn parse(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Returns the names of an object's fields, at any depth.
fn names(object: &Map<String, Value>) -> BTreeSet<String> {
    let below = object.iter().filter_map(|(name, value)| Some((name, value.as_object()?)));
    let below = below.flat_map(|(name, value)| names(value).into_iter().map(move |inner| format!("{name}.{inner}")));
    object.keys().cloned().chain(below).collect()
}

#[tokio::test]
async fn the_schemas_examples_are_lines_that_the_code_wrote() {
    let log = log_with_each_event().await;
    let first = |event: &str| log.iter().find(|line| event_of(line) == Some(event)).map(String::as_str);
    let text = updated(SCHEMA, |text| {
        let line = |line: &str| {
            let written = event_of(line).and_then(first).unwrap_or(line.trim_start());
            format!("{}{written}\n", &line[..line.len() - line.trim_start().len()])
        };
        text.lines().map(line).collect()
    });
    let examples = text.lines().filter(|line| event_of(line).is_some()).map(parse).collect::<Vec<_>>();
    let events =
        |lines: &[Map<String, Value>]| lines.iter().map(|line| line["event"].to_string()).collect::<BTreeSet<_>>();
    let written = log.iter().map(|line| parse(line)).collect::<Vec<_>>();
    assert_eq!(events(&examples), events(&written), "the events in {SCHEMA}");
    for example in examples {
        let line = first(example["event"].as_str().unwrap()).unwrap();
        assert_eq!(
            names(&example),
            names(&parse(line)),
            "the example in {SCHEMA} is out of date; run it with UPDATE_DOCS=1"
        );
        assert_matches(&example.into());
    }
}

#[test]
fn lines_with_wrong_or_undocumented_fields_do_not_match() {
    let schema = schema();
    let example = &schema["$defs"]["session_start"]["examples"][0];
    let changed = |name: &str, value: Value| {
        let mut line = example.clone();
        line[name] = value;
        std::panic::catch_unwind(|| assert_matches(&line)).is_err()
    };
    assert!(!changed("session_id", "session_20261129_134546_x".into()));
    let wrong =
        [("chain", json!("xyz")), ("seq", json!(0)), ("v", json!(2)), ("session_id", json!(7)), ("new", json!(1))];
    for (name, value) in wrong {
        assert!(changed(name, value.clone()), "{name} may be {value}");
    }
}

/// Returns a sentence with the values that a field can have, if its description doesn't name them all.
fn values_of(field: &Value, description: &str) -> String {
    let values = field["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let values = values.map(|value| format!("`{value}`")).collect::<Vec<_>>();
    if values.iter().all(|value| description.contains(value)) {
        return String::new();
    }
    format!(" One of {}.", values.join(", "))
}

/// Returns a row of the dictionary for each field of a definition.
fn rows(fields: &Value, prefix: &str, rows: &mut String) {
    for (name, field) in
        fields.as_object().expect("fields").iter().filter(|(name, _)| *name != "event" || prefix.is_empty())
    {
        let text = |key: &str| field[key].as_str().unwrap_or_default();
        let otel = if text("x-otel").is_empty() { String::new() } else { format!("`{}`", text("x-otel")) };
        let description = text("description");
        if !description.is_empty() {
            let values = values_of(field, description);
            let unit = text("x-unit");
            writeln!(rows, "| `{prefix}{name}` | {description}{values} | {unit} | {otel} |").unwrap();
        }
        for (inner, separator) in [(&field["properties"], "."), (&field["items"]["properties"], "[].")] {
            if inner.is_object() {
                self::rows(inner, &format!("{prefix}{name}{separator}"), rows);
            }
        }
    }
}

/// Returns the dictionary of all fields.
fn dictionary() -> String {
    let schema = schema();
    let mut text = format!(
        "{DICTIONARY}\nOf all fields, from `{SCHEMA}`. The last column has their names in OpenTelemetry's semantic conventions. \
         Durations in `ms` are milliseconds; OpenTelemetry's are seconds, so divide them by 1,000.\n"
    );
    let definitions = schema["$defs"].as_object().expect("definitions");
    let line = definitions.iter().filter(|(name, _)| *name == "line");
    for (name, definition) in line.chain(definitions.iter().filter(|(name, _)| *name != "line")) {
        let title = if name == "line" { "every line".to_owned() } else { format!("`{name}`") };
        let description = definition["description"].as_str().expect("a description");
        write!(
            text,
            "\n### Fields of {title}\n\n{description}\n\n| field | meaning | unit | OpenTelemetry |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        rows(&definition["properties"], "", &mut text);
    }
    text
}

#[test]
fn the_dictionary_has_every_field_of_the_schema() {
    let current = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT)).expect("the document");
    let (introduction, _) = current.split_once(DICTIONARY).expect("the dictionary");
    assert_generated(DOCUMENT, &format!("{introduction}{}", dictionary()));
}
