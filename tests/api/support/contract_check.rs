//! Checks responses against the contract: each status, header, body and event that a test receives must be described in
//! `openapi/al-chat.json`.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use jsonschema::Validator;
use reqwest::{Method, Request, StatusCode, header::HeaderMap};
use serde_json::{Map, Value, json};

/// Media types that the contract describes in its text only, by operation ID: client generators support one media type
/// per response.
const TEXT_ONLY_MEDIA_TYPES: [(&str, &str); 7] = [
    ("chat", "text/event-stream"),
    ("chatImage", "text/event-stream"),
    ("sendMessage", "text/event-stream"),
    ("retryMessage", "text/event-stream"),
    ("portalChat", "text/event-stream"),
    ("createChatCompletion", "text/event-stream"),
    ("exportChat", "text/markdown"),
];

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The method and the path of a request.
#[derive(Clone, Debug)]
pub struct RequestLine {
    method: Method,
    path: String,
}

struct Contract {
    operations: Vec<Operation>,
    /// The schema of error bodies, also for paths that the contract does not describe.
    error: Arc<Validator>,
    /// The schema of error bodies in OpenAI's form, likewise.
    openai_error: Arc<Validator>,
    event: Arc<Validator>,
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    responses: HashMap<u16, DescribedResponse>,
}

/// The described response of an operation for one status.
struct DescribedResponse {
    /// The schemas of the bodies by media type.
    bodies: HashMap<String, Arc<Validator>>,
    headers: Vec<Header>,
}

struct Header {
    name: String,
    is_required: bool,
    is_number: bool,
    value: Arc<Validator>,
}

impl RequestLine {
    pub fn of(request: &Request) -> Self {
        Self { method: request.method().clone(), path: request.url().path().to_owned() }
    }

    /// Asserts that the contract describes this response.
    #[track_caller]
    pub fn assert_described(&self, status: StatusCode, headers: &HeaderMap, text: &str) {
        let contract = &*CONTRACT;
        let context = format!("{} {} -> {status}: {text}", self.method, self.path);
        let Some(operation) = contract.operation(self) else {
            let is_error = status.is_client_error() || status.is_server_error();
            if is_error && self.method != Method::HEAD {
                let error = if self.path == "/v1" || self.path.starts_with("/v1/") {
                    &contract.openai_error
                } else {
                    &contract.error
                };
                assert_valid(error, &parsed(text, &context), &context);
            }
            return;
        };
        let described = operation.assert_head(status, headers, &context);
        let media_type = media_type(headers);
        // The chunks of OpenAI's form have no schema.
        if media_type == "text/event-stream" && operation.id != "createChatCompletion" {
            self.assert_described_events(text);
        }
        if self.method == Method::HEAD || operation.describes_in_text(media_type) {
            return;
        }
        match (described.bodies.get(media_type), media_type) {
            (None, "") if described.bodies.is_empty() && text.is_empty() => {}
            (Some(body), "application/json") => assert_valid(body, &parsed(text, &context), &context),
            (Some(body), _) => assert_valid(body, &text.into(), &context),
            (None, _) => panic!("the contract has no media type {media_type:?} for {context}"),
        }
    }

    /// Asserts that the contract describes a stream with this status and these headers.
    #[track_caller]
    pub fn assert_described_stream(&self, status: StatusCode, headers: &HeaderMap) {
        let context = format!("{} {} -> {status}, a stream", self.method, self.path);
        let Some(operation) = CONTRACT.operation(self) else { return };
        let described = operation.assert_head(status, headers, &context);
        let media_type = media_type(headers);
        let is_described = described.bodies.contains_key(media_type) || operation.describes_in_text(media_type);
        assert!(is_described, "the contract has no media type {media_type:?} for {context}");
    }

    /// Asserts that the contract describes each event of a stream that was read as a whole.
    #[track_caller]
    fn assert_described_events(&self, stream: &str) {
        for event in stream.split_terminator("\n\n") {
            let fields = event.lines().filter_map(|line| line.split_once(": ")).collect::<HashMap<_, _>>();
            let Some(data) = fields.get("data") else { continue };
            let id = fields.get("id").and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no number in {event}"));
            let name = fields.get("event").unwrap_or_else(|| panic!("no name in {event}"));
            self.assert_described_event(id, name, &parsed(data, event));
        }
    }

