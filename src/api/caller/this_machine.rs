//! Requests that come from the server's own machine.

use poem::{Request, http::HeaderMap};

/// Headers that proxies add.
const OF_PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Headers that browsers send with the requests of pages. A page of any website may call this machine from a browser on it.
const OF_PAGES: [&str; 2] = ["origin", "sec-fetch-site"];

/// Whether a request comes from this machine, and not through a proxy on it.
pub(super) fn is_direct(request: &Request) -> bool {
    let peer = request.remote_addr().as_socket_addr();
    let is_loopback = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    is_loopback && !has_any(request.headers(), &OF_PROXIES)
}

/// Whether a request comes from this machine, not through a proxy on it, and not from a page.
pub(super) fn is_direct_and_from_no_page(request: &Request) -> bool {
    is_direct(request) && !has_any(request.headers(), &OF_PAGES)
}

fn has_any(headers: &HeaderMap, names: &[&str]) -> bool {
    names.iter().any(|name| headers.contains_key(*name))
}
