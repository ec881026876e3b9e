//! Which models have answered of late, and so need not be loaded first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a local server such as Ollama keeps a model in memory after an answer.
const KEPT: Duration = Duration::from_mins(5);

/// From this time for the first byte on, a model is expected to have to be loaded.
const SLOW_LOAD: Duration = Duration::from_mins(1);

/// When each model began to answer last. Clones share it. Nothing is noted where no model is expected to be loaded.
#[derive(Clone, Debug)]
pub(super) struct LoadedModels(Option<Arc<Mutex<HashMap<String, Instant>>>>);

impl LoadedModels {
    /// For models that have this time for their first byte.
    pub(super) fn new(first_byte_timeout: Duration) -> Self {
        Self((first_byte_timeout >= SLOW_LOAD).then(Arc::default))
    }

    /// Notes that a model has begun to answer.
    pub(super) fn note_answer(&self, model: &str) {
        if let Some(answers) = &self.0 {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.insert(model.to_owned(), Instant::now());
        }
    }

    /// Whether a model that is silent is probably being loaded.
    pub(super) fn is_loading(&self, model: &str) -> bool {
        self.0.as_ref().is_some_and(|answers| {
            let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.get(model).is_none_or(|answered| answered.elapsed() > KEPT)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_has_not_answered_is_being_loaded() {
        let models = LoadedModels::new(SLOW_LOAD);
        assert!(models.is_loading("m"));
        models.note_answer("m");
        assert!(!models.is_loading("m") && models.is_loading("other"));
        assert!(!LoadedModels::new(Duration::from_secs(25)).is_loading("m"), "no load takes that little");
    }
}
