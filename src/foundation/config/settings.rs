//! The settings of the service, as types.

use std::{collections::BTreeSet, net::IpAddr, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::{
    config_file::{ConfigFile, SiteSettings},
    database_address::DatabaseAddress,
    events::Events,
    hooks::Hooks,
    limits::Limits,
    origins::AllowedOrigin,
    per_provider::{PerProvider, ProviderIndex},
    provider::{KeySource, ListedModel, Provider},
    public_url::PublicUrl,
    secret_source::SecretPlace,
    traces::Traces,
};
use crate::foundation::{
    file_access::FileAccess,
    secret::{AdminToken, ApiKey, ServerUrl, SigningSecret},
};

/// All settings of the service, parsed and validated.
#[derive(Clone, Debug)]
pub struct Config {
    /// The HTTP server.
    pub server: Server,
    /// The configuration file, which may change while the service runs.
    pub config_file: ConfigFile,
    /// The sites that embed the chat window.
    pub sites: Vec<SiteSettings>,
    /// The folder of persona files, which replace or add to the built-in ones.
    pub personas_dir: Option<PathBuf>,
    /// The id of the persona that answers when a client names none.
    pub default_persona: Option<String>,
    /// The providers of models.
    pub providers: PerProvider<Provider>,
    /// The models that answer, and how they are called.
    pub model: Model,
    /// Limits of turns.
    pub turns: Turns,
    /// Limits of what those who ask may use.
    pub limits: Limits,
    /// Sources of the API key.
    pub credentials: Credentials,
    /// The owner's services that turns call.
    pub hooks: Hooks,
    /// The token of the operator; `None` lets only this machine do what is for operators.
    pub admin_token: Option<AdminToken>,
    /// Access tokens of accounts.
    pub accounts: Accounts,
    /// How long the chat of a visitor is stored after the last visit, and logged texts of guests can be read.
    pub visitor_retention: Duration,
    /// The session log.
    pub session_log: SessionLog,
    /// How long a session can be idle before it is closed.
    pub session_idle_timeout: Duration,
    /// The number of usage records that can wait for Papita.
    pub papita_queue_limit: u64,
    /// The events that are sent to the owner's receiver; `None` sends none.
    pub events: Option<Events>,
    /// The traces that are sent to a collector; `None` sends none.
    pub traces: Option<Traces>,
    /// The proxy for https requests.
    pub proxy: Proxy,
    /// The database.
    pub database: Database,
    /// What one owner may store.
    pub quotas: Quotas,
    /// The filter of the diagnostics, in the syntax of `tracing`.
    pub log_level: String,
    /// The format of the diagnostics.
    pub log_format: LogFormat,
}

impl Config {
    /// Returns the places of the providers that have a model that may answer. `of_personas` are the models that personas name.
    #[must_use]
    pub fn used_providers(&self, of_personas: &BTreeSet<String>) -> BTreeSet<ProviderIndex> {
        self.model.names_with(of_personas).into_iter().map(|model| self.model.provider_of(model)).collect()
    }

    /// Returns the names of the providers of the configuration file that have no model that may answer.
    #[must_use]
    pub fn unused_providers(&self, of_personas: &BTreeSet<String>) -> Vec<&str> {
        let used = self.used_providers(of_personas);
        let is_unused = |index| index != ProviderIndex::default() && !used.contains(&index);
        let unused = self.providers.iter().filter(|(index, _)| is_unused(*index));
        unused.map(|(_, provider)| provider.name.as_str()).collect()
    }

    /// Returns warnings that don't prevent the start, one sentence each: files with keys of providers that other users may read.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let notice = |provider: &Provider| match &provider.key {
            KeySource::File { path, .. } => {
                SecretPlace::File(path.clone()).notice(&format!("the key of the provider {}", provider.name))
            }
            _ => None,
        };
        self.providers.iter().filter_map(|(_, provider)| notice(provider)).collect()
    }
}

/// What one owner, an account or a visitor of the portal, may store.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// The number of chats.
    pub chats: u64,
    /// The bytes of texts and images.
    pub bytes: u64,
}

/// Settings of the database.
#[derive(Clone, Debug)]
pub struct Database {
    /// The database's address.
    pub address: DatabaseAddress,
    /// Permissions of the database's files.
    pub file_access: FileAccess,
    /// The number of connections to a PostgreSQL server.
    pub connections: u32,
    /// The time to get a connection to the PostgreSQL server.
    pub connect_timeout: Duration,
    /// The time for one statement on the PostgreSQL server.
    pub statement_timeout: Duration,
}

