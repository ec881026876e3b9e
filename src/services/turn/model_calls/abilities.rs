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

    /// Returns the abilities of a model. What its server has shown replaces what the table says.
    pub(in crate::services::turn) fn of(&self, model: &str) -> Abilities {
        let route = self.routes.of(model);
        let client = &route.provider.client;
        let (window, has_reasoned) = client.learned(route.upstream);
        self.known.abilities(model).with_learned(window, has_reasoned)
    }
}
