//! Permits in limited number, and a queue in front of them in which clients that hold few come first.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot::{self, Receiver, Sender};

use super::{
    client_ip::ClientIp,
    shares::{Held, Shares},
};

/// Permits, and the queue of those who wait for one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FairPermits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    queue_limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    held: Shares,
    /// In the order of arrival.
    queue: VecDeque<Waiting>,
    queued: Shares,
    last_id: u64,
}

/// Whoever applies for a permit.
#[derive(Clone, Copy, Debug)]
pub struct Applicant {
    /// The client's address.
    pub client: ClientIp,
    /// Whether the client gets its share only, of the permits and of the queue.
    pub has_share: bool,
    /// Whether it comes before all that are not first.
    pub is_first: bool,
}

/// An applicant in the queue.
struct Waiting {
    id: u64,
    applicant: Applicant,
    granted: Sender<FairPermit>,
}

/// A permit, which is free again when this is dropped.
#[derive(Debug)]
pub struct FairPermit {
    permits: FairPermits,
    client: ClientIp,
}

/// The place of an applicant in the queue, which it leaves when this is dropped.
struct Place<'a> {
    permits: &'a FairPermits,
    id: u64,
    granted: Receiver<FairPermit>,
}

/// What an applicant gets at once.
enum Answer<'a> {
    Permit(FairPermit),
    Place(Place<'a>),
    Nothing,
}

impl FairPermits {
    /// Creates permits, and a queue of this length.
    #[must_use]
    pub fn new(limit: usize, queue_limit: usize) -> Self {
        Self(Arc::new(Inner { limit, queue_limit, state: Mutex::default() }))
    }

    /// Whether an applicant would get a permit at once.
    #[must_use]
    pub fn has_free(&self, applicant: Applicant) -> bool {
        self.state().can_take(applicant, self.0.limit)
    }

    /// Whether an applicant would get a permit or a place in the queue.
    #[must_use]
    pub fn has_place(&self, applicant: Applicant) -> bool {
        let state = self.state();
        state.can_take(applicant, self.0.limit) || state.can_wait(applicant, self.0.queue_limit)
    }

    /// Waits for a permit. Returns `None` at once if neither a permit is free for the applicant nor a place in the queue.
    pub async fn acquire(&self, applicant: Applicant) -> Option<FairPermit> {
        match self.apply(applicant) {
            Answer::Permit(permit) => Some(permit),
            Answer::Place(mut place) => (&mut place.granted).await.ok(),
            Answer::Nothing => None,
        }
    }

