//! The models that have answered recently, and therefore are loaded on their server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time for which a local server such as Ollama holds a model in memory after an answer.
const UNLOAD_AFTER: Duration = Duration::from_mins(5);

/// The shortest `MODEL_FIRST_BYTE_TIMEOUT` that allows for the loading of a model.
const MIN_LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// The time of each model's last answer. Clones share it. `None` if the timeouts do not allow for the loading of a
/// model.
#[derive(Clone, Debug)]
pub(super) struct LoadedModels(Option<Arc<Mutex<HashMap<String, Instant>>>>);

impl LoadedModels {
    /// Creates an empty record for models with this timeout for the first byte.
    pub(super) fn new(first_byte_timeout: Duration) -> Self {
        Self((first_byte_timeout >= MIN_LOAD_TIMEOUT).then(Arc::default))
    }

    /// Records that a model has begun to answer.
    pub(super) fn note_answer(&self, model: &str) {
        if let Some(answers) = &self.0 {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.insert(model.to_owned(), Instant::now());
        }
    }

    /// Whether a model that sends nothing is probably being loaded.
    pub(super) fn is_loading(&self, model: &str) -> bool {
        self.0.as_ref().is_some_and(|answers| {
            let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.get(model).is_none_or(|answered| answered.elapsed() > UNLOAD_AFTER)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_without_answers_is_being_loaded() {
        let models = LoadedModels::new(MIN_LOAD_TIMEOUT);
        assert!(models.is_loading("m"));
        models.note_answer("m");
        assert!(!models.is_loading("m") && models.is_loading("other"));
        assert!(!LoadedModels::new(Duration::from_secs(25)).is_loading("m"), "the timeout is too short for loading");
    }
}
