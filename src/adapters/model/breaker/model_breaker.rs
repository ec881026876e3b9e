//! The circuit breaker of one model.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::breaker::Circuit;

/// The circuit breaker of one model.
#[derive(Debug)]
pub(super) struct ModelBreaker {
    pub(super) model: String,
    circuit: Mutex<Circuit>,
}

impl ModelBreaker {
    pub(super) fn new(model: &str, circuit: Circuit) -> Self {
        Self { model: model.to_owned(), circuit: Mutex::new(circuit) }
    }

    /// Locks the circuit.
    pub(super) fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
