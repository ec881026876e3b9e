//! The rule for private addresses: a hook with a public name must have public addresses, unless the operator allows others.
//!
//! Names are looked up here for each connection, so that the addresses that are checked are those that are connected to. A
//! hook that is called through a proxy is looked up by the proxy.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::public_address::{is_public, is_public_name};

/// The error of a public name with a private address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the public name of a hook leads to a private address")]
pub(super) struct PrivateAddress;

/// A resolver of host names that refuses private addresses of one name. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CheckedResolver {
    /// The name whose addresses must be public; `None` if all names may have any address.
    name: Option<Arc<str>>,
}

impl CheckedResolver {
    /// Creates the resolver for the hook at a URL.
    pub(super) fn of(url: &Url, may_be_private: bool) -> Self {
        let name = match url.host() {
            Some(Host::Domain(name)) if is_public_name(name) && !may_be_private => Some(name.into()),
            _ => None,
        };
        Self { name }
    }

    /// Fails if a name has an address that may not be connected to.
    fn check(&self, name: &str, addresses: &[SocketAddr]) -> Result<(), PrivateAddress> {
        let must_be_public = self.name.as_deref().is_some_and(|checked| checked.eq_ignore_ascii_case(name));
        let are_public = addresses.iter().all(|address| is_public(address.ip()));
        if must_be_public && !are_public { Err(PrivateAddress) } else { Ok(()) }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            // The client replaces the port.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            resolver.check(name.as_str(), &addresses)?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(url: &str, may_be_private: bool, addresses: &[&str]) -> bool {
        let url = Url::parse(url).unwrap();
        let addresses = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect::<Vec<_>>();
        CheckedResolver::of(&url, may_be_private).check(url.host_str().unwrap(), &addresses).is_err()
    }

    #[test]
    fn only_public_names_must_have_public_addresses() {
        assert!(refuses("https://guard.example/judge", false, &["10.0.0.1"]));
        assert!(refuses("https://guard.example/judge", false, &["93.184.215.14", "169.254.169.254"]));
        assert!(!refuses("https://guard.example/judge", false, &["93.184.215.14"]));
        assert!(!refuses("https://guard.example/judge", true, &["10.0.0.1"]));
        for private in ["localhost", "guard", "guard.internal", "127.0.0.1"] {
            assert!(!refuses(&format!("http://{private}/judge"), false, &["127.0.0.1"]), "{private}");
        }
        let of_hook = CheckedResolver::of(&Url::parse("https://guard.example").unwrap(), false);
        let private = [SocketAddr::from(([10, 0, 0, 1], 0))];
        assert!(of_hook.check("proxy.example", &private).is_ok(), "the name of a proxy");
    }

    #[tokio::test]
    async fn the_system_looks_names_up() {
        let resolver = CheckedResolver::of(&Url::parse("http://localhost").unwrap(), false);
        let mut found = resolver.resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.all(|address| address.ip().is_loopback()));
    }
}
