//! Results that are computed out of order and taken in order.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Hands results to a function in the order of their indices, 0, 1, 2 …, whichever thread finishes first.
pub(super) struct Ordered<T, F> {
    state: Mutex<State<T, F>>,
    taken: Condvar,
    /// The number of results that may wait for an earlier one.
    limit: usize,
}

struct State<T, F> {
    take: F,
    next: u64,
    waiting: BTreeMap<u64, T>,
    is_stopped: bool,
}

impl<T, F: FnMut(T) -> ControlFlow<()>> Ordered<T, F> {
    pub(super) fn new(take: F, limit: usize) -> Self {
        let state = State { take, next: 0, waiting: BTreeMap::new(), is_stopped: false };
        Self { state: Mutex::new(state), taken: Condvar::new(), limit }
    }

    /// Waits while too many results wait. Returns whether further results are wanted.
    pub(super) fn is_open(&self) -> bool {
        let is_full = |state: &mut State<T, F>| !state.is_stopped && state.waiting.len() >= self.limit;
        let state = self.taken.wait_while(self.lock(), is_full).unwrap_or_else(PoisonError::into_inner);
        !state.is_stopped
    }

    /// Adds the result with this index.
    pub(super) fn add(&self, index: u64, result: T) {
        let mut state = self.lock();
        state.waiting.insert(index, result);
        state.take_next();
        self.taken.notify_all();
    }

    /// Ends the processing, since a thread has failed.
    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.taken.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, F: FnMut(T) -> ControlFlow<()>> State<T, F> {
    fn take_next(&mut self) {
        while !self.is_stopped
            && let Some(result) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            self.is_stopped = (self.take)(result).is_break();
        }
    }
}
