//! Registrations in a time, by the addresses and networks that they come from.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use moka::sync::Cache;

use crate::domain::client_ip::{ClientNetwork, LoginClient};

/// The maximum number of registrations from one address within [`REGISTRATION_WINDOW`].
const MAX_REGISTRATIONS: u32 = 300;

/// The same for an IPv6 network of 48 bits, and for all addresses behind a proxy that the settings do not name.
const MAX_NETWORK_REGISTRATIONS: u32 = 3000;

/// The time within which registrations are counted. A whole class can register within a minute, but no client can go on
/// at that rate.
pub(super) const REGISTRATION_WINDOW: Duration = Duration::from_mins(10);

/// Counts registrations.
#[derive(Debug)]
pub(super) struct Registrations {
    by_address: Cache<LoginClient, Arc<AtomicU32>>,
    by_network: Cache<ClientNetwork, Arc<AtomicU32>>,
}

impl Registrations {
    /// Counts the registrations of so many addresses, and of so many networks.
    pub(super) fn new(max_counted: u64) -> Self {
        Self {
            by_address: Cache::builder().max_capacity(max_counted).time_to_live(REGISTRATION_WINDOW).build(),
            by_network: Cache::builder().max_capacity(max_counted).time_to_live(REGISTRATION_WINDOW).build(),
        }
    }

    /// Counts a registration. Returns whether there were not too many before.
    pub(super) fn admit(&self, client: LoginClient) -> bool {
        let has_room = |count: &AtomicU32, most| count.fetch_add(1, Relaxed) < most;
        // One that its address refuses takes nothing from the network.
        has_room(&self.by_address.get_with(client, Arc::default), MAX_REGISTRATIONS)
            && has_room(&self.by_network.get_with(client.address.network(), Arc::default), MAX_NETWORK_REGISTRATIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client_ip::ClientIp;

    fn client(last: u8) -> LoginClient {
        LoginClient { address: ClientIp::from_peer([192, 0, 2, last].into()), forwarded_for: None }
    }

    #[test]
    fn one_visitor_of_an_unnamed_proxy_blocks_no_registrations() {
        let registrations = Registrations::new(1000);
        let behind = |last: u8| LoginClient {
            forwarded_for: Some(ClientIp::from_peer([203, 0, 113, last].into())),
            ..client(1)
        };
        let admitted = |from, tries| (0..tries).filter(|_| registrations.admit(from)).count();
        assert_eq!(admitted(behind(1), 10_000), MAX_REGISTRATIONS as usize);
        assert_eq!(admitted(behind(2), 10), 10);
        let all = (0..=255).map(|last| admitted(behind(last), 400)).sum::<usize>();
        assert_eq!(all, (MAX_NETWORK_REGISTRATIONS - MAX_REGISTRATIONS - 10) as usize, "addresses may be made up");
        assert_eq!(admitted(client(2), 10), 10);
    }

    #[test]
    fn registrations_are_bounded_for_each_address() {
        let registrations = Registrations::new(1000);
        let admitted = (0..MAX_REGISTRATIONS + 100).filter(|_| registrations.admit(client(1))).count();
        assert_eq!(admitted, MAX_REGISTRATIONS as usize);
        assert!(registrations.admit(client(2)));
    }
}
