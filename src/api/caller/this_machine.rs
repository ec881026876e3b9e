//! Requests that come from the server's own machine.

use poem::{Request, http::HeaderMap};

use super::own_page::{is_called_by_no_foreign_name, is_own_page};

/// Headers that proxies add, beside those that begin with [`X_FORWARDED`].
const OF_PROXIES: [&str; 5] = ["forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"];

/// The beginning of headers that only proxies add, such as `X-Forwarded-For` and `X-Forwarded-Proto`.
const X_FORWARDED: &str = "x-forwarded-";

/// Whether a request comes from this machine, and not through a proxy on it.
pub(super) fn is_direct(request: &Request) -> bool {
    let peer = request.remote_addr().as_socket_addr();
    let is_loopback = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let is_forwarded = || request.headers().keys().any(|name| name.as_str().starts_with(X_FORWARDED));
    is_loopback && !has_any(request.headers(), &OF_PROXIES) && !is_forwarded()
}

/// Whether a request comes from this machine, not through a proxy on it, and not from a page of another server: any website
/// may call this machine from a browser on it.
pub(super) fn is_direct_and_from_no_other_page(request: &Request) -> bool {
    is_direct(request) && is_called_by_no_foreign_name(request.headers()) && is_own_page(request.headers(), None)
}

fn has_any(headers: &HeaderMap, names: &[&str]) -> bool {
    names.iter().any(|name| headers.contains_key(*name))
}
