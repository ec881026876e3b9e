//! The security scheme of embed tickets in the contract.

use poem_openapi::registry::Registry;

use super::required_account::register_bearer;

/// The name of the scheme.
pub(super) const SCHEME: &str = "embedTicket";

/// Adds the scheme to the contract.
pub(super) fn register(registry: &mut Registry) {
    let description = "A ticket of `POST /api/embed/ticket`. If there are sites, anonymous visitors need one, except on this server's own pages.";
    register_bearer(registry, SCHEME, description, None);
}
