//! Additions to the contract that the framework cannot derive from types: the patterns of ids, keys and headers, the
//! responses common to all operations, and the schema of streams.

use std::collections::{HashMap, HashSet};

use poem::{endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaHeader, MetaOperation, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;

use crate::api::problem::{ErrorBody, declared};

/// The resources, with additions to their part of the contract.
pub(in crate::api) struct Documented<T>(pub(super) T);

/// The pattern or format of all strings with one of these names.
struct Form {
    names: &'static [&'static str],
    pattern: Option<&'static str>,
    format: Option<&'static str>,
}

/// The pattern of a request id: a UUID of version 7.
const REQUEST_ID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// The patterns and formats of all strings that are not prose. A pattern declared at a field or parameter has
/// precedence.
const FORMS: [Form; 15] = [
    Form::pattern(&["X-Request-Id", "request_id"], REQUEST_ID),
    // One that is empty counts as absent.
    Form::pattern(&["X-Session-ID", "sessionId"], "^[A-Za-z0-9.:_-]{0,128}$"),
    Form::pattern(&["session_id"], "^[A-Za-z0-9.:_-]{1,128}$"),
    Form::pattern(&["Idempotency-Key"], "^[!-~]{1,255}$"),
    Form::pattern(&["Last-Event-ID"], "^[0-9]{1,20}$"),
    Form::pattern(
        &["count_id"],
        "^(visitor|address|site|key|total|sessions|handovers|feedback)(@[a-z0-9][a-z0-9._-]{0,39})?:[0-9a-f]{32}$",
    ),
    Form::pattern(&["site_id", "site"], "^[a-z0-9][a-z0-9._-]{0,39}$"),
    Form::pattern(&["ticket"], "^alt_[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$"),
    Form::pattern(&["before"], "^-?[0-9]{1,19}_-?[0-9]{1,19}$"),
    Form::pattern(&["Link"], "^<[^>]+>; rel=\"next\"$"),
    Form::pattern(&["Content-Disposition"], "^attachment; filename=\"chat-[0-9]+\\.(json|md)\"$"),
    Form::pattern(&["Set-Cookie"], "^(__(Host|Secure)-)?al_chat_visitor=[A-Za-z0-9_-]+; "),
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

/// The error responses of every operation that declares none of its own for the same status.
const COMMON: [(u16, &str); 2] = [
    (
        400,
        "The request is not valid HTTP (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), or cannot be \
         understood (`bad_request`).",
    ),
    (500, "A fault of this server (`internal_error`)."),
];

/// Adds the common responses and headers to an operation.
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
    responses.extend(missing.map(|(status, when)| declared::<ErrorBody>(status, when)));
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

/// Adds the pattern or format that belongs to the name of a field, parameter or header.
fn shape(name: &str, schema: &mut MetaSchemaRef) {
    let MetaSchemaRef::Inline(schema) = schema else { return };
    // The framework adds a description beside a reference as a second schema, and generators of clients drop such a
    // combination of two schemas.
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
        // Generators and validators do not know the framework's formats of numbers without a sign.
        "integer" if schema.minimum.is_none() && schema.format.is_some_and(|format| format.starts_with("uint")) => {
            schema.minimum = Some(0.0);
        }
        _ => {}
    }
}

/// A stream, as an example.
const STREAM: &str = r#"id: 1
event: start
data: {"request_id":"019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27","model":"gpt-4o-mini"}

id: 2
event: delta
data: {"content":"We are open "}

id: 3
event: delta
data: {"content":"from nine to five."}

id: 4
event: done
data: {"message":"We are open from nine to five.","usage":{"prompt_tokens":18,"completion_tokens":9,"total_tokens":27,"model":"gpt-4o-mini"},"timestamp":"2026-11-21T09:30:02.125000+01:00","model":"gpt-4o-mini","finish_reason":"complete","request_id":"019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27"}

"#;

/// A chat as Markdown, as an example.
const MARKDOWN: &str = "# Opening hours

**You**, 2026-11-21T09:30:00.417000+01:00

What are your opening hours?

**Bot**, 2026-11-21T09:30:02.125000+01:00

We are open from nine to five.
";

/// A usage report as CSV, as an example.
const CSV: &str = "site,turns,errors,cut_off,sessions,visitors,prompt_tokens,completion_tokens,total_tokens,estimated_turns,\
cost_usd,unpriced_turns,latency_p50_ms,latency_p95_ms,latency_p99_ms,latency_max_ms,first_word_p50_ms,first_word_p95_ms,\
first_word_p99_ms,first_word_max_ms,fallbacks,retries,retried_turns,failed_calls,key_hits,key_fetches,failed_key_fetches,\
sessions_estimated,visitors_estimated,rated_up,rated_down,end_complete,key_papita_api
shop,2,0,0,1,1,905,299,1204,0,0.00031515,0,1840,1972,1972,1972,320,341,341,341,0,0,0,0,1,1,0,false,false,1,0,2,2
";

/// Returns the text of the document with the additions that the framework's types cannot express.
pub(super) fn finished(document: &str) -> String {
    let document = with_streams(document);
    let document = with_example(&document, "text/markdown", MARKDOWN);
    without_security(&with_example(&document, "text/csv", CSV))
}

/// Declares the body of each stream as a string, with an example, and moves the schema of its events to `x-event-schema`: the
/// framework puts the schema of an event where that of the body belongs.
fn with_streams(document: &str) -> String {
    let example = Value::from(STREAM);
    let body = format!(r#""schema": {{ "type": "string" }}, "example": {example}, "x-event-schema": {{"#);
    rewritten(document, "\"text/event-stream\": {", |rest| rest.replacen("\"schema\": {", &body, 1))
}

/// Adds an example to each body of a media type.
fn with_example(document: &str, media_type: &str, example: &str) -> String {
    let example = Value::from(example);
    rewritten(document, &format!("\"{media_type}\": {{"), |rest| format!(r#" "example": {example},{rest}"#))
}

/// Declares an empty security list for operations without authentication. Linters report a missing list, and generators
/// of clients read a list with an empty object as required authentication.
fn without_security(document: &str) -> String {
    let nothing = |rest: &str| rest.trim_start().strip_prefix("{}")?.trim_start().strip_prefix(']').map(str::to_owned);
    rewritten(document, "\"security\": [", |rest| {
        nothing(rest).map_or_else(|| rest.to_owned(), |behind| format!("]{behind}"))
    })
}

/// Applies `rewrite` to the text between each occurrence of `mark` and the next one.
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
    use serde_json::json;

    use super::*;

    fn shortened(document: &Value) -> Value {
        let document = serde_json::to_string_pretty(document).unwrap();
        serde_json::from_str(&finished(&document)).unwrap()
    }

    #[test]
    fn a_stream_is_a_string_whose_events_have_a_schema() {
        let document = json!({ "a": { "schema": { "b": 1 } }, "text/event-stream": { "schema": { "c": 2 } } });
        let stream = json!({ "schema": { "type": "string" }, "example": STREAM, "x-event-schema": { "c": 2 } });
        assert_eq!(shortened(&document), json!({ "a": { "schema": { "b": 1 } }, "text/event-stream": stream }));
    }

    #[test]
    fn operations_without_authentication_have_an_empty_list() {
        let document = |open: Value| json!([{ "security": open }, { "security": [{ "bearerAuth": [] }, {}] }]);
        assert_eq!(shortened(&document(json!([{}]))), document(json!([])));
    }
}
