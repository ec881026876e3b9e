//! The contract as the judge of what the service answers: each status, body, header and event that a test gets must be
//! one that `openapi/al-chat.json` describes.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use jsonschema::Validator;
use reqwest::{Method, Request, StatusCode, header::HeaderMap};
use serde_json::{Map, Value, json};

/// Media types that the contract has in words, since generators make no type of two: a stream where one was asked for,
/// and a chat as a file for people.
const IN_WORDS: [(&str, &str); 6] = [
    ("chat", "text/event-stream"),
    ("chatImage", "text/event-stream"),
    ("sendMessage", "text/event-stream"),
    ("retryMessage", "text/event-stream"),
    ("portalChat", "text/event-stream"),
    ("exportChat", "text/markdown"),
];

static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

/// What was asked of the service.
#[derive(Clone, Debug)]
pub struct Asked {
    method: Method,
    path: String,
}

struct Document {
    operations: Vec<Operation>,
    /// The body of every error, also at addresses that the contract doesn't have.
    error: Arc<Validator>,
    event: Arc<Validator>,
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    responses: HashMap<u16, Described>,
}

/// One status of an operation.
struct Described {
    /// By media type.
    bodies: HashMap<String, Arc<Validator>>,
    headers: Vec<Header>,
}

struct Header {
    name: String,
    is_required: bool,
    is_number: bool,
    value: Arc<Validator>,
}

impl Asked {
    pub fn of(request: &Request) -> Self {
        Self { method: request.method().clone(), path: request.url().path().to_owned() }
    }

    /// Fails where the contract has no such answer.
    #[track_caller]
    pub fn assert_described(&self, status: StatusCode, headers: &HeaderMap, text: &str) {
        let document = &*DOCUMENT;
        let place = format!("{} {} -> {status}: {text}", self.method, self.path);
        let Some(operation) = document.operation(self) else {
            let is_error = status.is_client_error() || status.is_server_error();
            if is_error && self.method != Method::HEAD {
                assert_valid(&document.error, &parsed(text, &place), &place);
            }
            return;
        };
        let described = operation.assert_head(status, headers, &place);
        let media_type = media_type(headers);
        if self.method == Method::HEAD || operation.has_in_words(media_type) {
            return;
        }
        match (described.bodies.get(media_type), media_type) {
            (None, "") if described.bodies.is_empty() && text.is_empty() => {}
            (Some(body), "application/json") => assert_valid(body, &parsed(text, &place), &place),
            (Some(body), _) => assert_valid(body, &text.into(), &place),
            (None, _) => panic!("the contract doesn't have {media_type:?} for {place}"),
        }
    }

    /// Fails where the contract has no stream that begins like this.
    #[track_caller]
    pub fn assert_described_stream(&self, status: StatusCode, headers: &HeaderMap) {
        let place = format!("{} {} -> {status}, a stream", self.method, self.path);
        let Some(operation) = DOCUMENT.operation(self) else { return };
        let described = operation.assert_head(status, headers, &place);
        let media_type = media_type(headers);
        let is_described = described.bodies.contains_key(media_type) || operation.has_in_words(media_type);
        assert!(is_described, "the contract doesn't have {media_type:?} for {place}");
    }

    /// Fails where the contract has no such event.
    #[track_caller]
    pub fn assert_described_event(&self, id: u64, name: &str, data: &Value) {
        let place = format!("an event of {} {}", self.method, self.path);
        if DOCUMENT.operation(self).is_some() {
            assert_valid(&DOCUMENT.event, &json!({ "id": id, "event": name, "data": data }), &place);
        }
    }
}

/// A schema of the contract's, which is in OpenAPI's dialect, as JSON Schema has it. Objects have no further fields: an
/// answer with a field that isn't described fails.
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

impl Document {
    fn read() -> Self {
        let contract: Value = serde_json::from_str(&al_chat::api::contract()).expect("the contract is JSON");
        let mut validators = HashMap::new();
        let mut validator_of = |schema: &Value| -> Arc<Validator> {
            let made = validators.entry(schema.to_string());
            Arc::clone(made.or_insert_with(|| Arc::new(validator(&json_schema(&contract, schema)))))
        };
        let mut operations = Vec::new();
        for (path, methods) in contract["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let responses = operation["responses"].as_object().expect("responses");
                let responses = responses.iter().map(|(status, response)| {
                    (status.parse().expect("a status"), Described::read(response, &mut validator_of))
                });
                operations.push(Operation {
                    id: operation["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    responses: responses.collect(),
                });
            }
        }
        let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let (error, event) = (validator_of(&named("ErrorBody")), validator_of(&named("ChatEvent")));
        Self { operations, error, event }
    }

