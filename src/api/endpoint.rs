//! The endpoint that answers every request: the routes, inside the middleware.

use poem::{Endpoint, EndpointExt, Response, Route, get, http::HeaderValue};

use super::{
    AppState,
    contract::{contract_of, documentation, methods, service, service_at},
    cors::Cors,
    json::BodyLimits,
    middleware::{Middleware, PathMethods},
    openai_compatible::escape_model,
    proxy_notice::ProxyNotice,
    routes::{PlainRoute, plain_routes},
};

/// The pattern of all paths but `/`. A service nested at `/` would take that path, too.
const ALL_BUT_ROOT: &str = "/<.+>";

/// Returns the endpoint that answers every request.
#[must_use]
pub fn endpoint(state: AppState) -> impl Endpoint<Output = Response> {
    let service = service();
    let contract = contract_of(&service);
    let methods = methods(&contract);
    let contract = match &state.config.server.public_url {
        Some(url) => contract_of(&service_at(&url.to_string())),
        None => contract,
    };
    let plain_routes = plain_routes(&state, contract, documentation());
    Middleware {
        cors: Cors::new(&state.config.server.origins, Some(state.sites.clone())),
        public_url: state.config.server.public_url.clone(),
        proxy_notice: Some(ProxyNotice::new(state.config.server.proxies)),
        retention: state.visitors.retention(),
        methods: methods.into_iter().chain(plain_routes.iter().map(plain_methods)).collect(),
        log: Some(state.log.clone()),
        turns: Some(state.turns.clone()),
        inner: routes(plain_routes)
            .at(ALL_BUT_ROOT, service)
            .data(BodyLimits::new(&state.config.server))
            .data(state)
            .before(async |request| Ok(escape_model(request))),
    }
}

fn routes(plain_routes: Vec<PlainRoute>) -> Route {
    plain_routes.into_iter().fold(Route::new(), |routes, (path, endpoint)| routes.at(path, get(endpoint)))
}

fn plain_methods((path, _): &PlainRoute) -> PathMethods {
    PathMethods { path: (*path).to_owned(), methods: HeaderValue::from_static("GET") }
}
