//! The abilities of models, from the built-in table, the settings, and the models' servers.

use std::sync::Arc;

use super::routes::Routes;
use crate::domain::known_models::{Abilities, KnownModels};

/// Looks up the abilities of models by their names.
#[derive(Debug)]
pub(in crate::services::turn) struct ModelAbilities {
    known: KnownModels,
    routes: Arc<Routes>,
}

impl ModelAbilities {
    pub(in crate::services::turn) fn new(known: KnownModels, routes: Arc<Routes>) -> Self {
        Self { known, routes }
    }

    /// Returns the abilities of a model. A context window that the model's server has reported replaces that of the
    /// table.
    pub(in crate::services::turn) fn of(&self, model: &str) -> Abilities {
        let known = self.known.abilities(model);
        Abilities { window: self.learned_window(model).unwrap_or(known.window), ..known }
    }

    /// Returns the most tokens that a model can read at once; `None` if that is not known.
    pub(in crate::services::turn) fn largest_window(&self, model: &str) -> Option<u64> {
        self.learned_window(model).or_else(|| self.known.largest_window(model))
    }

    fn learned_window(&self, model: &str) -> Option<u64> {
        let route = self.routes.of(model);
        route.provider.client.learned_window(route.upstream)
    }

    /// Returns the name of a model's provider; `None` if there is only one provider, or for the built-in responder.
    pub(in crate::services::turn) fn provider_name(&self, model: &str) -> Option<&str> {
        self.routes.provider_name(model)
    }

    /// Returns the most tokens that an answer of a model can have, with its reasoning: as published, and never more than fit
    /// into the context window.
    pub(in crate::services::turn) fn longest_answer(&self, model: &str) -> u64 {
        let window = self.largest_window(model).unwrap_or_else(|| self.of(model).window);
        self.known.longest_answer(model).map_or(window, |longest| longest.min(window))
    }

    /// Whether a model reasons before it answers: it is known for that, or has been seen to.
    pub(in crate::services::turn) fn reasons(&self, model: &str) -> bool {
        let route = self.routes.of(model);
        self.known.abilities(model).reasons || route.provider.client.has_reasoned(route.upstream)
    }
}
