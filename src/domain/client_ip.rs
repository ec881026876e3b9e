//! Client addresses, for limits that count per client.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The IP address of a client. All IPv6 addresses of one /64 network count as one client, since its owner can use any of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(IpAddr);

/// The network around a client: of IPv6 the /48, which one site may have as a whole; of IPv4 the address itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientIp {
    /// The length of an IPv6 network's prefix, in bits.
    const V6_PREFIX_BITS: u32 = 64;

    /// Returns the client of the IP address that a connection comes from.
    #[must_use]
    pub fn from_peer(ip: IpAddr) -> Self {
        Self(with_v6_prefix(ip.to_canonical(), Self::V6_PREFIX_BITS))
    }

    /// Returns the network around the client.
    #[must_use]
    pub fn network(self) -> ClientNetwork {
        ClientNetwork(with_v6_prefix(self.0, ClientNetwork::V6_PREFIX_BITS))
    }

    /// Whether the address is one of this machine's own, such as 127.0.0.1.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        // Of ::1 only the network is known, to which no other address belongs that clients have.
        self.0.is_loopback() || self.0 == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }

    /// Returns the address as 16 bytes, of IPv4 in its IPv6 form.
    #[must_use]
    pub fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        }
    }

    /// Returns the client behind a number of trusted `proxies`; the connection comes from `peer`. Each proxy appends the
    /// address that it was called from to `forwarded` (`X-Forwarded-For`). Entries before those of the proxies may be
    /// forged and are ignored.
    #[must_use]
    pub fn from_forwarded(proxies: usize, peer: IpAddr, forwarded: &str) -> Self {
        let named = forwarded.rsplit(',').take(proxies).map(parse).last();
        Self::from_peer(named.flatten().unwrap_or(peer))
    }
}

/// The client that logs in or registers, also behind a proxy that the settings do not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginClient {
    /// The client's address, or that of a proxy that the settings do not name.
    pub address: ClientIp,
    /// The address for which such a proxy says that it forwards the request. Without a proxy, the client has made it up.
    pub forwarded_for: Option<ClientIp>,
}

impl LoginClient {
    /// Returns the client of a request that comes from `peer` by way of these trusted `proxies`, with this `X-Forwarded-For`.
    #[must_use]
    pub fn new(proxies: usize, peer: IpAddr, forwarded: &str) -> Self {
        let address = ClientIp::from_forwarded(proxies, peer, forwarded);
        let nearest = forwarded.rsplit(',').next().and_then(parse).map(ClientIp::from_peer);
        Self { address, forwarded_for: nearest.filter(|_| proxies == 0) }
    }
}

impl ClientNetwork {
    /// The length of an IPv6 network's prefix, in bits.
    const V6_PREFIX_BITS: u32 = 48;
}

/// Returns an IPv6 address with only the first bits, and an IPv4 address as it is.
fn with_v6_prefix(ip: IpAddr, bits: u32) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> (128 - bits) << (128 - bits))),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// Parses an entry of `X-Forwarded-For`: an IP address, in brackets or not, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn address(text: &str) -> ClientIp {
        ClientIp::from_peer(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::1"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn a_network_is_a_48_of_ipv6_and_an_address_of_ipv4() {
        let network = |text: &str| address(text).network();
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:2:2::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn addresses_of_this_machine_are_known() {
        for (text, is_own) in
            [("127.0.0.1", true), ("127.0.0.2", true), ("::1", true), ("192.0.2.1", false), ("2001:db8::1", false)]
        {
            assert_eq!(address(text).is_loopback(), is_own, "{text}");
        }
    }

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        let forwarded = "203.0.113.9, 198.51.100.7, 192.0.2.1";
        assert_eq!(ClientIp::from_forwarded(0, PEER, forwarded), ClientIp::from_peer(PEER));
        assert_eq!(ClientIp::from_forwarded(1, PEER, forwarded), address("192.0.2.1"));
        assert_eq!(ClientIp::from_forwarded(2, PEER, forwarded), address("198.51.100.7"));
        assert_eq!(ClientIp::from_forwarded(9, PEER, forwarded), address("203.0.113.9"));
    }

    #[test]
    fn a_login_client_has_the_address_that_a_proxy_forwards() {
        let forwarded = "203.0.113.9, 192.0.2.1";
        let client = LoginClient::new(0, PEER, forwarded);
        assert_eq!((client.address, client.forwarded_for), (ClientIp::from_peer(PEER), Some(address("192.0.2.1"))));
        let client = LoginClient::new(1, PEER, forwarded);
        assert_eq!((client.address, client.forwarded_for), (address("192.0.2.1"), None));
        assert_eq!(LoginClient::new(0, PEER, "").forwarded_for, None);
    }

    #[test]
    fn entries_that_are_not_addresses_are_ignored() {
        for forwarded in ["", "unknown", "192.0.2.1, nonsense", "192.0.2.1,"] {
            assert_eq!(ClientIp::from_forwarded(1, PEER, forwarded), ClientIp::from_peer(PEER), "{forwarded:?}");
        }
        for forwarded in ["192.0.2.1:4711", "[2001:db8::1]:80", "[2001:db8::1]", " 2001:db8::1 "] {
            assert_ne!(ClientIp::from_forwarded(1, PEER, forwarded), ClientIp::from_peer(PEER), "{forwarded:?}");
        }
    }

    proptest! {
        #[test]
        fn entries_written_by_the_client_change_nothing(written in ".*", proxies in 1..4_usize) {
            let added = "192.0.2.1, 192.0.2.2, 192.0.2.3".rsplit(',').take(proxies).collect::<Vec<_>>();
            let added = added.into_iter().rev().collect::<Vec<_>>().join(",");
            let forwarded = format!("{written},{added}");
            prop_assert_eq!(ClientIp::from_forwarded(proxies, PEER, &forwarded), ClientIp::from_forwarded(proxies, PEER, &added));
        }
    }
}
