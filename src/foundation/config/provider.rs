//! The providers of models: servers with an OpenAI-compatible API.

use std::{path::PathBuf, time::Duration};

use reqwest::header::HeaderName;

use super::{
    per_provider::ProviderIndex,
    request_extras::{ExtraFields, ExtraHeaders},
};
use crate::foundation::secret::{ApiKey, ServerUrl};

/// The host of OpenAI's API, which needs a key.
const OPENAI_HOST: &str = "api.openai.com";

/// A provider of models: a server with an OpenAI-compatible API, and how it is called.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The name in the session log, the metrics and `al-chat check`.
    pub name: String,
    /// The URL of the server, without `/chat/completions`.
    pub base_url: ServerUrl,
    /// The source of its key.
    pub key: KeySource,
    /// The header that has the key alone; `None` for `Authorization: Bearer KEY`.
    pub key_header: Option<HeaderName>,
    /// The headers that are added to each request.
    pub headers: ExtraHeaders,
    /// The fields that are added to each request.
    pub body: ExtraFields,
    /// The parameters that the server does not know.
    pub omit: Vec<Omission>,
    /// The authorities whose certificates the server may have; `None` for those that this machine trusts.
    pub roots: Option<TlsRoots>,
    /// The time to connect to the server.
    pub connect_timeout: Duration,
    /// The time until the first byte of a stream.
    pub first_byte_timeout: Duration,
    /// The time between two bytes of a stream.
    pub idle_timeout: Duration,
}

impl Provider {
    /// Whether the server may work without an API key if no source of one is configured: the file names none, or the settings
    /// name any server but OpenAI's.
    #[must_use]
    pub fn works_without_key(&self) -> bool {
        match self.key {
            KeySource::Settings => self.base_url.host_str() != Some(OPENAI_HOST),
            KeySource::None => true,
            KeySource::Variable { .. } | KeySource::File { .. } | KeySource::Papita(_) => false,
        }
    }
}

/// The source of a provider's key.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Papita's key `openai`, and `OPENAI_API_KEY` as a fallback.
    Settings,
    /// An environment variable, or a line of `.env`.
    Variable {
        /// The name of the variable.
        name: String,
        /// Its value; `None` if it is unset, or is no key.
        key: Option<ApiKey>,
    },
    /// A file, which is read again when it changes.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The key that was in it.
        key: ApiKey,
    },
    /// The key that Papita has under this name.
    Papita(String),
    /// None: requests have no key.
    None,
}

impl KeySource {
    /// Whether both are the same variable, or both are the key of the environment.
    #[must_use]
    pub fn is_at_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Settings, Self::Settings) => true,
            (Self::Variable { name, .. }, Self::Variable { name: other, .. }) => name == other,
            _ => false,
        }
    }
}

/// A parameter that a provider does not know, so that requests leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// `stream_options`, by which the numbers of tokens are asked for.
    StreamOptions,
    /// `temperature`.
    Temperature,
    /// `max_tokens`; the limit of an answer is then sent as `max_completion_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

impl Omission {
    /// The names of the parameters.
    pub(super) const EXPECTED: &str = "stream_options, temperature, max_tokens or max_completion_tokens";

    /// Parses the name of a parameter.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "stream_options" => Some(Self::StreamOptions),
            "temperature" => Some(Self::Temperature),
            "max_tokens" => Some(Self::MaxTokens),
            "max_completion_tokens" => Some(Self::MaxCompletionTokens),
            _ => None,
        }
    }
}

/// The certificates of authorities in a PEM file.
#[derive(Clone, Debug)]
pub struct TlsRoots(Vec<reqwest::Certificate>);

impl TlsRoots {
    /// Parses the text of a PEM file; `None` if it has no certificate, or one that is invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let certificates = reqwest::Certificate::from_pem_bundle(text.as_bytes()).ok()?;
        (!certificates.is_empty()).then_some(Self(certificates))
    }

    /// Returns the certificates.
    #[must_use]
    pub fn certificates(&self) -> Vec<reqwest::Certificate> {
        self.0.clone()
    }
}

/// A model of the configuration file.
#[derive(Clone, Debug)]
pub struct ListedModel {
    /// The name for clients, in settings, metrics and the session log.
    pub name: String,
    /// The provider that has the model.
    pub provider: ProviderIndex,
    /// The name of the model at its provider, if it is another one.
    pub upstream_name: Option<String>,
    /// Whether the model has vision; `None` for what is known by its name.
    pub vision: Option<bool>,
    /// Whether the model reasons before it answers; `None` for what is known by its name.
    pub reasoning: Option<bool>,
    /// The models that are tried in this order when this one is unavailable; `None` for those of `FALLBACK_MODELS`.
    pub fallbacks: Option<Vec<String>>,
}
