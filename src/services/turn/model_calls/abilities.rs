//! The abilities of models, from the built-in table, the settings, and the models' servers.

use crate::{
    adapters::model::OpenAi,
    domain::known_models::{Abilities, KnownModels},
};

/// Looks up the abilities of models by their names.
#[derive(Debug)]
pub(in crate::services::turn) struct ModelAbilities {
    known: KnownModels,
    client: OpenAi,
}

impl ModelAbilities {
    pub(in crate::services::turn) fn new(known: KnownModels, client: OpenAi) -> Self {
        Self { known, client }
    }

    /// Returns the abilities of a model. A context window that the model's server has reported replaces that of the
    /// table.
    pub(in crate::services::turn) fn of(&self, model: &str) -> Abilities {
        let known = self.known.abilities(model);
        Abilities { window: self.client.learned_window(model).unwrap_or(known.window), ..known }
    }

    /// Returns the most tokens that a model can read at once; `None` if that is not known.
    pub(in crate::services::turn) fn largest_window(&self, model: &str) -> Option<u64> {
        self.client.learned_window(model).or_else(|| self.known.largest_window(model))
    }

    /// Returns the most tokens that an answer of a model can have, with its reasoning: as published, and never more than fit
    /// into the context window.
    pub(in crate::services::turn) fn longest_answer(&self, model: &str) -> u64 {
        let window = self.largest_window(model).unwrap_or_else(|| self.of(model).window);
        self.known.longest_answer(model).map_or(window, |longest| longest.min(window))
    }

    /// Whether a model reasons before it answers: it is known for that, or has been seen to.
    pub(in crate::services::turn) fn reasons(&self, model: &str) -> bool {
        self.known.abilities(model).reasons || self.client.has_reasoned(model)
    }
}