/// Settings of the HTTP server.
#[derive(Clone, Debug)]
pub struct Server {
    /// The host name or IP address to listen on.
    pub host: String,
    /// The port to listen on; 0 lets the system choose one.
    pub port: u16,
    /// Origins whose pages may call the service from a browser; empty allows any.
    pub origins: Vec<AllowedOrigin>,
    /// The address at which browsers reach the service, if it is set.
    pub public_url: Option<PublicUrl>,
    /// Whether the portal, the pages for people, is served.
    pub portal: bool,
    /// Who may read the metrics; `None` for the operator and, while the service listens on loopback, this machine.
    pub metrics: Option<MetricsAccess>,
    /// The number of proxies in front whose `X-Forwarded-For` is trusted.
    pub proxies: usize,
    /// The number of connections served at the same time.
    pub max_connections: usize,
    /// The time for a client to send a request's headers.
    pub header_timeout: Duration,
    /// How far a client that sends a request's body may fall behind the lowest accepted rate.
    pub body_timeout: Duration,
    /// The memory for large bodies of requests together, in bytes.
    pub body_memory: usize,
    /// How long an idle connection is kept open.
    pub keepalive_timeout: Duration,
    /// The time for running turns to end after SIGTERM.
    pub drain_timeout: Duration,
}

impl Server {
    /// Whether the service listens for this machine only.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Everybody.
    Public,
    /// The operator.
    Admin,
}

/// Settings of the models, whichever their providers are.
#[derive(Clone, Debug)]
pub struct Model {
    /// What answers turns.
    pub service: AiService,
    /// The models of the configuration file. If there are none, any name is that of a model of the provider of the environment.
    pub listed: Vec<ListedModel>,
    /// The model that is used when a client names none.
    pub default: String,
    /// Other models that clients may name.
    pub allowed: Vec<String>,
    /// Models that are tried in this order when the requested one is unavailable, and has no own fallbacks.
    pub fallbacks: Vec<String>,
    /// Prices that replace or add to the built-in table: the model, and pico-dollars per prompt token and per completion
    /// token. Of several for a model, the last one counts.
    pub prices: Vec<(String, u64, u64)>,
    /// Context windows that replace or add to the built-in table: the model, and its window in tokens, answer included.
    /// Of several for a model, the last one counts.
    pub windows: Vec<(String, u64)>,
    /// Models with vision besides those in the built-in table.
    pub vision: Vec<String>,
    /// The longest answer in tokens, unless a persona sets a lower limit; `None` sends no limit to the model.
    pub max_answer_tokens: Option<u32>,
    /// When the model is asked to stream.
    pub stream: ModelStream,
    /// The largest answer that is read from the model, in bytes.
    pub response_limit: usize,
    /// How often a failed request to the model is retried.
    pub retries: u32,
    /// The circuit breaker of each model.
    pub breaker: Breaker,
}

/// When the model is asked to stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStream {
    /// When the client wants a stream.
    Auto,
    /// Always. When the client of a whole answer disconnects, the turn then ends at once, and the tokens so far are known.
    Always,
}

/// Settings of the circuit breaker.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    /// The percentage of failed turns that opens the breaker; 0 disables it.
    pub failure_rate: u32,
    /// The longest time that the breaker stays open before a turn tries the model again.
    pub pause: Duration,
}

/// Limits of turns.
#[derive(Clone, Debug)]
pub struct Turns {
    /// The time for a whole answer, or until a streamed one begins.
    pub timeout: Duration,
    /// The time for a streamed answer.
    pub stream_timeout: Duration,
    /// How long a turn continues after its client has disconnected from the stream.
    pub resume_grace: Duration,
    /// How long a streamed answer can be read again after its end.
    pub resume_window: Duration,
    /// The memory for the texts of answers that run or can be read again, in bytes.
    pub stream_memory: usize,
    /// What happens to an answer whose client has disconnected.
    pub on_disconnect: OnDisconnect,
    /// The number of turns that run at the same time.
    pub max_turns: usize,
    /// The number of turns that can wait for a permit.
    pub queue: usize,
    /// How long a turn waits for a permit before it is refused.
    pub queue_timeout: Duration,
}

/// What happens to an answer whose client has disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisconnect {
    /// The turn ends, so that no more tokens are paid for.
    Stop,
    /// The answer is read to its end, which gives the exact number of its tokens.
    Drain,
}