    /// Asserts that the contract describes this event.
    #[track_caller]
    pub fn assert_described_event(&self, id: u64, name: &str, data: &Value) {
        let context = format!("an event of {} {}", self.method, self.path);
        if CONTRACT.operation(self).is_some() {
            assert_valid(&CONTRACT.event, &json!({ "id": id, "event": name, "data": data }), &context);
        }
    }
}

/// Asserts that a body is an error of the contract, whatever the request was.
#[track_caller]
pub fn assert_described_error(body: &Value) {
    assert_valid(&CONTRACT.error, body, "an error");
}

/// Translates a schema of the contract from OpenAPI's dialect to JSON Schema. Objects get `additionalProperties: false`,
/// so that a field without a description fails.
pub fn json_schema(contract: &Value, schema: &Value) -> Value {
    let mut schema = translated(schema);
    schema["components"] = json!({ "schemas": translated(&contract["components"]["schemas"]) });
    schema
}

pub fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).expect("a schema")
}

fn translated(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(translated).collect(),
        Value::Object(fields) => {
            let mut plain: Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), translated(value))).collect();
            plain.remove("nullable");
            if fields.get("type") == Some(&"object".into()) && fields.get("properties").is_some_and(Value::is_object) {
                plain.entry("additionalProperties").or_insert(false.into());
            }
            match fields.get("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [plain, { "type": "null" }] }),
                _ => plain.into(),
            }
        }
        plain => plain.clone(),
    }
}

impl Contract {
    fn read() -> Self {
        let contract: Value = serde_json::from_str(&al_chat::api::contract()).expect("the contract is JSON");
        let mut validators = HashMap::new();
        let mut validator_of = |schema: &Value| -> Arc<Validator> {
            let entry = validators.entry(schema.to_string());
            Arc::clone(entry.or_insert_with(|| Arc::new(validator(&json_schema(&contract, schema)))))
        };
        let mut operations = Vec::new();
        for (path, methods) in contract["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let responses = operation["responses"].as_object().expect("responses");
                let responses = responses.iter().map(|(status, response)| {
                    (status.parse().expect("an unknown status"), DescribedResponse::read(response, &mut validator_of))
                });
                operations.push(Operation {
                    id: operation["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    responses: responses.collect(),
                });
            }
        }
        let schema_of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let (error, event) = (validator_of(&schema_of("ErrorBody")), validator_of(&schema_of("ChatEvent")));
        let openai_error = validator_of(&schema_of("OpenAiErrorBody"));
        Self { operations, error, openai_error, event }
    }

    /// Returns the operation for a request; `None` if the contract has no such path or method.
    fn operation(&self, request: &RequestLine) -> Option<&Operation> {
        let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
        let matching = self.operations.iter().filter(|operation| path_matches(&operation.path, &request.path));
        // A path without parameters takes precedence over one with parameters, whatever the method.
        let path = matching.min_by_key(|operation| operation.path.matches('{').count())?.path.as_str();
        self.operations.iter().find(|operation| operation.path == path && operation.method == *method)
    }
}

fn path_matches(template: &str, path: &str) -> bool {
    let (pattern, actual) = (template.split('/'), path.split('/'));
    let matches =
        |(pattern, actual): (&str, &str)| pattern == actual || (pattern.starts_with('{') && !actual.is_empty());
    pattern.clone().count() == actual.clone().count() && pattern.zip(actual).all(matches)
}

impl Operation {
    #[track_caller]
    fn assert_head(&self, status: StatusCode, headers: &HeaderMap, context: &str) -> &DescribedResponse {
        let described = self.responses.get(&status.as_u16());
        let described = described.unwrap_or_else(|| panic!("the contract has no such status: {context}"));
        for header in &described.headers {
            let value = headers.get(&header.name).map(|value| value.to_str().expect("a header in UTF-8"));
            assert!(value.is_some() || !header.is_required, "{} is missing in {context}", header.name);
            if let Some(text) = value {
                let value = if header.is_number { parsed(text, context) } else { text.into() };
                assert_valid(&header.value, &value, &format!("{} of {context}", header.name));
            }
        }
        described
    }

    fn describes_in_text(&self, media_type: &str) -> bool {
        TEXT_ONLY_MEDIA_TYPES.contains(&(self.id.as_str(), media_type))
    }
}

