//! Settings, read once into types. A mistake is reported with all others, by variable and by what it expected.

mod database_address;
mod env_file;
mod familiar;
mod log_filter;
mod notices;
mod origins;
mod parse;
mod read;
mod source;
mod variables;

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use self::source::Reader;
pub use self::{
    database_address::{DatabaseAddress, SqliteAddress},
    origins::AllowedOrigin,
    parse::pico_per_token,
    source::Source,
    variables::{VARIABLES, Variable},
};
use crate::foundation::{
    file_access::FileAccess,
    secret::{ApiKey, SigningSecret},
};

/// OpenAI's own endpoint, which never works without a key.
const OPENAI: &str = "api.openai.com";

/// Everything that can be set, valid by construction.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listening side.
    pub server: Server,
    /// The folder of the personas that replace or add to the built-in ones.
    pub personas_dir: Option<PathBuf>,
    /// The model and what a client may ask of it.
    pub model: Model,
    /// How turns are taken.
    pub turns: Turns,
    /// Where the key comes from.
    pub credentials: Credentials,
    /// How accounts are opened.
    pub accounts: Accounts,
    /// How long visitors who don't come back are kept.
    pub visitor_retention: Duration,
    /// The session log.
    pub session_log: SessionLog,
    /// How long a session may be idle before it is closed.
    pub session_idle_timeout: Duration,
    /// How many usage records wait for Papita at the most.
    pub papita_queue_limit: u64,
    /// The proxy for calls by https.
    pub proxy: Proxy,
    /// The database.
    pub database: Database,
    /// The filter of the diagnostics.
    pub log_level: String,
    /// The form of the diagnostics.
    pub log_format: LogFormat,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where it is.
    pub address: DatabaseAddress,
    /// Who may use its files.
    pub file_access: FileAccess,
    /// Connections to a PostgreSQL server at once.
    pub connections: u32,
    /// Time to get a connection to it.
    pub connect_timeout: Duration,
    /// Time for one statement there.
    pub statement_timeout: Duration,
}

/// The listening side.
#[derive(Clone, Debug)]
pub struct Server {
    /// Host name or address to bind.
    pub host: String,
    /// Port to bind; 0 takes a free one.
    pub port: u16,
    /// Origins that browsers may call from; empty allows any.
    pub origins: Vec<AllowedOrigin>,
    /// Whether pages for people are served.
    pub portal: bool,
    /// Proxies in front, each of which says whom it serves.
    pub proxies: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// Time for a request's headers.
    pub header_timeout: Duration,
    /// Time for a request's body.
    pub body_timeout: Duration,
    /// Time that an idle connection is kept.
    pub keepalive_timeout: Duration,
    /// Time for turns in flight after a signal to stop.
    pub drain_timeout: Duration,
}

/// The model and what a client may ask of it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Who answers turns.
    pub service: AiService,
    /// The OpenAI-compatible server, up to and without `/chat/completions`.
    pub base_url: Url,
    /// The model asked when a client names none.
    pub default: String,
    /// Further models that a client may name.
    pub allowed: Vec<String>,
    /// Models asked in turn when the asked one is unavailable.
    pub fallbacks: Vec<String>,
    /// Prices that replace or add to the built-in table: model, pico-dollars per prompt token, per completion token.
    pub prices: Vec<(String, u64, u64)>,
    /// Tokens that a model reads at once, its answer included, over those that are known.
    pub windows: Vec<(String, u64)>,
    /// Models that see images besides those that are known to.
    pub vision: Vec<String>,
    /// Tokens of the longest answer, where no persona sets less; none leaves it to the model.
    pub max_answer_tokens: Option<u32>,
    /// When the model is asked for a stream.
    pub stream: ModelStream,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time until the first byte of a stream.
    pub first_byte_timeout: Duration,
    /// Time between two bytes of a stream.
    pub idle_timeout: Duration,
    /// Largest answer read, in bytes.
    pub response_limit: usize,
    /// How often a model that failed is asked again.
    pub retries: u32,
    /// When a failing model is left alone.
    pub breaker: Breaker,
}

/// When the model is asked for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStream {
    /// Where the client wants one.
    Auto,
    /// Always, so that the tokens of an answer that nobody waits for any more are known and its end comes at once.
    Always,
}

/// When a failing model is left alone, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    /// Percent of turns that failed; 0 turns the breaker off.
    pub failure_rate: u32,
    /// Time until a turn tries the model again, at the longest.
    pub pause: Duration,
}

/// How turns are taken.
#[derive(Clone, Debug)]
pub struct Turns {
    /// Time for a whole answer, or until a streamed one begins.
    pub timeout: Duration,
    /// Time for a streamed answer.
    pub stream_timeout: Duration,
    /// How long a turn goes on for a client that left its stream.
    pub resume_grace: Duration,
    /// How long after its end a streamed answer can be read again.
    pub resume_window: Duration,
    /// What becomes of an answer that nobody waits for.
    pub on_disconnect: OnDisconnect,
    /// Turns at once.
    pub most: usize,
    /// Turns that wait for a place.
    pub queue: usize,
    /// How long a turn waits for a place.
    pub queue_timeout: Duration,
}

/// What becomes of an answer that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisconnect {
    /// It ends, and with it its cost.
    Stop,
    /// It is read to its end, to learn the exact count of its tokens.
    Drain,
}

