//! The contract: the file, the served document, and properties of all responses.

use std::{collections::HashSet, fs, path::Path};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    contract_check::{json_schema, validator},
    raw_connection::RawConnection,
    service::TestSetup,
};

fn contract() -> Value {
    serde_json::from_str(&al_chat::api::contract()).expect("the contract is JSON")
}

/// Returns every operation with its method and path.
fn operations(contract: &Value) -> Vec<(String, &Value)> {
    let paths = contract["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn the_contract_file_matches_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/al-chat.json");
    let file = fs::read_to_string(&path).unwrap_or_default();
    // Not `assert_eq`, which would print two contracts on one line.
    assert!(
        file == al_chat::api::contract(),
        "openapi/al-chat.json differs from the code; run `cargo run -- openapi > openapi/al-chat.json`"
    );
}

#[test]
fn every_operation_is_complete_for_client_generators() {
    let contract = contract();
    let tags = contract["tags"].as_array().expect("tags");
    let tags = tags.iter().filter(|tag| is_text(&tag["description"])).map(|tag| &tag["name"]).collect::<Vec<_>>();
    let mut ids = HashSet::new();
    for (name, operation) in operations(&contract) {
        assert!(is_text(&operation["summary"]), "{name} has a summary");
        assert!(is_text(&operation["description"]), "{name} has a description");
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id), "{name} has its own operation ID: {id:?}");
        let own_tags = operation["tags"].as_array().unwrap_or_else(|| panic!("{name} has tags"));
        assert!(!own_tags.is_empty() && own_tags.iter().all(|tag| tags.contains(&tag)), "{name}: {own_tags:?}");
        assert!(operation["security"].is_array(), "{name} has no security requirement");
        assert_ne!(operation["security"], json!([{}]), "generators would want a token for {name}");
        assert_has_one_media_type(&name, &operation["requestBody"]["content"]);

        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        for status in ["400", "500"] {
            assert!(responses.contains_key(status), "{name} has no {status}");
        }
        for (status, response) in responses {
            assert_response_is_whole(&format!("{name} {status}"), status, response);
        }
    }
    assert!(ids.len() >= 36, "{ids:?}");
}

/// Client generators do not support two media types in one response, and some of them panic.
#[track_caller]
fn assert_has_one_media_type(of: &str, content: &Value) {
    let media_types = content.as_object().map_or(0, serde_json::Map::len);
    assert!(media_types <= 1, "{of} has {media_types} media types");
}

