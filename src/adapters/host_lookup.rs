//! Lookup of host names by the operating system.

use std::{
    net::{IpAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The time limit for one lookup.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum number of concurrent lookups. The system may take much longer than the time limit, and each lookup
/// occupies a thread until its end.
const MAX_CONCURRENT: usize = 16;

/// A resolver of host names with a limit on concurrent lookups. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HostLookup {
    permits: Arc<Semaphore>,
}

impl Default for HostLookup {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_CONCURRENT)) }
    }
}

impl HostLookup {
    /// Returns the addresses of a name; an empty list if the name is unknown or the lookup takes more than a second.
    pub async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        timeout(LOOKUP_TIMEOUT, self.look_up(name.to_owned())).await.unwrap_or_default()
    }

    /// Returns the addresses of all these names, looked up concurrently, within a second in all.
    pub async fn addresses_of_all(&self, names: impl IntoIterator<Item = &String>) -> Vec<IpAddr> {
        join_all(names.into_iter().map(|name| self.addresses(name))).await.concat()
    }

    async fn look_up(&self, name: String) -> Vec<IpAddr> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return Vec::new() };
        let lookup = spawn_blocking(move || {
            let addresses = (name, 443).to_socket_addrs();
            // The permit is held until the lookup ends, even if the caller stopped waiting.
            drop(permit);
            addresses.map(|addresses| addresses.map(|address| address.ip()).collect())
        });
        lookup.await.ok().and_then(Result::ok).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn unknown_names_have_no_addresses() {
        let lookup = HostLookup::default();
        assert_eq!(lookup.addresses("127.0.0.1").await, [IpAddr::from([127, 0, 0, 1])]);
        assert!(lookup.addresses("no such name").await.is_empty());
        let names = ["127.0.0.1", "no such name", "::1"].map(str::to_owned);
        let (v4, v6) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(lookup.addresses_of_all(&names).await, [v4, v6]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_permit_counts_for_the_time_limit() {
        let lookup = HostLookup { permits: Arc::new(Semaphore::new(0)) };
        assert!(lookup.addresses("127.0.0.1").await.is_empty());
        let start = Instant::now();
        assert!(lookup.addresses_of_all(&["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(str::to_owned)).await.is_empty());
        assert_eq!(start.elapsed(), LOOKUP_TIMEOUT);
    }
}
