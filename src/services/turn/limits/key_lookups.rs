//! Look-ups of idempotency keys in the database, for requests that a limit would refuse.
//!
//! A repetition of an answered turn is answered although a limit is reached. To know it, its key is looked up. That must not let
//! those whom a limit refuses load the database, so the look-ups of a minute are bounded.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::{
    domain::{client_ip::ClientIp, limits::window_end},
    foundation::config::LimitWindow,
};

/// The most look-ups of one address in a minute.
const MAX_OF_ADDRESS: u32 = 20;

/// The most look-ups of all addresses in a minute.
const MAX_OF_ALL: u32 = 1200;

/// Counts the look-ups of the minute that goes on.
#[derive(Debug, Default)]
pub(super) struct KeyLookups(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    ends_at: Timestamp,
    all: u32,
    /// At most as many as the look-ups of the minute.
    by_address: HashMap<ClientIp, u32>,
}

impl KeyLookups {
    /// Whether an address may look up a key now. If so, it is counted.
    pub(super) fn admit(&self, address: ClientIp, now: Timestamp) -> bool {
        let ends_at = window_end(LimitWindow::Minute, now);
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.ends_at != ends_at {
            *minute = Minute { ends_at, ..Minute::default() };
        }
        if minute.all >= MAX_OF_ALL {
            return false;
        }
        let of_address = minute.by_address.entry(address).or_default();
        let has_room = *of_address < MAX_OF_ADDRESS;
        *of_address += u32::from(has_room);
        minute.all += u32::from(has_room);
        has_room
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn address(number: u32) -> ClientIp {
        ClientIp::from_peer(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn an_address_and_all_together_have_so_many_look_ups_a_minute() {
        let (lookups, now) = (KeyLookups::default(), Timestamp::UNIX_EPOCH);
        let admitted = |address, tries: u32| (0..tries).filter(|_| lookups.admit(address, now)).count();
        assert_eq!((admitted(address(1), 100), admitted(address(2), 15)), (20, 15));
        let flood = (3..10_000).map(|number| admitted(address(number), 1)).sum::<usize>();
        assert_eq!(flood + 35, 1200);
        assert_eq!(lookups.0.lock().unwrap().by_address.len(), 2 + flood);
        assert!(lookups.admit(address(1), now + SignedDuration::from_mins(1)));
    }
}
