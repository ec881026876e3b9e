//! Where a request comes from, as far as it is counted.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address of a client. All of one IPv6 network count as one: its owner has as many addresses as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// Bits of an IPv6 address that tell one owner from another.
    const NETWORK: u32 = 64;

    /// The address of a client that is connected by this one.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> Self::NETWORK << Self::NETWORK)),
            ip @ IpAddr::V4(_) => ip,
        })
    }

    /// The address of a client behind `proxies`, the nearest of which is connected by `peer`. Each adds the address of
    /// the one before it to the end of `forwarded` (`X-Forwarded-For`); what stands before these anybody may have
    /// written.
    #[must_use]
    pub fn behind(proxies: usize, peer: IpAddr, forwarded: &str) -> Self {
        let named = forwarded.rsplit(',').take(proxies).map(read).last();
        Self::of(named.flatten().unwrap_or(peer))
    }
}

/// An address as proxies write it, some with a port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn address(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    #[test]
    fn a_network_is_one_client() {
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::1"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn as_many_proxies_are_believed_as_there_are() {
        let forwarded = "203.0.113.9, 198.51.100.7, 192.0.2.1";
        assert_eq!(Address::behind(0, PEER, forwarded), Address::of(PEER));
        assert_eq!(Address::behind(1, PEER, forwarded), address("192.0.2.1"));
        assert_eq!(Address::behind(2, PEER, forwarded), address("198.51.100.7"));
        assert_eq!(Address::behind(9, PEER, forwarded), address("203.0.113.9"));
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        for forwarded in ["", "unknown", "192.0.2.1, nonsense", "192.0.2.1,"] {
            assert_eq!(Address::behind(1, PEER, forwarded), Address::of(PEER), "{forwarded:?}");
        }
        for forwarded in ["192.0.2.1:4711", "[2001:db8::1]:80", "[2001:db8::1]", " 2001:db8::1 "] {
            assert_ne!(Address::behind(1, PEER, forwarded), Address::of(PEER), "{forwarded:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_client_writes_itself_changes_nothing(written in ".*", proxies in 1..4_usize) {
            let added = "192.0.2.1, 192.0.2.2, 192.0.2.3".rsplit(',').take(proxies).collect::<Vec<_>>();
            let added = added.into_iter().rev().collect::<Vec<_>>().join(",");
            let forwarded = format!("{written},{added}");
            prop_assert_eq!(Address::behind(proxies, PEER, &forwarded), Address::behind(proxies, PEER, &added));
        }
    }
}
