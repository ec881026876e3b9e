//! The contract: the `OpenAPI` document of the HTTP interface.

mod document;

use poem::http::HeaderValue;
use poem_openapi::{ContactObject, LicenseObject, OpenApiService, ServerObject};
use serde_json::Value;

use self::document::Documented;
use super::{
    middleware::PathMethods,
    routes::{Resources, resources},
};

/// The service that routes requests to the resources' handlers.
type Service = OpenApiService<Documented<Resources>, ()>;

/// Creates the service.
pub(super) fn service() -> Service {
    service_at("/")
}

/// Creates the service whose contract names this address.
pub(super) fn service_at(url: &str) -> Service {
    described().server(ServerObject::new(url).description("This server"))
}

/// Returns the contract's documentation as a page. Its server is the page's folder: the page calls the API also behind a
/// proxy that adds a prefix to all paths.
pub(super) fn documentation() -> String {
    described().server(ServerObject::new(".").description("This server")).swagger_ui_html()
}

fn described() -> Service {
    OpenApiService::new(Documented(resources()), "AL-Chat", env!("CARGO_PKG_VERSION"))
        .description(
            "The server between a website's chat window and a language model. It holds the API key, answers chat \
             turns and writes a session log.\n\nEvery error body is `{\"error\", \"code\", \"request_id\"}`: a sentence for \
             people, a stable code for programs, and the id to quote when asking for help. Errors about an access token \
             also have `msg`, the same sentence; errors of the portal also have `\"success\": false`. Times are \
             RFC 3339. Unknown request fields are ignored, except those that hold content at other endpoints: with \
             content they are refused (`invalid_request`). Null means absent.\n\nA request that is not valid HTTP gets \
             400 (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), 414 (`uri_too_long`), 431 \
             (`headers_too_large`), 501 (`unsupported_transfer_encoding`) or 505 (`http_version_not_supported`).",
        )
        .contact(ContactObject::new().name("The operator of this server"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
}

/// Returns the contract as an `OpenAPI` document: the content of `openapi/al-chat.json`.
#[must_use]
pub fn contract() -> String {
    contract_of(&service())
}

/// Returns the contract of a service that is built already.
pub(super) fn contract_of(service: &Service) -> String {
    let mut contract = document::finished(&service.spec());
    contract.push('\n');
    contract
}

/// Returns the methods of each path of the contract.
pub(super) fn methods(contract: &str) -> Vec<PathMethods> {
    let contract: Value = serde_json::from_str(contract).unwrap_or_default();
    let paths = contract["paths"].as_object().into_iter().flatten();
    paths
        .filter_map(|(path, operations)| {
            let names = operations.as_object()?.keys().map(|name| name.to_uppercase());
            let names = names.collect::<Vec<_>>().join(", ");
            Some(PathMethods { path: path.clone(), methods: HeaderValue::from_str(&names).ok()? })
        })
        .collect()
}