    /// The operation that was asked for; none where the contract doesn't have the address, or not with this method.
    fn operation(&self, asked: &Asked) -> Option<&Operation> {
        let method = if asked.method == Method::HEAD { &Method::GET } else { &asked.method };
        let fitting = self.operations.iter().filter(|operation| fits(&operation.path, &asked.path));
        // An address in so many words comes before one with a parameter, whatever the method.
        let path = fitting.min_by_key(|operation| operation.path.matches('{').count())?.path.as_str();
        self.operations.iter().find(|operation| operation.path == path && operation.method == *method)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (own, asked) = (template.split('/'), path.split('/'));
    let is_same = |(own, asked): (&str, &str)| own == asked || (own.starts_with('{') && !asked.is_empty());
    own.clone().count() == asked.clone().count() && own.zip(asked).all(is_same)
}

impl Operation {
    #[track_caller]
    fn assert_head(&self, status: StatusCode, headers: &HeaderMap, place: &str) -> &Described {
        let described = self.responses.get(&status.as_u16());
        let described = described.unwrap_or_else(|| panic!("the contract doesn't have the status of {place}"));
        for header in &described.headers {
            let value = headers.get(&header.name).map(|value| value.to_str().expect("a header of text"));
            assert!(value.is_some() || !header.is_required, "{} is missing in {place}", header.name);
            if let Some(text) = value {
                let value = if header.is_number { parsed(text, place) } else { text.into() };
                assert_valid(&header.value, &value, &format!("{} of {place}", header.name));
            }
        }
        described
    }

    fn has_in_words(&self, media_type: &str) -> bool {
        IN_WORDS.contains(&(self.id.as_str(), media_type))
    }
}

impl Described {
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

/// Without its parameters.
fn media_type(headers: &HeaderMap) -> &str {
    let media_type = headers.get("content-type").map_or("", |value| value.to_str().expect("a header of text"));
    media_type.split(';').next().unwrap_or_default().trim()
}

#[track_caller]
fn parsed(text: &str, place: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {place}"))
}

#[track_caller]
fn assert_valid(schema: &Validator, value: &Value, place: &str) {
    let errors = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
    let errors = errors.collect::<Vec<_>>();
    assert!(errors.is_empty(), "not as the contract has it: {errors:?} in {place} ({value})");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27";

    fn judge(method: Method, path: &str, status: u16, headers: &[(&'static str, &str)], text: &str) {
        let named = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let asked = Asked { method, path: path.to_owned() };
        asked.assert_described(StatusCode::from_u16(status).unwrap(), &named.collect(), text);
    }

    fn is_refused(judged: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(judged).is_err()
    }

    #[test]
    fn what_the_contract_describes_passes() {
        let json = [("content-type", "application/json"), ("x-request-id", ID)];
        judge(Method::GET, "/api/health/live", 200, &json, r#"{"status":"alive"}"#);
        judge(Method::HEAD, "/api/health/live", 200, &json, "");
        let error = format!(r#"{{"error":"No","code":"chat_not_found","request_id":"{ID}"}}"#);
        judge(Method::GET, "/api/chat/7", 404, &json, &error);
        judge(Method::GET, "/docs", 200, &[], "<html>");
    }

    #[test]
    fn what_the_contract_does_not_describe_fails() {
        let json = [("content-type", "application/json"), ("x-request-id", ID)];
        let alive = r#"{"status":"alive"}"#;
        let live = |status, headers: &[(&'static str, &str)], text: &str| {
            let headers = headers.to_vec();
            is_refused(|| judge(Method::GET, "/api/health/live", status, &headers, text))
        };
        assert!(live(418, &json, alive), "a status");
        assert!(live(200, &json, r#"{"status":"dead"}"#), "a word that is not on its list");
        assert!(live(200, &json, r#"{"status":"alive","more":1}"#), "a field");
        assert!(live(200, &json, "{}"), "a field that is missing");
        assert!(live(200, &json, ""), "nothing");
        assert!(live(200, &json[..1], alive), "no request id");
        assert!(live(200, &[json[0], ("x-request-id", "7")], alive), "an id of another form");
        assert!(live(200, &[("content-type", "text/plain"), json[1]], alive), "a media type");
        let of = |code: &str| format!(r#"{{"error":"No","code":"{code}","request_id":"{ID}"}}"#);
        assert!(!is_refused(|| judge(Method::GET, "/nowhere", 404, &json, &of("not_found"))));
        assert!(is_refused(|| judge(Method::GET, "/nowhere", 404, &json, &of("not_on_the_list"))));
        let asked = Asked { method: Method::POST, path: "/api/chat".to_owned() };
        asked.assert_described_event(1, "delta", &json!({ "content": "Hi" }));
        assert!(is_refused(|| asked.assert_described_event(1, "delta", &json!({ "text": "Hi" }))));
        assert!(is_refused(|| asked.assert_described_event(1, "other", &json!({ "content": "Hi" }))));
    }
}
