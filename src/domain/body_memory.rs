//! The memory that large bodies of requests, or of responses with the messages of chats, may occupy together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::client_ip::ClientIp;

/// The part of each body that is not counted, in bytes. So a request of usual size is read also when the memory is used up.
const UNCOUNTED_BYTES: usize = 64 << 10;

/// The memory for the bodies of all requests, or of all responses.
///
/// One client can use half of it. In the second half, only those find room that have a quarter of all at most, so that a
/// client that sends large bodies leaves room for others.
#[derive(Clone, Debug)]
pub struct BodyMemory(Arc<Shares>);

/// The parts of the memory that are in use.
#[derive(Debug)]
struct Shares {
    limit: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    total: usize,
    by_client: HashMap<ClientIp, usize>,
}

/// The part of the memory that one body occupies. It is free again when this is dropped.
#[derive(Debug)]
pub struct BodyShare {
    memory: BodyMemory,
    client: ClientIp,
    counted: usize,
}

/// The error of a body that finds no room beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("other bodies occupy the memory")]
pub struct BodyMemoryUsedUp;

impl BodyMemory {
    /// Creates the memory, with its limit in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shares { limit, used: Mutex::default() }))
    }

    /// Returns the share of a client's body of which nothing was read yet.
    #[must_use]
    pub fn share(&self, client: ClientIp) -> BodyShare {
        BodyShare { memory: self.clone(), client, counted: 0 }
    }
}

impl BodyShare {
    /// Takes the memory for a body of `size` bytes, of which a part may be taken already. Fails if there is no room.
    pub fn grow(&mut self, size: usize) -> Result<(), BodyMemoryUsedUp> {
        let more = size.saturating_sub(UNCOUNTED_BYTES).saturating_sub(self.counted);
        if more == 0 {
            return Ok(());
        }
        let Shares { limit, used } = &*self.memory.0;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        let total = used.total + more;
        let own = used.by_client.get(&self.client).copied().unwrap_or_default() + more;
        if total > *limit || (total > limit / 2 && own > limit / 4) {
            return Err(BodyMemoryUsedUp);
        }
        used.total = total;
        used.by_client.insert(self.client, own);
        self.counted += more;
        Ok(())
    }
}

impl Drop for BodyShare {
    fn drop(&mut self) {
        if self.counted == 0 {
            return;
        }
        let mut used = self.memory.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.total -= self.counted;
        if let Some(own) = used.by_client.get_mut(&self.client) {
            *own -= self.counted;
            if *own == 0 {
                used.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 8 << 20;
    const MIB: usize = 1 << 20;

    fn client(number: u8) -> ClientIp {
        ClientIp::from_peer(IpAddr::from([192, 0, 2, number]))
    }

    /// Returns the share of a body that counts with this size.
    fn body(memory: &BodyMemory, number: u8, size: usize) -> Result<BodyShare, BodyMemoryUsedUp> {
        let mut share = memory.share(client(number));
        share.grow(UNCOUNTED_BYTES + size).map(|()| share)
    }

    #[test]
    fn one_client_leaves_room_for_others() {
        let memory = BodyMemory::new(LIMIT);
        let first = [0; 4].map(|_| body(&memory, 1, MIB).expect("the first half is anybody's"));
        assert_eq!(body(&memory, 1, MIB).err(), Some(BodyMemoryUsedUp));
        let others = [2, 3].map(|number| body(&memory, number, 2 * MIB).expect("the second half is for others"));
        assert_eq!(body(&memory, 4, 1).err(), Some(BodyMemoryUsedUp));
        drop(others);
        drop(body(&memory, 4, MIB).expect("what was dropped is free"));
        drop(first);
        body(&memory, 1, LIMIT / 2).expect("what was dropped is free");
    }

    #[test]
    fn small_bodies_need_no_room() {
        let memory = BodyMemory::new(0);
        let mut share = memory.share(client(1));
        assert_eq!(share.grow(UNCOUNTED_BYTES), Ok(()));
        assert_eq!(share.grow(UNCOUNTED_BYTES + 1), Err(BodyMemoryUsedUp));
    }

    proptest! {
        #[test]
        fn the_limit_holds_and_all_is_free_at_the_end(sizes in prop::collection::vec((0_u8..6, 0..3 * MIB), 1..40)) {
            let memory = BodyMemory::new(LIMIT);
            let mut shares = Vec::new();
            for (index, (number, size)) in sizes.into_iter().enumerate() {
                shares.extend(body(&memory, number, size));
                if index % 3 == 0 {
                    shares.pop();
                }
                let total = shares.iter().map(|share| share.counted).sum::<usize>();
                prop_assert!(total <= LIMIT);
                prop_assert_eq!(memory.0.used.lock().unwrap().total, total);
            }
            shares.clear();
            let used = memory.0.used.lock().unwrap();
            prop_assert_eq!((used.total, used.by_client.len()), (0, 0));
        }
    }
}