impl Model {
    /// Whether clients may choose a model: the default, or one of the allowed ones.
    #[must_use]
    pub fn may_be_chosen(&self, model: &str) -> bool {
        model == self.default || self.allowed.iter().any(|it| it == model)
    }

    /// Returns the provider of a model.
    #[must_use]
    pub fn provider_of(&self, model: &str) -> ProviderIndex {
        self.listed(model).map_or_else(ProviderIndex::default, |listed| listed.provider)
    }

    /// Returns the models that are tried in this order when a model is unavailable.
    #[must_use]
    pub fn fallbacks_of(&self, model: &str) -> &[String] {
        self.listed(model).and_then(|listed| listed.fallbacks.as_deref()).unwrap_or(&self.fallbacks)
    }

    /// Returns the name of a model at its provider.
    #[must_use]
    pub fn upstream_name<'a>(&'a self, model: &'a str) -> &'a str {
        self.listed(model).and_then(|listed| listed.upstream_name.as_deref()).unwrap_or(model)
    }

    fn listed(&self, model: &str) -> Option<&ListedModel> {
        self.listed.iter().find(|listed| listed.name == model)
    }

    /// Returns the names of all models that may answer: those that clients may choose, those that personas name, and the
    /// fallbacks.
    #[must_use]
    pub fn names_with<'a>(&'a self, of_personas: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
        let chosen = self.allowed.iter().chain(of_personas).map(String::as_str).chain([self.default.as_str()]);
        let chosen = chosen.collect::<BTreeSet<_>>();
        let fallbacks = chosen.iter().flat_map(|model| self.fallbacks_of(model)).chain(&self.fallbacks);
        fallbacks.map(String::as_str).chain(chosen.iter().copied()).collect()
    }
}

/// The proxy for https requests. Plain http requests use none: they are for this machine or this network.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// The proxy's URL, which may hold a password; `None` connects directly.
    pub address: Option<SecretString>,
    /// Hosts to connect to directly, comma-separated, as in `NO_PROXY`.
    pub except: String,
}

/// What answers turns (`AI_SERVICE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AiService {
    /// The model; the built-in responder if no source of a key is configured.
    Auto,
    /// The model.
    OpenAi,
    /// The built-in responder.
    Basic,
}

/// Sources of the API key.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key in `OPENAI_API_KEY`; `None` for a placeholder.
    pub local_key: Option<ApiKey>,
    /// Whether `OPENAI_API_KEY` holds a placeholder of an example file.
    pub has_placeholder: bool,
    /// The URL of Papita, the credential broker.
    pub papita_url: ServerUrl,
    /// Whether `PAPITA_API_URL` is set, and not just copied from an example file (its default beside a placeholder for the
    /// key). Otherwise Papita is optional: it is tried at its default address.
    pub papita_configured: bool,
    /// The time for one request to Papita.
    pub papita_timeout: Duration,
    /// How long a key from Papita is used before Papita is asked again.
    pub fresh: Duration,
    /// How long an old key may be used while Papita is unavailable.
    pub stale: Duration,
    /// How long after a failed request Papita is not asked again.
    pub retry: Duration,
    /// The path of the `.env` file, which may not exist.
    pub env_file: PathBuf,
}

/// Access tokens of accounts.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Secrets for access tokens: the first one signs, all of them verify. If empty, a secret in the database is used.
    pub signing_secrets: Vec<SigningSecret>,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
}

/// Settings of the session log.
#[derive(Clone, Debug)]
pub struct SessionLog {
    /// The folder of the daily files.
    pub dir: PathBuf,
    /// Permissions of the log files.
    pub file_access: FileAccess,
    /// The time zone of log dates and of times in the log and in responses.
    pub timezone: TimeZone,
    /// Whether each write is synced to the disk before its turn is answered.
    pub sync: bool,
    /// How the texts of questions and answers are logged.
    pub content: LogContent,
    /// When days are compressed and deleted.
    pub retention: LogRetention,
    /// Secrets for the chain of the lines: the first one writes, all of them verify. If empty, the chain has no key.
    pub keys: Vec<SigningSecret>,
}

/// When days of the session log are compressed and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRetention {
    /// A day is compressed when it is more than so many days ago; `None` compresses none.
    pub compress_after: Option<u16>,
    /// A day is deleted when it is more than so many days ago; `None` deletes none.
    pub keep: Option<u16>,
}

/// The form in which the texts of questions and answers are logged (`SESSION_LOG_CONTENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogContent {
    /// Not at all.
    Off,
    /// Sealed with keys in the database.
    Sealed,
    /// As they are.
    Plain,
}

/// The format of the diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}
