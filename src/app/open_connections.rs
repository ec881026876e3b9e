//! The open connections within `MAX_CONNECTIONS`, what each address holds of them, and which of them give way to new ones.
//!
//! An idle connection gives way to any new one. One whose client keeps the server waiting gives way to one of an address that
//! holds fewer. Those of whoever holds most are the first.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::connection_timeouts::{ClientWait, ConnectionTimeouts};
use crate::domain::{
    client_ip::ClientIp,
    shares::{Held, Shares},
};

/// The most connections that one look finds.
const MAX_FOUND: usize = 64;

/// The number of open connections that cost next to nothing to look at.
const FEW: usize = 256;

/// The shortest time between two looks, for each further open connection. A look takes a tenth of that.
const PAUSE_FOR_EACH: Duration = Duration::from_micros(1);

/// The open connections.
#[derive(Debug)]
pub(super) struct OpenConnections {
    limit: usize,
    /// Whether each address gets its share only.
    has_shares: bool,
    open: HashMap<u64, Open>,
    held: Shares,
    last_id: u64,
    /// The connections that the last look has found, the first to give way first.
    found: Vec<u64>,
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    client: ClientIp,
    timeouts: Arc<ConnectionTimeouts>,
}

/// A new connection that needs a place.
#[derive(Clone, Copy)]
struct Newcomer {
    client: ClientIp,
    held: Held,
    /// Whether all places are taken. Otherwise the client holds its share.
    is_full: bool,
}

impl OpenConnections {
    pub(super) fn new(limit: usize, has_shares: bool) -> Self {
        Self {
            limit,
            has_shares,
            open: HashMap::new(),
            held: Shares::default(),
            last_id: 0,
            found: Vec::new(),
            looked: None,
        }
    }

    /// Adds a connection, for which another one may give way. Returns its id; `None` if there is no place for it.
    pub(super) fn add(&mut self, client: ClientIp, timeouts: &Arc<ConnectionTimeouts>) -> Option<u64> {
        if !self.has_room(client) && !self.make_room(client) {
            return None;
        }
        self.last_id += 1;
        self.open.insert(self.last_id, Open { client, timeouts: Arc::clone(timeouts) });
        self.held.add(client);
        Some(self.last_id)
    }

    /// Removes a connection, unless it has given way.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(Open { client, .. }) = self.open.remove(&id) {
            self.held.remove(client);
        }
    }

    /// Whether a client may have one more connection.
    fn has_room(&self, client: ClientIp) -> bool {
        let free = self.limit.saturating_sub(self.open.len());
        self.held.may_take(client, self.has_shares && has_share(client), free)
    }

    /// Makes a connection give way to a new one. Returns whether there was one.
    fn make_room(&mut self, client: ClientIp) -> bool {
        let newcomer = Newcomer { client, held: self.held.of(client), is_full: self.open.len() >= self.limit };
        self.look();
        let Some(index) = self.found.iter().position(|id| self.gives_way(*id, newcomer)) else { return false };
        let id = self.found.remove(index);
        self.remove(id);
        true
    }

    /// Makes a connection give way to a new one, if it is to.
    fn gives_way(&self, id: u64, newcomer: Newcomer) -> bool {
        let Some(open) = self.open.get(&id) else { return false };
        let Some((wait, _)) = open.timeouts.client_wait() else { return false };
        let is_due = match wait {
            ClientWait::Idle => newcomer.is_full || open.client == newcomer.client,
            ClientWait::Slow => newcomer.is_full && self.has_shares && self.holds_more(open.client, newcomer),
        };
        is_due && open.timeouts.give_way(wait)
    }

    /// Whether a client holds more than a newcomer will.
    fn holds_more(&self, client: ClientIp, newcomer: Newcomer) -> bool {
        let held = self.held.of(client);
        if client.network() == newcomer.client.network() {
            held.by_address > newcomer.held.by_address + 1
        } else {
            held.by_network > newcomer.held.by_network + 1
        }
    }

    /// Looks for connections whose clients keep the server waiting, unless the last look was just before.
    fn look(&mut self) {
        let further = u32::try_from(self.open.len().saturating_sub(FEW)).unwrap_or(u32::MAX);
        if self.looked.is_some_and(|looked| looked.elapsed() < PAUSE_FOR_EACH * further) {
            return;
        }
        let waiting = self.open.iter().filter_map(|(id, Open { client, timeouts })| {
            let (wait, since) = timeouts.client_wait()?;
            Some((wait, Reverse(self.held.of(*client)), since, *id))
        });
        let mut waiting = waiting.collect::<Vec<_>>();
        waiting.sort_unstable();
        self.found = waiting.into_iter().take(MAX_FOUND).map(|(.., id)| id).collect();
        self.looked = Some(Instant::now());
    }
}

/// Whether a client gets its share of connections only. This machine does not: a proxy on it may connect for all visitors.
pub(super) fn has_share(client: ClientIp) -> bool {
    !client.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// Adds a connection, and returns its state if it has found a place.
    fn add(open: &mut OpenConnections, address: [u8; 4]) -> Option<Arc<ConnectionTimeouts>> {
        let timeouts = ConnectionTimeouts::new(LONG, LONG);
        open.add(ClientIp::from_peer(address.into()), &timeouts).map(|_| timeouts)
    }

    fn make_idle(timeouts: &ConnectionTimeouts) {
        timeouts.begin_request();
        timeouts.begin_response(None);
        timeouts.end_response();
        timeouts.flushed();
    }

    #[test]
    fn slow_connections_of_a_greedy_address_give_way_to_others() {
        let (greedy, other) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let mut open = OpenConnections::new(4, true);
        let slow = [(); 3].map(|()| add(&mut open, greedy).expect("a place"));
        assert!(add(&mut open, greedy).is_none(), "the last place is for others");
        let first = add(&mut open, other).expect("the last place");
        let second = add(&mut open, other).expect("the place of a slow one");
        assert!(slow[0].is_over() && !slow[1].is_over(), "who has waited longest is the first");
        let _third = add(&mut open, [192, 0, 2, 3]).expect("the place of another slow one");
        assert!(slow[1].is_over() && !slow[2].is_over());
        let _fourth = add(&mut open, [192, 0, 2, 4]).expect("the place of who has two now");
        assert!(first.is_over() && !second.is_over());
        assert!(add(&mut open, [192, 0, 2, 5]).is_none(), "all have one");
        make_idle(&second);
        assert!(add(&mut open, [192, 0, 2, 5]).is_some() && second.is_over());
        assert_eq!(open.open.len(), 4);
    }

    #[test]
    fn requests_that_are_handled_never_give_way() {
        let mut open = OpenConnections::new(4, true);
        let busy = [(); 3].map(|()| add(&mut open, [192, 0, 2, 1]).expect("a place"));
        for timeouts in &busy {
            timeouts.begin_request();
        }
        assert!(add(&mut open, [192, 0, 2, 2]).is_some());
        assert!(add(&mut open, [192, 0, 2, 3]).is_none());
    }

    #[test]
    fn this_machine_and_a_proxy_can_take_all_places() {
        for (address, has_shares) in [([127, 0, 0, 1], true), ([192, 0, 2, 1], false)] {
            let mut open = OpenConnections::new(8, has_shares);
            let all = [(); 8].map(|()| add(&mut open, address).expect("a place"));
            assert!(add(&mut open, address).is_none());
            make_idle(&all[3]);
            assert!(add(&mut open, address).is_some() && all[3].is_over());
        }
    }
}