#[track_caller]
fn assert_response_is_whole(of: &str, status: &str, response: &Value) {
    let headers = response["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>();
    assert!(headers.contains(&"x-request-id".to_owned()), "{of}: {headers:?}");
    assert!(is_text(&response["description"]), "{of} has no description");
    if ["429", "503"].contains(&status) {
        assert!(headers.contains(&"retry-after".to_owned()), "{of}: {headers:?}");
    }
    assert_has_one_media_type(of, &response["content"]);
    for (media_type, content) in response["content"].as_object().into_iter().flatten() {
        let schema = &content["schema"];
        if media_type == "text/event-stream" {
            assert_eq!(schema["type"], "string", "{of} is not a string");
            assert_eq!(content["x-event-schema"]["$ref"], "#/components/schemas/ChatEvent", "{of}");
        } else if ["text/csv", "text/markdown"].contains(&media_type.as_str()) {
            assert_eq!(schema["type"], "string", "{of}");
        } else {
            assert_eq!(media_type, "application/json", "{of}");
            assert!(is_text(&schema["$ref"]) || is_text(&schema["items"]["$ref"]), "{of} has a schema with a name");
        }
        if !status.starts_with('2') {
            let body = if of.contains(" /v1/") { "OpenAiErrorBody" } else { "ErrorBody" };
            assert_eq!(schema["$ref"], format!("#/components/schemas/{body}"), "{of}");
        }
    }
}

/// Returns the example of a body: its own, or that of its schema, or of the items of that.
fn example_of<'a>(contract: &'a Value, content: &'a Value) -> Option<&'a Value> {
    let schema = &content["schema"];
    let named = [&schema["$ref"], &schema["allOf"][0]["$ref"], &schema["items"]["$ref"]];
    let name = named.into_iter().find_map(Value::as_str).and_then(|name| name.rsplit('/').next());
    let schema = name.map_or(schema, |name| &contract["components"]["schemas"][name]);
    content.get("example").or_else(|| schema.get("example"))
}

#[test]
fn each_operation_has_examples_of_its_bodies() {
    let contract = contract();
    for (name, operation) in operations(&contract) {
        let responses = operation["responses"].as_object().expect("responses").iter();
        let bodies = responses.map(|(_, response)| response).chain(operation.get("requestBody"));
        for (media_type, content) in bodies.filter_map(|body| body["content"].as_object()).flatten() {
            assert!(example_of(&contract, content).is_some(), "{name} has no example of {media_type}: {content}");
        }
    }
}

#[test]
fn the_example_of_a_stream_has_valid_events() {
    let contract = contract();
    let schema = json!({ "$ref": "#/components/schemas/ChatEvent" });
    let event = validator(&json_schema(&contract, &schema));
    let answer = &contract["paths"]["/api/chat/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"];
    let stream = answer["example"].as_str().expect("an example");
    let names = stream.split_terminator("\n\n").map(|lines| {
        let fields = lines.lines().map(|line| line.split_once(": ").expect("a field")).collect::<Vec<_>>();
        let [("id", id), ("event", name), ("data", data)] = fields[..] else { panic!("{lines}") };
        let (id, data) = (id.parse::<u64>().expect("a number"), serde_json::from_str::<Value>(data).expect("JSON"));
        let value = json!({ "id": id, "event": name, "data": data });
        assert!(event.is_valid(&value), "{value}");
        name
    });
    assert_eq!(names.collect::<Vec<_>>(), ["start", "delta", "delta", "done"]);
}

#[test]
fn streams_are_separate_operations() {
    let contract = contract();
    for (name, id) in [
        ("post /api/chat/stream", "chatStream"),
        ("post /api/messages/{chat_id}/send/stream", "sendMessageStream"),
        ("get /api/chat/{request_id}/events", "chatEvents"),
    ] {
        let (_, operation) = operations(&contract).into_iter().find(|(it, _)| it == name).expect(name);
        assert_eq!(operation["operationId"], id);
        let content = operation["responses"]["200"]["content"].as_object().expect("content");
        assert!(content.contains_key("text/event-stream"), "{name}: {content:?}");
    }
}

#[test]
fn every_field_is_described_and_a_turn_has_examples() {
    let contract = contract();
    let schemas = contract["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        for (field, about) in schema["properties"].as_object().into_iter().flatten() {
            assert!(is_text(&about["description"]), "{name}.{field} is described");
        }
    }
    for name in ["ChatRequest", "ChatAnswer"] {
        assert!(schemas[name]["example"].is_object(), "{name} has an example");
    }
    let error = schemas["ErrorBody"]["required"].as_array().expect("required fields");
    for field in ["error", "code", "request_id"] {
        assert!(error.contains(&field.into()), "{error:?}");
    }
}

#[test]
fn schema_names_are_valid_type_names() {
    let contract = contract();
    let schemas = contract["components"]["schemas"].as_object().expect("schemas");
    for name in schemas.keys() {
        assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        // In generated clients these names are meaningless or hide a built-in type.
        let taken = ["Error", "Exception", "Info", "Parts", "Done", "Date", "Object", "Any", "None", "Type"];
        assert!(!taken.contains(&name.as_str()), "{name}");
    }
}

/// Collects all schemas at and below a value, with their paths.
fn collect_schemas<'a>(place: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    if value.is_object() {
        found.push((place.to_owned(), value));
    }
    let fields = value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
    let items = value.as_array().into_iter().flatten().enumerate().map(|(number, value)| (number.to_string(), value));
    for (name, value) in fields.chain(items) {
        collect_schemas(&format!("{place}/{name}"), value, found);
    }
}

#[test]
fn no_schema_uses_features_that_generators_lack() {
    let contract = contract();
    let mut found = Vec::new();
    collect_schemas("", &contract, &mut found);
    for (place, schema) in found {
        if let Some(all_of) = schema["allOf"].as_array() {
            assert_eq!(all_of.len(), 1, "{place} has more than a reference and its description");
        }
        if schema["nullable"] == true {
            assert!(schema["type"].is_string(), "{place} is nullable without a type");
        }
        if schema["in"].is_string() && schema["name"].is_string() && place.contains("/parameters/") {
            let about = &schema["schema"];
            let is_formed =
                ["pattern", "minimum", "maximum", "allOf", "$ref"].iter().any(|it| about.get(*it).is_some());
            assert!(is_formed || schema["name"] == "q", "{place} {} has no form", schema["name"]);
        }
    }
}

