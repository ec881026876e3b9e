//! The path of `PUBLIC_URL`: some proxies remove it from the paths of requests, others pass it on.

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
};

use crate::foundation::config::PublicUrl;

/// Notes the public address in a request, and removes its path if a proxy has passed it on.
pub(super) fn remove(request: &mut Request, public: &PublicUrl) {
    if let Some(path) = path_below(request.uri(), public) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request.set_data(public.clone());
}

/// Returns the public address that is noted in a request.
pub(super) fn public_url(request: &Request) -> Option<&PublicUrl> {
    request.data()
}

/// Returns the path of a request as the client sees it: below that of the public address.
pub(super) fn public_path(request: &Request) -> String {
    let folder = public_url(request).map_or("/", PublicUrl::path);
    format!("{folder}{}", request.uri().path().trim_start_matches('/'))
}

/// Returns the redirection of a request for the public address without the slash at its end, below which relative addresses
/// of the page would be wrong.
pub(super) fn redirection(request: &Request) -> Option<Response> {
    let folder = public_url(request)?.path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || folder == "/" || request.uri().path() != folder.trim_end_matches('/') {
        return None;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&format!("{folder}{query}")).ok()?);
    Some(response)
}

fn path_below(uri: &Uri, public: &PublicUrl) -> Option<PathAndQuery> {
    let below = uri.path_and_query()?.as_str().strip_prefix(public.path())?;
    format!("/{below}").parse().ok()
}
