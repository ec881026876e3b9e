//! The door to the system's resolver of names.

use std::{
    net::{IpAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How long a name is looked up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Names that are looked up at once. The system may take far longer for one than it is waited for, on a thread each.
const AT_ONCE: usize = 16;

/// Looks up names. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HostLookup {
    places: Arc<Semaphore>,
}

impl Default for HostLookup {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl HostLookup {
    /// The addresses of this name; none where the system doesn't know it, or not within a second.
    pub async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        timeout(PATIENCE, self.look_up(name.to_owned())).await.unwrap_or_default()
    }

    /// The addresses of all these names, which are looked up at once: within a second in all.
    pub async fn addresses_of_all(&self, names: impl IntoIterator<Item = &String>) -> Vec<IpAddr> {
        join_all(names.into_iter().map(|name| self.addresses(name))).await.concat()
    }

    async fn look_up(&self, name: String) -> Vec<IpAddr> {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return Vec::new() };
        let looking = spawn_blocking(move || {
            let addresses = (name, 443).to_socket_addrs();
            // Held also when nobody waits any more.
            drop(place);
            addresses.map(|addresses| addresses.map(|address| address.ip()).collect())
        });
        looking.await.ok().and_then(Result::ok).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn an_address_is_its_own_and_an_unknown_name_has_none() {
        let lookup = HostLookup::default();
        assert_eq!(lookup.addresses("127.0.0.1").await, [IpAddr::from([127, 0, 0, 1])]);
        assert!(lookup.addresses("no such name").await.is_empty());
        let names = ["127.0.0.1", "no such name", "::1"].map(str::to_owned);
        let (v4, v6) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(lookup.addresses_of_all(&names).await, [v4, v6]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_a_second_for_a_place() {
        let lookup = HostLookup { places: Arc::new(Semaphore::new(0)) };
        assert!(lookup.addresses("127.0.0.1").await.is_empty());
        let start = Instant::now();
        assert!(lookup.addresses_of_all(&["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(str::to_owned)).await.is_empty());
        assert_eq!(start.elapsed(), PATIENCE);
    }
}
