//! The Content-Security-Policy of the pages: everything comes from this server, nothing is inline, and scripts cannot turn text
//! into markup.

use std::fmt::Display;

use poem::http::HeaderValue;

/// The policy without the rule for frames.
const RULES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                     base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Returns the policy of a page that pages of this server may show in a frame, and pages of these origins, too.
pub(super) fn policy(origins: impl IntoIterator<Item = impl Display>) -> Option<HeaderValue> {
    let origins = origins.into_iter().map(|origin| format!(" {origin}"));
    let origins = origins.collect::<String>();
    with_ancestors(&format!("'self'{origins}"))
}

/// Returns the policy of a page that no page may show in a frame.
pub(super) fn unframed_policy() -> Option<HeaderValue> {
    with_ancestors("'none'")
}

fn with_ancestors(ancestors: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{RULES}; frame-ancestors {ancestors}")).ok()
}
