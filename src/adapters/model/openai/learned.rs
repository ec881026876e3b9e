//! Properties of models, learned from the responses of their servers.
//!
//! They are forgotten when the process ends: until the next start, a server may have another configuration.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::restrictions::Restrictions;

/// The learned properties of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LearnedModel {
    pub(super) restrictions: Restrictions,
    /// Whether the model reasons before it answers.
    pub(super) reasons: bool,
    /// The context window in tokens.
    pub(super) window: Option<u64>,
}

/// The learned properties of all models. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct LearnedModels(Arc<RwLock<HashMap<String, LearnedModel>>>);

impl LearnedModels {
    /// Returns the learned properties of a model.
    pub(super) fn get(&self, model: &str) -> LearnedModel {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(model).copied().unwrap_or_default()
    }

    /// Changes the learned properties of a model.
    pub(super) fn update(&self, model: &str, change: impl FnOnce(&mut LearnedModel)) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(model.to_owned()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_own_properties() {
        let learned = LearnedModels::default();
        learned.update("m", |model| model.reasons = true);
        assert!(learned.get("m").reasons && !learned.get("other").reasons);
    }
}
