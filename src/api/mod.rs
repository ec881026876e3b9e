//! HTTP and the contract: one file per resource. `problem` alone knows status codes.

mod asker;
mod asset;
mod auth;
mod bearer;
mod caller;
mod chat;
mod chats;
mod client_address;
mod codes;
mod cors;
mod document;
mod form;
mod framing;
mod given;
mod health;
mod health_alias;
mod json;
mod messages;
mod metrics;
mod middleware;
mod not_taken;
mod openai;
mod page;
mod personas;
mod portal;
mod problem;
mod script;
mod session;
mod web;
mod word;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use poem::{Endpoint, EndpointExt, Response, Route, http::HeaderValue};
use poem_openapi::{ContactObject, LicenseObject, OpenApiService, ServerObject, Tags};
use serde_json::Value;

use self::{
    asset::{Asset, serve},
    cors::Cors,
    document::Documented,
    json::BodyTimeout,
    middleware::{Middleware, PathMethods},
};
pub(crate) use self::{framing::MalformedRequest, problem::telling};
use crate::{
    adapters::{credentials::Credentials, personas::Personas, session_log::SessionLog, storage::Storage},
    foundation::{clock::Clock, config::Config, secret::FingerprintKey, tasks::Tasks},
    services::{accounts::Accounts, sessions::Sessions, turn::Turns, visitors::Visitors},
};

/// Where the contract can be read and tried.
const DOCS: &str = "/docs";

/// The media type of pages.
const HTML: &str = "text/html; charset=utf-8";

/// All paths but `/`, which a nested service would take as its own.
const EVERYTHING_ELSE: &str = "/<.+>";

/// Where the contract is served.
const CONTRACT: &str = "/openapi.json";

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The settings.
    pub config: Arc<Config>,
    /// When the service started.
    pub started: Instant,
    /// The clock.
    pub clock: Clock,
    /// Who can speak.
    pub personas: Personas,
    /// Takes turns.
    pub turns: Turns,
    /// Starts and stops sessions.
    pub sessions: Sessions,
    /// Opens and closes accounts.
    pub accounts: Accounts,
    /// Knows who comes without an account.
    pub visitors: Visitors,
    /// Keeps the keys.
    pub credentials: Credentials,
    /// Keys the fingerprints that are shown.
    pub fingerprint_key: FingerprintKey,
    /// The session log.
    pub log: SessionLog,
    /// The database.
    pub storage: Storage,
    /// The tasks beside the requests.
    pub tasks: Tasks,
}

/// The groups of the contract.
#[derive(Tags)]
enum Group {
    /// Turns between a visitor and the model.
    Chat,
    /// A visitor's stay at a chat window.
    Session,
    /// Chats that are kept for an account.
    Chats,
    /// What is said in kept chats, and answered.
    Messages,
    /// The portal's own pages: a chat with each visitor, who is known by a cookie.
    Portal,
    /// Accounts, opened by a password and kept open by a token.
    Auth,
    /// The model behind the chat: its key, a test, and what it has cost.
    OpenAI,
    /// Whether the service is well.
    Health,
}

type Resources = (
    chat::ChatApi,
    chat::ChatImageApi,
    personas::PersonasApi,
    session::SessionApi,
    auth::AuthApi,
    chats::ChatsApi,
    messages::MessagesApi,
    portal::PortalApi,
    openai::OpenAiApi,
    health::HealthApi,
    health_alias::HealthAliasApi,
);

fn service() -> OpenApiService<Documented<Resources>, ()> {
    let resources = (
        chat::ChatApi,
        chat::ChatImageApi,
        personas::PersonasApi,
        session::SessionApi,
        auth::AuthApi,
        chats::ChatsApi,
        messages::MessagesApi,
        portal::PortalApi,
        openai::OpenAiApi,
        health::HealthApi,
        health_alias::HealthAliasApi,
    );
    OpenApiService::new(Documented(resources), "AL-Chat", env!("CARGO_PKG_VERSION"))
        .description(
            "The server between a website's chat window and a language model. It holds the key, answers chat turns \
             and keeps a session log.\n\nEvery error body is `{\"error\", \"code\", \"request_id\"}`: a sentence for \
             people, a stable code for programs, and the id to quote when asking for help. Who isn't signed in where that \
             is needed also gets `msg`, the same sentence; errors of the portal also have `\"success\": false`. Times are \
             RFC 3339. Unknown request fields are ignored, save those in which clients send content elsewhere: with content \
             in them they are refused (`invalid_request`). Null means absent.\n\nA request that is not valid HTTP gets \
             400 (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), 414 (`uri_too_long`), 431 \
             (`headers_too_large`), 501 (`unsupported_transfer_encoding`) or 505 (`http_version_not_supported`).",
        )
        .contact(ContactObject::new().name("The operator of this server"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
        .server(ServerObject::new("/").description("This server"))
}

/// The contract as an `OpenAPI` document, the content of `openapi/al-chat.json`.
#[must_use]
pub fn contract() -> String {
    let mut contract = document::finished(&service().spec());
    contract.push('\n');
    contract
}

/// All endpoints, in the layer that every request passes through.
#[must_use]
pub fn endpoint(state: AppState) -> impl Endpoint<Output = Response> {
    let service = service();
    let contract = contract();
    let docs = Bytes::from(service.swagger_ui_html());
    let mut methods = methods(&contract);
    let pages = if state.config.server.portal { web::PAGES } else { &[] };
    let files = web::WINDOW.iter().chain(pages);
    for page in [DOCS, CONTRACT, metrics::PATH].into_iter().chain(files.clone().map(|file| file.path)) {
        methods.push(PathMethods { path: page.to_owned(), methods: HeaderValue::from_static("GET") });
    }
    let turns = state.turns.clone();
    let cors = Cors::new(&state.config.server.origins);
    let retention = state.visitors.retention();
    let body_timeout = BodyTimeout(state.config.server.body_timeout);
    let routes = files.fold(Route::new(), |routes, file| routes.at(file.path, poem::get(web::file(file))));
    let routes = routes
        .at(DOCS, poem::get(serve(Asset { media_type: HTML, text: docs, policy: None })))
        .at(CONTRACT, poem::get(serve(Asset { media_type: json::MEDIA_TYPE, text: contract.into(), policy: None })))
        .at(metrics::PATH, poem::get(metrics::endpoint(state.turns.clone())))
        .at(EVERYTHING_ELSE, service)
        .data(state);
    Middleware {
        inner: routes,
        cors,
        body_timeout,
        retention,
        methods,
        is_draining: Box::new(move || turns.is_draining()),
    }
}

/// The methods that each path of the contract takes.
fn methods(contract: &str) -> Vec<PathMethods> {
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