#[test]
fn every_example_is_valid() {
    let contract = contract();
    let mut found = Vec::new();
    collect_schemas("", &contract["components"]["schemas"], &mut found);
    let examples = found.into_iter().filter(|(_, schema)| schema.get("example").is_some()).collect::<Vec<_>>();
    assert!(examples.len() >= 15, "{}", examples.len());
    for (place, schema) in examples {
        let errors = validator(&json_schema(&contract, schema))
            .iter_errors(&schema["example"])
            .map(|error| error.to_string())
            .collect::<Vec<_>>();
        assert!(errors.is_empty(), "{place}: {errors:?}");
    }
}

#[test]
fn fields_with_few_values_are_enums() {
    let contract = contract();
    let schemas = &contract["components"]["schemas"];
    let enums = [
        ("ErrorBody", "code", "ErrorCode"),
        ("ModelInfo", "code", "ErrorCode"),
        ("ChatAnswer", "finish_reason", "FinishReason"),
        ("Message", "sender", "MessageSender"),
        ("Message", "status", "MessageStatus"),
        ("TurnStopped", "status", "TurnStatus"),
        ("SessionStopped", "status", "SessionStatus"),
        ("Health", "status", "HealthStatus"),
        ("Readiness", "status", "ReadinessStatus"),
        ("ModelTest", "status", "ModelTestStatus"),
        ("CredentialsInfo", "credential_source", "CredentialSource"),
        ("HistoryEntry", "role", "HistoryRole"),
        ("PortalMessage", "role", "PortalRole"),
    ];
    for (schema, field, name) in enums {
        let about = &schemas[schema]["properties"][field];
        assert_eq!(about["allOf"][0]["$ref"], format!("#/components/schemas/{name}"), "{schema}.{field}");
        assert!(schemas[name]["enum"].as_array().is_some_and(|words| !words.is_empty()), "{name}");
    }
    let reasons = ["complete", "length", "content_filter", "stopped", "client_gone", "timeout", "upstream_error"];
    let finish_reasons = schemas["FinishReason"]["enum"].as_array().expect("an enum");
    assert!(
        finish_reasons.len() == reasons.len()
            && reasons.iter().all(|reason| finish_reasons.contains(&(*reason).into())),
        "{finish_reasons:?}"
    );
}