impl Model {
    /// Every model that may be asked.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let named = self.allowed.iter().chain(&self.fallbacks).map(String::as_str);
        named.chain([self.default.as_str()]).collect()
    }

    /// Whether the server may be used without any key: any but OpenAI's own.
    #[must_use]
    pub fn works_without_key(&self) -> bool {
        self.base_url.host_str() != Some(OPENAI)
    }
}

/// The proxy for calls by https. Calls by plain http go straight: they are for this machine or this network.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// Its address, which may hold a password; none goes straight.
    pub address: Option<SecretString>,
    /// Hosts that are called straight all the same, comma-separated.
    pub except: String,
}

/// Who answers turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AiService {
    /// The model; the built-in responder when no source of a key was configured at all.
    Auto,
    /// The model.
    OpenAi,
    /// The built-in responder.
    Basic,
}

/// Where the key comes from.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key in `OPENAI_API_KEY`, unless it is a placeholder.
    pub local_key: Option<ApiKey>,
    /// Whether `OPENAI_API_KEY` holds a placeholder of an example file.
    pub has_placeholder: bool,
    /// The broker.
    pub papita_url: Url,
    /// Whether `PAPITA_API_URL` was set; unset, or as an example file has it beside a placeholder for the key, a broker is
    /// only tried for on its default address.
    pub papita_configured: bool,
    /// Time for one call to Papita.
    pub papita_timeout: Duration,
    /// How long a brokered key is used before Papita is asked again.
    pub fresh: Duration,
    /// How long an old key may still serve while Papita is away.
    pub stale: Duration,
    /// How long a failure of Papita is remembered.
    pub retry: Duration,
    /// Where a `.env` file would be.
    pub env_file: PathBuf,
}

impl Credentials {
    /// The broker's address as it may be shown: without a query, which may hold a secret.
    #[must_use]
    pub fn papita_shown(&self) -> String {
        let mut shown = self.papita_url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        shown.into()
    }
}

/// How accounts are opened.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The first one signs tokens, each of them verifies; none leaves it to one that the replicas share.
    pub signing_secrets: Vec<SigningSecret>,
    /// How long a token lasts.
    pub token_lifetime: Duration,
}

/// The session log.
#[derive(Clone, Debug)]
pub struct SessionLog {
    /// The folder of the daily files.
    pub dir: PathBuf,
    /// Who may use them.
    pub file_access: FileAccess,
    /// The zone of its days and times, and of the times in answers.
    pub timezone: TimeZone,
    /// Whether each write reaches the disk before its answer.
    pub sync: bool,
    /// Whether texts are logged.
    pub content: bool,
}

/// The form of the diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One setting that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable's name.
    pub variable: &'static str,
    /// What it should have been.
    pub expected: String,
}

/// All settings that could not be understood.
#[derive(Debug, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration has mistakes:")?;
        for Mistake { variable, expected } in &self.0 {
            write!(f, "\n  {variable}: expected {expected}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads every setting. Fails with all mistakes at once.
    pub fn read(source: &Source) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(source);
        let config = read::all(source, &mut reader);
        match config {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => Err(Mistakes(reader.mistakes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(pairs: &[(&'static str, &'static str)]) -> Vec<&'static str> {
        let Err(mistakes) = Config::read(&Source::of_pairs(pairs.iter().copied())) else {
            return Vec::new();
        };
        mistakes.0.into_iter().map(|mistake| mistake.variable).collect()
    }

    #[test]
    fn every_default_is_valid() {
        let config = Config::read(&Source::default()).unwrap();
        assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 5000));
        assert!(!config.credentials.papita_configured);
        assert!(!config.model.works_without_key());
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let found = mistakes(&[("PORT", "70000"), ("AI_SERVICE", "magic"), ("TURN_TIMEOUT", "soon")]);
        assert_eq!(found, ["PORT", "AI_SERVICE", "TURN_TIMEOUT"]);
    }

    #[test]
    fn words_are_read_in_any_case() {
        let words = [
            ("AI_SERVICE", "Basic"),
            ("MODEL_STREAM", "ALWAYS"),
            ("ON_DISCONNECT", "Drain"),
            ("PORTAL", "Off"),
            ("SESSION_LOG_CONTENT", "ON"),
        ];
        assert_eq!(mistakes(&words), [""; 0]);
        assert_eq!(Config::read(&Source::of_pairs(words)).unwrap().model.stream, ModelStream::Always);
    }

    #[test]
    fn a_mistake_never_repeats_the_value() {
        let source = Source::of_pairs([("OPENAI_BASE_URL", "sk-secret-put-in-the-wrong-line")]);
        let shown = Config::read(&source).unwrap_err().to_string();
        assert!(!shown.contains("sk-secret"), "{shown}");
        assert!(shown.contains("OPENAI_BASE_URL: expected a URL"), "{shown}");
    }

    #[test]
    fn port_wins_over_server_port() {
        let port = |pairs: &[(&'static str, &'static str)]| {
            Config::read(&Source::of_pairs(pairs.iter().copied())).unwrap().server.port
        };
        assert_eq!(port(&[("SERVER_PORT", "6000")]), 6000);
        assert_eq!(port(&[("SERVER_PORT", "6000"), ("PORT", "7000")]), 7000);
        assert_eq!(port(&[("PORT", " ")]), 5000);
    }
}
