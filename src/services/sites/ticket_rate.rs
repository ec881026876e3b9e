//! The number of tickets that an address may request in a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::client_ip::ClientIp;

/// The time for which tickets are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// The most tickets of one address in that time: a school has one address, and a page load takes one ticket.
const MAX_OF_ADDRESS: u32 = 600;

/// The most addresses that are counted. Beyond it, all counts are forgotten: tickets are cheap.
const MAX_ADDRESSES: usize = 50_000;

/// Counts the tickets of each address.
#[derive(Debug)]
pub(super) struct TicketRate(Mutex<Counted>);

#[derive(Debug)]
struct Counted {
    since: Instant,
    by_address: HashMap<ClientIp, u32>,
}

impl TicketRate {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Counted { since: Instant::now(), by_address: HashMap::new() }))
    }

    /// Counts a ticket of an address. Fails with the time to wait if the address has too many.
    pub(super) fn admit(&self, address: ClientIp, now: Instant) -> Result<(), Duration> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(counted.since);
        if elapsed >= WINDOW || counted.by_address.len() >= MAX_ADDRESSES {
            *counted = Counted { since: now, by_address: HashMap::new() };
        }
        let left = WINDOW.saturating_sub(now.saturating_duration_since(counted.since));
        let count = counted.by_address.entry(address).or_default();
        if *count >= MAX_OF_ADDRESS {
            return Err(left);
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> ClientIp {
        ClientIp::from_peer(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn an_address_gets_so_many_tickets_a_minute() {
        let (rate, now) = (TicketRate::new(), Instant::now());
        let admitted = |address, now, tries: u32| (0..tries).filter(|_| rate.admit(address, now).is_ok()).count();
        assert_eq!((admitted(address(1), now, 1000), admitted(address(2), now, 10)), (600, 10));
        let wait = rate.admit(address(1), now + Duration::from_secs(20)).unwrap_err();
        assert!(wait > Duration::from_secs(30) && wait <= Duration::from_secs(40), "{wait:?}");
        assert_eq!(admitted(address(1), now + Duration::from_secs(61), 1), 1);
    }

    #[test]
    fn the_counted_addresses_are_bounded() {
        let (rate, now) = (TicketRate::new(), Instant::now());
        for number in 0..120_000 {
            assert!(rate.admit(address(number), now).is_ok());
        }
        assert!(rate.0.lock().unwrap().by_address.len() <= MAX_ADDRESSES);
    }
}
