//! A warning about a proxy in front of the service that the settings do not name.

use std::sync::atomic::{AtomicBool, Ordering};

use poem::http::HeaderMap;

/// The headers in which proxies name the addresses of their clients.
const CLIENT_HEADERS: [&str; 2] = ["x-forwarded-for", "forwarded"];

/// Warns once of requests that seem to come through a proxy although `PROXIES` is 0.
#[derive(Debug)]
pub(super) struct ProxyNotice {
    /// Whether no further warning is due.
    is_done: AtomicBool,
}

impl ProxyNotice {
    /// `proxies` is the number of proxies in the settings.
    pub(super) fn new(proxies: usize) -> Self {
        Self { is_done: AtomicBool::new(proxies > 0) }
    }

    /// Warns if a request with these headers is the first that names a client behind a proxy.
    pub(super) fn note(&self, headers: &HeaderMap) {
        if self.is_done.load(Ordering::Relaxed) {
            return;
        }
        let named = CLIENT_HEADERS.into_iter().find(|name| headers.contains_key(*name));
        if let Some(header) = named
            && !self.is_done.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a request has the header {header}, and PROXIES is 0: all visitors behind a proxy have its address, and share its \
                 limits; set PROXIES to the number of proxies in front of this server"
            );
        }
    }
}