    /// Returns the number of permits that are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.state().taken
    }

    /// Returns the number of applicants in the queue.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    fn apply(&self, applicant: Applicant) -> Answer<'_> {
        let mut state = self.state();
        if state.can_take(applicant, self.0.limit) {
            state.take(applicant.client);
            return Answer::Permit(self.permit(applicant.client));
        }
        if !state.can_wait(applicant, self.0.queue_limit) {
            return Answer::Nothing;
        }
        let (sender, granted) = oneshot::channel();
        state.last_id += 1;
        let id = state.last_id;
        state.queue.push_back(Waiting { id, applicant, granted: sender });
        state.queued.add(applicant.client);
        Answer::Place(Place { permits: self, id, granted })
    }

    fn permit(&self, client: ClientIp) -> FairPermit {
        FairPermit { permits: self.clone(), client }
    }

    /// Takes a permit back, and grants those that are free to the queue.
    fn take_back(&self, client: ClientIp) {
        let mut granted = Vec::new();
        let mut state = self.state();
        state.taken -= 1;
        state.held.remove(client);
        while let Some(next) = state.next(client, self.0.limit) {
            state.take(next.applicant.client);
            granted.push(next);
        }
        drop(state);
        for Waiting { applicant, granted, .. } in granted {
            // An applicant that has left meanwhile gives its permit back by dropping it, which needs the lock.
            drop(granted.send(self.permit(applicant.client)));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn can_take(&self, applicant: Applicant, limit: usize) -> bool {
        self.held.may_take(applicant.client, applicant.has_share, limit - self.taken)
    }

    fn can_wait(&self, applicant: Applicant, limit: usize) -> bool {
        self.queued.may_take(applicant.client, applicant.has_share, limit - self.queue.len())
    }

    fn take(&mut self, client: ClientIp) {
        self.taken += 1;
        self.held.add(client);
    }

    /// Removes the applicant from the queue that is the next to get a permit, after one of `leaving` was given back: the first
    /// of those who hold fewest. The permit that was given back still counts for its client, so that clients with one permit
    /// each take turns.
    fn next(&mut self, leaving: ClientIp, limit: usize) -> Option<Waiting> {
        let able = self.queue.iter().enumerate().filter(|(_, waiting)| self.can_take(waiting.applicant, limit));
        let rank = |applicant: &Applicant| (!applicant.is_first, self.held_before(applicant.client, leaving));
        let (next, _) = able.min_by_key(|(_, waiting)| rank(&waiting.applicant))?;
        self.remove_at(next)
    }

    fn held_before(&self, client: ClientIp, leaving: ClientIp) -> Held {
        let Held { by_network, by_address } = self.held.of(client);
        Held {
            by_network: by_network + usize::from(client.network() == leaving.network()),
            by_address: by_address + usize::from(client == leaving),
        }
    }

    fn remove_at(&mut self, index: usize) -> Option<Waiting> {
        let waiting = self.queue.remove(index)?;
        self.queued.remove(waiting.applicant.client);
        Some(waiting)
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        self.permits.take_back(self.client);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.permits.state();
        // Whoever was granted a permit is not in the queue any more.
        let index = state.queue.iter().position(|waiting| waiting.id == self.id);
        let left = index.and_then(|index| state.remove_at(index));
        drop((state, left));
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("taken", &self.taken).field("queue", &self.queue.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn applicant(number: u8) -> Applicant {
        let client = ClientIp::from_peer([192, 0, 2, number].into());
        Applicant { client, has_share: true, is_first: false }
    }

    /// Takes so many permits for an applicant.
    fn take(permits: &FairPermits, applicant: Applicant, count: usize) -> Vec<FairPermit> {
        let taken = (0..count).map(|_| permits.acquire(applicant).now_or_never().flatten().expect("a free permit"));
        taken.collect()
    }

    #[test]
    fn a_greedy_client_leaves_permits_and_places_for_others() {
        let permits = FairPermits::new(8, 8);
        let (greedy, other) = (applicant(1), applicant(2));
        let _taken = take(&permits, greedy, 6);
        let mut waiting = (0..6).map(|_| Box::pin(permits.acquire(greedy))).collect::<Vec<_>>();
        assert!(waiting.iter_mut().all(|it| it.now_or_never().is_none()), "no permit is free for it");
        assert_eq!((permits.taken(), permits.waiting()), (6, 6));
        assert!(!permits.has_place(greedy) && permits.has_free(other));
        assert!(permits.acquire(greedy).now_or_never().expect("an answer at once").is_none());
        assert_eq!(take(&permits, other, 1).len(), 1);
        assert_eq!(take(&permits, Applicant { has_share: false, ..greedy }, 2).len(), 2, "all that is free");
        drop(waiting);
        assert_eq!((permits.taken(), permits.waiting()), (6, 0));
    }

    #[tokio::test]
    async fn those_who_hold_fewest_come_first() {
        let permits = FairPermits::new(1, 8);
        let first = Applicant { is_first: true, ..applicant(1) };
        let mut taken = take(&permits, applicant(1), 1);
        let order = [applicant(1), applicant(1), applicant(2), first];
        let mut waiting = order.map(|it| Box::pin(permits.acquire(it)));
        assert!(waiting.iter_mut().all(|it| it.now_or_never().is_none()));
        for next in [3, 2, 0, 1] {
            taken.clear();
            taken.extend(waiting[next].as_mut().now_or_never().flatten());
            assert_eq!(taken.len(), 1, "{next} is the next");
        }
    }

    #[tokio::test]
    async fn a_permit_for_someone_who_has_left_goes_to_the_next() {
        let permits = FairPermits::new(1, 8);
        let taken = take(&permits, applicant(1), 1);
        let (mut left, mut next) = (Box::pin(permits.acquire(applicant(2))), Box::pin(permits.acquire(applicant(3))));
        assert!(left.as_mut().now_or_never().is_none() && next.as_mut().now_or_never().is_none());
        drop(taken);
        // It was granted a permit, which it has not taken.
        drop(left);
        assert!(next.now_or_never().flatten().is_some());
        assert_eq!((permits.taken(), permits.waiting()), (0, 0));
    }
}
