//! Every setting: its name, its default, and what it is for. `--help`, `.env.example` and the README's table say what
//! this table says; a test holds them to it.

/// One setting, read from the environment or `.env`.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// The value used when it is unset or blank; empty where there is none.
    pub default: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
}

macro_rules! variables {
    ($($name:ident = $default:literal, $about:literal;)*) => {
        $(pub(super) const $name: Variable = Variable { name: stringify!($name), default: $default, about: $about };)*
        /// All settings, in the order in which they are shown.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    SERVER_HOST = "127.0.0.1", "address to listen on; 0.0.0.0 for every interface";
    PORT = "5000", "port to listen on; 0 takes a free one";
    SERVER_PORT = "", "another name for PORT, which wins";
    FRONTEND_URL = "", "websites that may call from a browser, comma-separated, https://*.shop.example for any with one label there; unset allows any";
    PORTAL = "on", "off: no pages for people are served, only what programs and the embedded chat window use";

    PERSONAS_DIR = "", "folder of personas, Markdown files that replace or add to the built-in ones; read again on change";

    AI_SERVICE = "auto", "auto, openai, or basic (built-in replies that need no key)";
    OPENAI_API_KEY = "", "the model's key, used when Papita has none";
    OPENAI_MODEL = "gpt-4o-mini", "the model asked when a client names none";
    OPENAI_BASE_URL = "https://api.openai.com/v1", "any OpenAI-compatible server; others than OpenAI's may need no key";
    ALLOWED_MODELS = "", "models a client may name besides OPENAI_MODEL, comma-separated";
    FALLBACK_MODELS = "", "models asked in turn when the asked one is unavailable, comma-separated";
    MODEL_PRICES = "", "US dollars per million tokens in/out, e.g. my-model=1/2,other=0.5/1.5";
    MODEL_WINDOWS = "", "tokens a model reads at once, answer included, e.g. my-model=8192,other=128000";
    VISION_MODELS = "", "further models that see images, comma-separated";
    MAX_ANSWER_TOKENS = "", "longest answer in tokens, unless a persona sets less; unset: as long as the model likes";
    MODEL_STREAM = "auto", "auto, or always: ask the model for streams also where a client wants a whole answer";
    MODEL_CONNECT_TIMEOUT = "5s", "time to connect to the model";
    MODEL_FIRST_BYTE_TIMEOUT = "25s", "time until the model's first byte, of a stream; minutes for local models that are loaded first";
    MODEL_IDLE_TIMEOUT = "10s", "time between two bytes of a stream";
    MODEL_RESPONSE_LIMIT = "8MiB", "largest answer read from the model";
    MODEL_RETRIES = "2", "how often a model that failed is asked again, before the first word only";
    BREAKER_FAILURE_RATE = "50", "percent of failed turns at which a model is left alone for a while; 0 never";
    BREAKER_PAUSE = "10s", "how long a failing model is left alone before a turn tries it; less at first if no other can be asked";
    TURN_TIMEOUT = "28s", "time for a whole answer, or until the model takes up a streamed one; retries included";
    STREAM_TIMEOUT = "10m", "time for a streamed answer";

    RESUME_GRACE = "10s", "how long a turn goes on for a client that left its stream; 0 stops it at once";
    RESUME_WINDOW = "2m", "how long after its end a streamed answer can still be read again; 0 not at all";
    ON_DISCONNECT = "stop", "stop or drain (read the answer nobody waits for to its end, to learn the exact count)";
    MAX_TURNS = "5000", "turns at once; more wait";
    TURN_QUEUE = "500", "turns that wait for a place; more are refused";
    TURN_QUEUE_TIMEOUT = "2s", "how long a turn waits for a place before it is refused";

    PAPITA_API_URL = "http://localhost:3000", "the credential broker, asked before OPENAI_API_KEY";
    PAPITA_TIMEOUT = "2s", "time for one call to Papita";
    PAPITA_QUEUE_LIMIT = "100000", "usage records kept while Papita is away; more are dropped and counted";
    CREDENTIAL_FRESH = "5m", "how long a key from Papita is used before Papita is asked again";
    CREDENTIAL_STALE = "24h", "how long an old key may still serve while Papita is away";
    CREDENTIAL_RETRY = "10s", "how long a failure of Papita is remembered before it is asked again";

    SESSION_IDLE_TIMEOUT = "30m", "a session without a turn for this long is closed and logged";
    SESSION_LOG_DIR = "SessionLog", "folder of the daily session logs; one process each";
    SESSION_LOG_TIMEZONE = "", "time zone of days and times, e.g. Europe/Berlin; unset: the system's";
    SESSION_LOG_SYNC = "off", "on: lines reach the disk before their answer (survives power loss; slower)";
    SESSION_LOG_CONTENT = "off", "on: the texts of messages and answers are logged too";

    DATABASE_URL = "sqlite://al-chat.db", "where everything but the log is kept: sqlite:///file, sqlite:////absolute/file, or postgres://user:password@host/name";
    DATABASE_CONNECTIONS = "10", "connections to a PostgreSQL server at once";
    DATABASE_CONNECT_TIMEOUT = "2s", "time to get a connection to a PostgreSQL server";
    DATABASE_STATEMENT_TIMEOUT = "10s", "time for one statement of a PostgreSQL server";

    FILE_MODE = "0600", "permissions of the files that are made (database, session log, backups): 0600, or 0640 for a group that reads";

    JWT_SECRET_KEY = "", "signs the tokens of accounts, 32 random characters or more; previous ones behind a comma go on verifying; unset: made once and kept in the database";
    JWT_ACCESS_TOKEN_EXPIRES = "2592000", "how long a token lasts, in seconds or as 30d";
    VISITOR_RETENTION = "30d", "how long the chat of a visitor who does not come back is kept";

    HTTPS_PROXY = "", "HTTP proxy for calls by https, also as https_proxy; plain http goes straight";
    NO_PROXY = "", "hosts called without HTTPS_PROXY, comma-separated, also as no_proxy";

    PROXIES = "0", "proxies in front of this server whose X-Forwarded-For is believed";
    MAX_CONNECTIONS = "10000", "connections served at once; more wait to be accepted";
    HEADER_TIMEOUT = "10s", "time for a client to send its request's headers";
    BODY_TIMEOUT = "30s", "time for a client to send its request's body; large ones have a second more for each 32 KiB";
    KEEPALIVE_TIMEOUT = "75s", "time an idle connection is kept; longer than that of a proxy in front";
    DRAIN_TIMEOUT = "30s", "time for turns in flight to finish after SIGTERM";
    LOG_LEVEL = "info", "diagnostics: off, error, warn, info, debug, trace, or a tracing filter";
    LOG_FORMAT = "text", "text or json";
}

/// Names in lower case that are read as well, as `curl` and other programs do.
pub(super) const LOWER_CASE_NAMES: [(&str, Variable); 2] = [("https_proxy", HTTPS_PROXY), ("no_proxy", NO_PROXY)];

/// Whether a setting has this name.
pub(super) fn is_setting(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name) || LOWER_CASE_NAMES.iter().any(|(lower, _)| *lower == name)
}
