//! What calls to the models of one provider need.

use crate::{
    adapters::credentials::{Credentials, KeyPolicy},
    foundation::{
        config::{AiService, Config, PerProvider},
        http_client::{self, Client, ClientFailure},
        tasks::Tasks,
    },
};

/// What calls to the models of one provider need.
#[derive(Clone, Debug)]
pub struct ProviderAccess {
    /// The HTTP client, with the provider's time to connect and its authorities.
    pub client: Client,
    /// The provider's keys.
    pub credentials: Credentials,
}

impl ProviderAccess {
    /// Makes it for each provider of the settings. `client` is that of the first provider. `papita_was_found` says whether
    /// Papita has answered at its address before this start of the service.
    pub fn of_all(
        config: &Config,
        client: &Client,
        papita_was_found: bool,
        tasks: &Tasks,
    ) -> Result<PerProvider<Self>, ClientFailure> {
        let of_default = config.model.provider_of(&config.model.default);
        let first = config.providers.first();
        config.providers.try_map(|index, provider| {
            let shares_client = provider.roots.is_none() && provider.connect_timeout == first.connect_timeout;
            let own_client = || http_client::build(provider.connect_timeout, &config.proxy, provider.roots.as_ref());
            let service = match config.model.service {
                // The built-in responder stands in for the provider of the default model only.
                AiService::Auto if index != of_default => AiService::OpenAi,
                service => service,
            };
            let policy = KeyPolicy { service, works_without_key: provider.works_without_key() };
            let settings = &config.credentials;
            let credentials =
                Credentials::new(settings, &provider.key, policy, papita_was_found, client.clone(), tasks);
            Ok(Self { client: if shares_client { client.clone() } else { own_client()? }, credentials })
        })
    }
}