/// Returns whether a word is in snake case, as most error codes are. In descriptions of errors, only fields look the
/// same.
fn is_snake_case(word: &str) -> bool {
    word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn error_codes_in_descriptions_are_in_the_enum() {
    let contract = contract();
    let codes = contract["components"]["schemas"]["ErrorCode"]["enum"].as_array().expect("an enum");
    let mut found_codes = HashSet::new();
    for (name, operation) in operations(&contract) {
        let failures = operation["responses"].as_object().expect("responses").iter();
        for (status, failure) in failures.filter(|(status, _)| !status.starts_with('2')) {
            let description = failure["description"].as_str().expect("a description");
            for word in description.split('`').skip(1).step_by(2) {
                let is_code = codes.contains(&word.into());
                assert!(is_code || !is_snake_case(word), "{name} {status} has {word}, which is not in the enum");
                found_codes.extend(is_code.then_some(word));
            }
        }
    }
    // Codes that belong to no operation: for unknown paths, for invalid HTTP, and for clients that have disconnected.
    let elsewhere = [
        "not_found",
        "method_not_allowed",
        "client_gone",
        "unsupported_transfer_encoding",
        "uri_too_long",
        "headers_too_large",
        "http_version_not_supported",
    ];
    for code in codes.iter().filter_map(Value::as_str).filter(|code| !elsewhere.contains(code)) {
        assert!(found_codes.contains(code), "no operation describes {code}");
    }
}

#[tokio::test]
async fn the_contract_and_its_page_are_served() {
    let service = TestSetup::new().start().await;
    let served = service.client.get("/openapi.json").await;
    assert_eq!(served.assert_ok(), contract());
    assert!(served.header("content-type").starts_with("application/json"));
    let docs = service.client.get("/docs").await;
    assert_eq!(docs.status, 200);
    assert!(docs.header("content-type").starts_with("text/html"), "{:?}", docs.headers);
    assert!(docs.text.to_ascii_lowercase().contains("swagger"));
}

#[tokio::test]
async fn every_path_of_the_contract_is_served() {
    let service = TestSetup::new().start().await;
    for (name, _) in operations(&contract()) {
        let (method, path) = name.split_once(' ').unwrap();
        let method = method.to_uppercase().parse::<Method>().unwrap();
        let answer = service.client.send(service.client.request(method, path)).await;
        // A turn, a count or a site that does not exist is an error of an existing operation.
        let unknown = ["turn_not_found", "limit_count_not_found", "site_not_found"];
        let is_unknown = || unknown.contains(&answer.json()["code"].as_str().unwrap());
        let is_served = answer.status != 405 && (answer.status != 404 || is_unknown());
        assert!(is_served, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn framework_errors_have_the_format_of_all_errors() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    let ask = async |method: &str, path: &str, content_type: &str, body: &str| {
        let request = client.request(method.parse::<Method>().unwrap(), path);
        let request = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        client.send(request.body(body.to_owned())).await
    };
    for path in ["/nowhere", "/api", "/api/chat/", "/api/health/nowhere", "/%00", "/api/%2e%2e/secret"] {
        let sentence = ask("GET", path, "", "").await.assert_error(404, "not_found");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = ask("POST", "/api/chat", content_type, r#"{"message":"hello"}"#).await;
        answer.assert_error(415, "unsupported_media_type");
    }
    for body in ["", "{", "hello", "{\"message\":\"\u{0}\"}", "{} {}"] {
        ask("POST", "/api/chat", "application/json", body).await.assert_error(400, "invalid_json");
    }
    for body in ["[]", "7", "\"secret\"", r#"{"message":{"secret":1}}"#, r#"{"history":[{"role":"secret"}]}"#] {
        let sentence = ask("POST", "/api/chat", "application/json", body).await.assert_error(400, "invalid_request");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
}

#[tokio::test]
async fn a_405_lists_the_allowed_methods() {
    let service = TestSetup::new().start().await;
    let requests = [
        ("GET", "/api/chat", "POST"),
        ("DELETE", "/api/health", "GET"),
        ("PUT", "/api/session/stop", "POST"),
        ("POST", "/openapi.json", "GET"),
        ("POST", "/docs", "GET"),
        ("GET", "/api/chat/image", "POST"),
        ("POST", "/health", "GET"),
    ];
    for (method, path, allowed) in requests {
        let answer = service.client.send(service.client.request(method.parse().unwrap(), path)).await;
        answer.assert_error(405, "method_not_allowed");
        let allow = answer.header("allow");
        assert!(allow.split(", ").any(|method| method == allowed), "{method} {path} has Allow: {allow:?}");
    }
}

#[tokio::test]
async fn a_turn_accepts_a_body_of_32_mebibytes_at_most() {
    let service = TestSetup::new().start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    let head = |length: usize| {
        let head = "Host: al-chat\r\nContent-Type: application/json";
        format!("POST /api/chat HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n")
    };
    // The announced length is enough to reject the request.
    wire.send(&head((32 << 20) + 1)).await;
    let answer = wire.response().await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"code\":\"body_too_large\""), "{answer}");

    let mut wire = RawConnection::connect(service.address()).await;
    let (start, end) = (r#"{"message":"hello","unknown":""#, r#""}"#);
    wire.send(&head(32 << 20)).await;
    wire.send(start).await;
    wire.send(&"x".repeat((32 << 20) - start.len() - end.len())).await;
    wire.send(end).await;
    let answer = wire.response().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let service = TestSetup::new().start().await;
    let answer = service.client.send(service.client.request(Method::HEAD, "/api/health")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, "");
    assert!(!answer.header("x-request-id").is_empty());
}

/// Returns the headers of a success, of errors of each kind, and of a preflight, all requested from this origin.
async fn all_headers(client: &Client, origin: Option<&str>) -> Vec<(String, HeaderMap)> {
    let requests = [
        ("GET", "/api/health", ""),
        ("GET", "/openapi.json", ""),
        ("GET", "/docs", ""),
        ("POST", "/api/session/start", ""),
        ("POST", "/api/chat", r#"{"message":"hello"}"#),
        ("POST", "/api/chat", "{}"),
        ("POST", "/api/chat", "{"),
        ("GET", "/nowhere", ""),
        ("GET", "/api/chat", ""),
        ("PUT", "/api/chat", "x"),
        ("OPTIONS", "/api/chat", ""),
        ("OPTIONS", "/nowhere", ""),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in requests {
        let mut request = client.request(method.parse().unwrap(), path);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = client.send(request).await;
        answers.push((format!("{method} {path} {body} -> {}", answer.status), answer.headers));
    }
    answers
}

/// Returns the only value of this header; an empty text if it is missing.
#[track_caller]
fn single_header(name: &str, headers: &HeaderMap, of: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert!(values.len() <= 1, "{of} has {name}: {values:?}");
    values.concat()
}

#[tokio::test]
async fn without_allowed_origins_any_site_may_call_anonymously() {
    let service = TestSetup::new().start().await;
    for origin in [None, Some("https://shop.example"), Some("null")] {
        for (of, headers) in all_headers(&service.client, origin).await {
            assert_eq!(single_header("access-control-allow-origin", &headers, &of), "*", "{of}");
            assert!(!headers.contains_key("access-control-allow-credentials"), "{of}");
        }
    }
}

#[tokio::test]
async fn only_allowed_origins_may_call_with_credentials() {
    let setup = TestSetup::new().with("FRONTEND_URL", "https://shop.example/, http://localhost:3001");
    let service = setup.start().await;
    for origin in ["https://shop.example", "http://localhost:3001"] {
        for (of, headers) in all_headers(&service.client, Some(origin)).await {
            assert_eq!(single_header("access-control-allow-origin", &headers, &of), origin, "{of}");
            assert_eq!(single_header("access-control-allow-credentials", &headers, &of), "true", "{of}");
            assert!(headers.get_all("vary").iter().any(|it| it == "origin"), "{of}");
        }
    }
    let others = ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"];
    for origin in others.map(Some).into_iter().chain([None]) {
        for (of, headers) in all_headers(&service.client, origin).await {
            let allowed = single_header("access-control-allow-origin", &headers, &of);
            assert!(!allowed.is_empty() && allowed != "*" && Some(allowed.as_str()) != origin, "{of}: {allowed}");
            assert!(headers.get_all("vary").iter().any(|it| it == "origin"), "{of}");
        }
    }
}

#[tokio::test]
async fn json_ends_in_a_line_feed() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    let answers = [
        client.get("/api/health").await,
        client.get("/openapi.json").await,
        client.get("/nowhere").await,
        client.chat("hello").await,
        client.post("/api/chat", &json!({})).await,
        client.post("/api/session/start", &json!({})).await,
        client
            .post("/api/auth/register", &json!({ "username": "ada", "email": "a@b.example", "password": "secret" }))
            .await,
    ];
    for answer in answers {
        assert!(answer.text.ends_with("}\n"), "{}", answer.text);
        assert_eq!(answer.header("content-length"), answer.text.len().to_string());
        answer.json();
    }
}

#[tokio::test]
async fn a_preflight_allows_what_the_clients_send() {
    let service = TestSetup::new().start().await;
    let request = service.client.request(Method::OPTIONS, "/api/chat");
    let request = request.header("origin", "https://shop.example").header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "content-type,x-session-id");
    let answer = service.client.send(request).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    let list = |name: &str| {
        let values = answer.header(name).to_ascii_lowercase();
        values.split(',').map(|value| value.trim().to_owned()).collect::<HashSet<_>>()
    };
    let headers = list("access-control-allow-headers");
    let of_requests =
        ["content-type", "authorization", "x-session-id", "idempotency-key", "last-event-id", "x-requested-with"];
    for header in of_requests.into_iter().chain(["traceparent", "tracestate"]) {
        assert!(headers.contains(header), "{headers:?}");
    }
    let methods = list("access-control-allow-methods");
    for method in ["get", "post", "delete"] {
        assert!(methods.contains(method), "{methods:?}");
    }
    assert_eq!(answer.text, "");
}
