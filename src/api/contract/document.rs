//! What the contract's document says beyond what the framework makes of types: the form of ids, keys and headers, what
//! every operation has, and streams as they are.

use std::collections::{HashMap, HashSet};

use poem::{endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaHeader, MetaOperation, MetaSchemaRef, Registry},
    types::Type,
};

use crate::api::problem::declared;

/// The resources, with all that the framework doesn't say of them.
pub(in crate::api) struct Documented<T>(pub(super) T);

/// How a text is formed, wherever it has one of these names.
struct Form {
    names: &'static [&'static str],
    pattern: Option<&'static str>,
    format: Option<&'static str>,
}

/// A UUID of version 7, as `front` makes them.
const REQUEST_ID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// The forms of all texts that are no prose. A field or parameter with a pattern of its own keeps that.
const FORMS: [Form; 11] = [
    Form::pattern(&["X-Request-Id", "request_id"], REQUEST_ID),
    Form::pattern(&["X-Session-ID", "session_id", "sessionId"], "^[A-Za-z0-9.:_-]{1,128}$"),
    Form::pattern(&["Idempotency-Key"], "^[!-~]{1,255}$"),
    Form::pattern(&["Last-Event-ID"], "^[0-9]{1,20}$"),
    Form::pattern(&["before"], "^-?[0-9]{1,19}_-?[0-9]{1,19}$"),
    Form::pattern(&["Link"], "^<[^>]+>; rel=\"next\"$"),
    Form::pattern(&["Content-Disposition"], "^attachment; filename=\"chat-[0-9]+\\.(json|md)\"$"),
    Form::pattern(&["Set-Cookie"], "^(__Host-)?al_chat_visitor=[A-Za-z0-9_-]+; "),
    Form::pattern(&["access_token", "token"], "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$"),
    Form::pattern(&["api_key_prefix", "openai_api_key_prefix"], "^[0-9a-f]{12}$"),
    Form { names: &["timestamp", "created_at", "updated_at", "time"], pattern: None, format: Some("date-time") },
];

impl Form {
    const fn pattern(names: &'static [&'static str], pattern: &'static str) -> Self {
        Self { names, pattern: Some(pattern), format: None }
    }

    fn of(name: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.names.contains(&name))
    }
}

impl<T: OpenApi> OpenApi for Documented<T> {
    fn meta() -> Vec<MetaApi> {
        let mut apis = T::meta();
        let paths = apis.iter_mut().flat_map(|api| &mut api.paths);
        paths.flat_map(|path| &mut path.operations).for_each(complete);
        apis
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        for schema in registry.schemas.values_mut() {
            for (name, field) in &mut schema.properties {
                shape(name, field);
            }
        }
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        self.0.add_routes(table);
    }
}

/// Failures of every operation, where it says nothing of its own.
const COMMON: [(u16, &str); 2] = [
    (
        400,
        "The request is not valid HTTP (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), or cannot be \
         understood (`bad_request`).",
    ),
    (500, "A fault of this server (`internal_error`)."),
];

/// Adds what every operation has.
fn complete(operation: &mut MetaOperation) {
    // The framework leaves out an empty list; see `without_security`.
    if operation.security.is_empty() {
        operation.security.push(HashMap::new());
    }
    for parameter in &mut operation.params {
        shape(&parameter.name, &mut parameter.schema);
    }
    let responses = &mut operation.responses.responses;
    let known = responses.iter().filter_map(|response| response.status).collect::<HashSet<_>>();
    let missing = COMMON.into_iter().filter(|(status, _)| !known.contains(status));
    responses.extend(missing.map(|(status, when)| declared(status, when)));
    responses.sort_by_key(|response| response.status);
    for response in responses {
        response.headers.insert(0, request_id());
        for header in &mut response.headers {
            shape(&header.name, &mut header.schema);
        }
    }
}

fn request_id() -> MetaHeader {
    MetaHeader {
        name: "X-Request-Id".to_owned(),
        description: Some("The request's id; quote it when asking for help.".to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    }
}

/// Gives a field, parameter or header the form that goes with its name.
fn shape(name: &str, schema: &mut MetaSchemaRef) {
    let MetaSchemaRef::Inline(schema) = schema else { return };
    // The framework repeats a description beside a reference as a schema of its own, and generators drop what they
    // take for a mixture of two types.
    if let [MetaSchemaRef::Reference(_), MetaSchemaRef::Inline(_)] = schema.all_of.as_slice() {
        schema.all_of.truncate(1);
    }
    match schema.ty {
        "string" if schema.pattern.is_none() => {
            if let Some(form) = Form::of(name) {
                schema.pattern = form.pattern.map(str::to_owned);
                schema.format = schema.format.or(form.format);
            }
        }
        // Numbers of rows and of events begin at 1.
        "integer" if name == "id" || name.ends_with("_id") => schema.minimum = Some(1.0),
        _ => {}
    }
}

/// The document's text, with what the framework's own types cannot say.
pub(super) fn finished(document: &str) -> String {
    without_security(&with_streams(document))
}

/// Each stream as it is, a text whose events have a schema: the framework has that of an event where the body's belongs.
fn with_streams(document: &str) -> String {
    let body = r#""schema": { "type": "string" }, "x-event-schema": {"#;
    rewritten(document, "\"text/event-stream\": {", |rest| rest.replacen("\"schema\": {", body, 1))
}

/// Operations that anybody may call, in so many words: linters take a missing list for forgotten, and generators take
/// one with something in it, even if that is nothing, for a duty to sign in.
fn without_security(document: &str) -> String {
    let nothing = |rest: &str| rest.trim_start().strip_prefix("{}")?.trim_start().strip_prefix(']').map(str::to_owned);
    rewritten(document, "\"security\": [", |rest| {
        nothing(rest).map_or_else(|| rest.to_owned(), |behind| format!("]{behind}"))
    })
}

/// A text, with what stands behind each of these marks written anew.
fn rewritten(text: &str, mark: &str, rewrite: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(mark);
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        written.push_str(mark);
        written.push_str(&rewrite(part));
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(document: &Value) -> Value {
        let document = serde_json::to_string_pretty(document).unwrap();
        serde_json::from_str(&finished(&document)).unwrap()
    }

    #[test]
    fn a_stream_is_a_text_whose_events_have_a_schema() {
        let document = json!({ "a": { "schema": { "b": 1 } }, "text/event-stream": { "schema": { "c": 2 } } });
        let stream = json!({ "schema": { "type": "string" }, "x-event-schema": { "c": 2 } });
        assert_eq!(told(&document), json!({ "a": { "schema": { "b": 1 } }, "text/event-stream": stream }));
    }

    #[test]
    fn who_may_be_anybody_needs_no_security() {
        let document = |open: Value| json!([{ "security": open }, { "security": [{ "bearerAuth": [] }, {}] }]);
        assert_eq!(told(&document(json!([{}]))), document(json!([])));
    }
}
