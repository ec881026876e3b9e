//! How the server of a provider is called, and how messages name its settings.

use reqwest::RequestBuilder;

use crate::foundation::{
    config::{self, KeySource},
    http_client::{Cause, Client},
    secret::ApiKey,
};

/// A provider with its client and its key.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) provider: &'a config::Provider,
    pub(super) client: &'a Client,
    pub(super) key: Option<&'a ApiKey>,
    /// The headers that may be secrets.
    pub(super) header_secrets: &'a [ApiKey],
}

impl<'a> Server<'a> {
    /// Returns what the server's texts must not show.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &'a ApiKey> + Clone + use<'a> {
        self.header_secrets.iter().chain(self.key)
    }

    /// Adds the headers that each request to the provider has.
    pub(super) fn with_headers(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.headers(self.provider.headers.map().clone());
        let Some(key) = self.key else { return request };
        let (name, value) = key.header(self.provider.key_header.as_ref());
        request.header(name, value)
    }

    fn is_of_settings(&self) -> bool {
        matches!(self.provider.key, KeySource::Settings)
    }

    /// Returns the name of the setting with the server's address.
    pub(super) fn address_setting(&self) -> String {
        if self.is_of_settings() {
            "OPENAI_BASE_URL".to_owned()
        } else {
            format!("base_url of the provider {}", self.provider.name)
        }
    }

    /// Returns the name of the setting with the key.
    pub(super) fn key_setting(&self) -> String {
        match &self.provider.key {
            KeySource::Settings => "OPENAI_API_KEY".to_owned(),
            KeySource::Variable { name, .. } => name.clone(),
            KeySource::File { path, .. } => format!("the key in {}", path.display()),
            KeySource::Papita(name) => format!("the key {name} in Papita"),
            KeySource::None => format!("key of the provider {}", self.provider.name),
        }
    }

    /// Returns a hint about a certificate that a provider of the configuration file does not trust; `None` for another cause, and
    /// for the provider of the environment.
    pub(super) fn about_authority(&self, cause: Cause) -> Option<String> {
        let is_own = cause == Cause::TlsUnknownAuthority && !self.is_of_settings();
        is_own.then(|| {
            format!(
                "the server's certificate is from an authority that is not trusted; name a file with that authority's \
                 certificate (PEM) in roots of the provider {}",
                self.provider.name
            )
        })
    }

    /// Returns the names of the settings with the times to wait for a stream.
    pub(super) fn timeout_settings(&self) -> String {
        if self.is_of_settings() {
            "TURN_TIMEOUT, MODEL_FIRST_BYTE_TIMEOUT".to_owned()
        } else {
            format!("TURN_TIMEOUT, first_byte_timeout of the provider {}", self.provider.name)
        }
    }
}
