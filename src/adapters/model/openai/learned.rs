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

/// The learned properties of all models of a server. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct LearnedModels {
    by_name: Arc<RwLock<HashMap<String, LearnedModel>>>,
    /// The restrictions of all models of the provider before their first call, from its field `omit`.
    initial: LearnedModel,
}

impl LearnedModels {
    /// `restrictions` are those that the settings state for all models of the server.
    pub(super) fn new(restrictions: Restrictions) -> Self {
        Self { initial: LearnedModel { restrictions, ..LearnedModel::default() }, ..Self::default() }
    }

    /// Returns the learned properties of a model.
    pub(super) fn get(&self, model: &str) -> LearnedModel {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(model).copied().unwrap_or(self.initial)
    }

    /// Changes the learned properties of a model.
    pub(super) fn update(&self, model: &str, change: impl FnOnce(&mut LearnedModel)) {
        let mut all = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(model.to_owned()).or_insert(self.initial));
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

    #[test]
    fn stated_restrictions_are_those_of_each_model() {
        let stated = Restrictions { no_temperature: true, ..Restrictions::default() };
        let learned = LearnedModels::new(stated);
        learned.update("m", |model| model.restrictions.no_stream = true);
        assert_eq!(learned.get("other").restrictions, stated);
        assert_eq!(learned.get("m").restrictions, Restrictions { no_stream: true, ..stated });
    }
}
