//! Where models are called: the provider of each model, and the name that the model has there.

use std::collections::HashMap;

use super::provider_access::ProviderAccess;
use crate::{
    adapters::{
        credentials::Credentials,
        model::{OpenAi, basic},
    },
    foundation::config::{Config, PerProvider, ProviderIndex},
};

/// The routes to all models. Looking one up is one look into a map.
#[derive(Debug)]
pub(in crate::services::turn) struct Routes {
    providers: PerProvider<ModelProvider>,
    /// The models of the configuration file. All others are those of the first provider.
    listed: HashMap<String, ListedRoute>,
}

#[derive(Debug)]
struct ListedRoute {
    provider: ProviderIndex,
    /// The name of the model at its provider, if it is another one.
    upstream: Option<String>,
}

/// A provider of models, with its client and its keys.
#[derive(Debug)]
pub(in crate::services::turn) struct ModelProvider {
    pub(in crate::services::turn) name: String,
    pub(in crate::services::turn) client: OpenAi,
    pub(in crate::services::turn) credentials: Credentials,
}

/// The route to one model.
#[derive(Clone, Copy, Debug)]
pub(in crate::services::turn) struct Route<'r> {
    pub(in crate::services::turn) index: ProviderIndex,
    pub(in crate::services::turn) provider: &'r ModelProvider,
    /// The name of the model at its provider.
    pub(in crate::services::turn) upstream: &'r str,
}

impl Route<'_> {
    /// Whether there certainly is no key for the model.
    pub(in crate::services::turn) fn lacks_key(self) -> bool {
        self.provider.credentials.lacks_key()
    }
}

impl Routes {
    pub(in crate::services::turn) fn new(config: &Config, access: &PerProvider<ProviderAccess>) -> Self {
        let providers = config.providers.map(|index, provider| {
            let ProviderAccess { client, credentials } = access.get(index).clone();
            let client = OpenAi::new(provider, config.model.response_limit, client);
            ModelProvider { name: provider.name.clone(), client, credentials }
        });
        let listed = config.model.listed.iter().map(|model| {
            (model.name.clone(), ListedRoute { provider: model.provider, upstream: model.upstream_name.clone() })
        });
        let this = Self { listed: listed.collect(), providers };
        for model in config.model.listed.iter().filter(|model| model.reasoning == Some(true)) {
            let route = this.of(&model.name);
            route.provider.client.note_reasoning(route.upstream);
        }
        this
    }

    /// Returns the route to a model.
    pub(in crate::services::turn) fn of<'r>(&'r self, model: &'r str) -> Route<'r> {
        let listed = self.listed.get(model);
        let index = listed.map_or_else(ProviderIndex::default, |listed| listed.provider);
        let upstream = listed.and_then(|listed| listed.upstream.as_deref()).unwrap_or(model);
        Route { index, provider: self.providers.get(index), upstream }
    }

    /// Returns the name of a model's provider; `None` if there is only one provider, or for the built-in responder.
    pub(in crate::services::turn) fn provider_name(&self, model: &str) -> Option<&str> {
        let has_name = self.providers.are_several() && model != basic::NAME;
        has_name.then(|| {
            let index = self.listed.get(model).map_or_else(ProviderIndex::default, |listed| listed.provider);
            self.providers.get(index).name.as_str()
        })
    }
}
