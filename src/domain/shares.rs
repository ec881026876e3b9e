//! Fair shares of something scarce, such as permits for turns, connections, or places in a queue.
//!
//! An address may take all that it wants as long as a part is left for others: after it has taken one more, it holds at most
//! three times as much as is still free. So one address alone can hold three quarters, two of them three sevenths each, and an
//! address that holds nothing finds something free nearly always. An IPv6 network of 48 bits, in which one client may
//! have 65,536 addresses, can hold seven times as much as is free. Whoever holds nothing may take the last free one.

use std::{collections::HashMap, hash::Hash};

use super::client_ip::{ClientIp, ClientNetwork};

/// How many times as much as is free an address may hold.
const OF_ADDRESS: usize = 3;

/// The same for an IPv6 network of 48 bits.
const OF_NETWORK: usize = 7;

/// What each address and each network holds.
#[derive(Debug, Default)]
pub struct Shares {
    addresses: HashMap<ClientIp, usize>,
    networks: HashMap<ClientNetwork, usize>,
}

/// What a client holds. Less is what its network holds less of, or else its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// What all addresses of the client's network hold.
    pub by_network: usize,
    /// What the client's address holds.
    pub by_address: usize,
}

impl Shares {
    /// Returns what a client holds.
    #[must_use]
    pub fn of(&self, client: ClientIp) -> Held {
        let by_network = self.networks.get(&client.network()).copied().unwrap_or_default();
        Held { by_network, by_address: self.addresses.get(&client).copied().unwrap_or_default() }
    }

    /// Whether a client may take one of those that are `free`: within its share, or any of them if it has none.
    #[must_use]
    pub fn may_take(&self, client: ClientIp, has_share: bool, free: usize) -> bool {
        if has_share { self.has_room(client, free) } else { free > 0 }
    }

    fn has_room(&self, client: ClientIp, free: usize) -> bool {
        let Some(left) = free.checked_sub(1) else { return false };
        let may_hold = |held: usize, times: usize| held == 0 || held < left.saturating_mul(times);
        let Held { by_network, by_address } = self.of(client);
        may_hold(by_network, OF_NETWORK) && may_hold(by_address, OF_ADDRESS)
    }

    /// Notes that a client holds one more.
    pub fn add(&mut self, client: ClientIp) {
        *self.addresses.entry(client).or_default() += 1;
        *self.networks.entry(client.network()).or_default() += 1;
    }

    /// Notes that a client holds one less.
    pub fn remove(&mut self, client: ClientIp) {
        remove_one(&mut self.addresses, &client);
        remove_one(&mut self.networks, &client.network());
    }
}

fn remove_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a client of a /48 of IPv6.
    fn client(network: u16, address: u16) -> ClientIp {
        ClientIp::from_peer([0x2001, 0xdb8, network, address, 0, 0, 0, 1].into())
    }

    /// Takes as many as these clients can get of so many, in turn. Returns what each holds.
    fn take_all(clients: &[ClientIp], all: usize) -> Vec<usize> {
        let (mut shares, mut free) = (Shares::default(), all);
        while let Some(client) =
            clients.iter().filter(|it| shares.has_room(**it, free)).min_by_key(|it| shares.of(**it))
        {
            shares.add(*client);
            free -= 1;
        }
        clients.iter().map(|client| shares.of(*client).by_address).collect()
    }

    #[test]
    fn greedy_addresses_leave_a_part_for_others() {
        for (all, one) in [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (100, 75), (5000, 3750)] {
            assert_eq!(take_all(&[client(1, 1)], all), [one], "{all}");
        }
        assert_eq!(take_all(&[client(1, 1), client(2, 1)], 700), [300, 300]);
        let network = (0..1000).map(|address| client(1, address)).collect::<Vec<_>>();
        assert_eq!(take_all(&network, 800).into_iter().sum::<usize>(), 700);
    }

    proptest! {
        #[test]
        fn who_holds_nothing_gets_what_is_free(takers in prop::collection::vec((0_u16..4, 0_u16..4), 0..60), all in 1_usize..40) {
            let (mut shares, mut taken) = (Shares::default(), Vec::new());
            for (network, address) in takers {
                let free = all - taken.len();
                prop_assert_eq!(shares.has_room(client(9, 9), free), free > 0);
                if shares.has_room(client(network, address), free) {
                    shares.add(client(network, address));
                    taken.push((network, address));
                }
            }
            for (network, address) in taken {
                shares.remove(client(network, address));
            }
            prop_assert!(shares.addresses.is_empty() && shares.networks.is_empty());
        }
    }
}