impl DescribedResponse {
    fn read(response: &Value, validator_of: &mut impl FnMut(&Value) -> Arc<Validator>) -> Self {
        let bodies = response["content"].as_object().into_iter().flatten();
        let bodies = bodies.map(|(media_type, body)| (media_type.clone(), validator_of(&body["schema"]))).collect();
        let headers = response["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, header)| Header {
            name: name.clone(),
            is_required: header["required"] == true,
            is_number: header["schema"]["type"] == "integer",
            value: validator_of(&header["schema"]),
        });
        Self { bodies, headers: headers.collect() }
    }
}

/// Returns the media type without its parameters.
fn media_type(headers: &HeaderMap) -> &str {
    let media_type = headers.get("content-type").map_or("", |value| value.to_str().expect("a header in UTF-8"));
    media_type.split(';').next().unwrap_or_default().trim()
}

#[track_caller]
fn parsed(text: &str, context: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {context}"))
}

#[track_caller]
fn assert_valid(schema: &Validator, value: &Value, context: &str) {
    let errors = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
    let errors = errors.collect::<Vec<_>>();
    assert!(errors.is_empty(), "the contract does not allow {value}: {errors:?} in {context}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27";

    fn check(method: Method, path: &str, status: u16, headers: &[(&'static str, &str)], text: &str) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let request = RequestLine { method, path: path.to_owned() };
        request.assert_described(StatusCode::from_u16(status).unwrap(), &headers.collect(), text);
    }

    fn fails(check: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(check).is_err()
    }

    #[test]
    fn a_described_response_passes() {
        let json = [("content-type", "application/json"), ("x-request-id", ID)];
        check(Method::GET, "/api/health/live", 200, &json, r#"{"status":"alive"}"#);
        check(Method::HEAD, "/api/health/live", 200, &json, "");
        let error = format!(r#"{{"error":"No","code":"chat_not_found","request_id":"{ID}"}}"#);
        check(Method::GET, "/api/chat/7", 404, &json, &error);
        check(Method::GET, "/docs", 200, &[], "<html>");
    }

    #[test]
    fn a_response_that_is_not_described_fails() {
        let json = [("content-type", "application/json"), ("x-request-id", ID)];
        let alive = r#"{"status":"alive"}"#;
        let live = |status, headers: &[(&'static str, &str)], text: &str| {
            let headers = headers.to_vec();
            fails(|| check(Method::GET, "/api/health/live", status, &headers, text))
        };
        assert!(live(418, &json, alive), "an unknown status");
        assert!(live(200, &json, r#"{"status":"dead"}"#), "a value outside the enum");
        assert!(live(200, &json, r#"{"status":"alive","more":1}"#), "an unknown field");
        assert!(live(200, &json, "{}"), "a missing field");
        assert!(live(200, &json, ""), "an empty body");
        assert!(live(200, &json[..1], alive), "no request ID");
        assert!(live(200, &[json[0], ("x-request-id", "7")], alive), "a malformed request ID");
        assert!(live(200, &[("content-type", "text/plain"), json[1]], alive), "another media type");
        let error = |code: &str| format!(r#"{{"error":"No","code":"{code}","request_id":"{ID}"}}"#);
        assert!(!fails(|| check(Method::GET, "/nowhere", 404, &json, &error("not_found"))));
        assert!(fails(|| check(Method::GET, "/nowhere", 404, &json, &error("not_on_the_list"))));
        let stream = |data: &str| format!(": a comment\n\nid: 1\nevent: delta\ndata: {data}\n\n");
        let events = [("content-type", "text/event-stream"), json[1]];
        let streamed = |data: &str| fails(|| check(Method::POST, "/api/chat/stream", 200, &events, &stream(data)));
        assert!(!streamed(r#"{"content":"Hi"}"#));
        assert!(streamed(r#"{"text":"Hi"}"#), "an event with an unknown field");
        let request = RequestLine { method: Method::POST, path: "/api/chat".to_owned() };
        request.assert_described_event(1, "delta", &json!({ "content": "Hi" }));
        assert!(fails(|| request.assert_described_event(1, "delta", &json!({ "text": "Hi" }))));
        assert!(fails(|| request.assert_described_event(1, "other", &json!({ "content": "Hi" }))));
    }
}
