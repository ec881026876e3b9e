//! The table of all settings, with their names, defaults and descriptions. `--help`, `.env.example` and
//! `docs/configuration.md` repeat this table, which tests check.

/// One setting, read from the environment or `.env`.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name of the environment variable.
    pub name: &'static str,
    /// The value used when the variable is unset or blank; empty if there is no default.
    pub default: &'static str,
    /// The description of the setting, in one line.
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
    SERVER_HOST = "127.0.0.1", "address to listen on; 0.0.0.0 listens on every interface";
    PORT = "5000", "port to listen on; 0 chooses a free one";
    SERVER_PORT = "", "older name of PORT; PORT wins if both are set";
    PUBLIC_URL = "", "address of this service for browsers, if a proxy is in front, such as https://shop.example/chat/; the proxy may remove its path from requests or pass it on";
    FRONTEND_URL = "", "websites whose pages may call this server, comma-separated; https://*.shop.example allows every subdomain of one label; unset allows every website";
    PORTAL = "on", "on or off; off serves no pages for people (/, /embed-demo), only the API and the chat window's script; with sites, it also ends questions without a ticket, an account or an API key";

    CONFIG_FILE = "al-chat.toml", "file with the sites that embed the chat window, with limits, and with providers and models; it may be missing unless another one is named here, and is read again when it changes";
    PERSONAS_DIR = "", "folder of persona files (Markdown) that replace or extend the built-in personas; changed files are read again";
    DEFAULT_PERSONA = "", "persona that answers when a client names none; unset answers without a persona";

    AI_SERVICE = "auto", "auto, openai or basic; basic answers with the built-in responder, without a model; auto does so when no key is configured";
    OPENAI_API_KEY = "", "API key of the model's provider, used when Papita has none";
    OPENAI_MODEL = "gpt-4o-mini", "model used when the client names none";
    OPENAI_BASE_URL = "https://api.openai.com/v1", "base URL of an OpenAI-compatible server; servers other than OpenAI's may need no key";
    ALLOWED_MODELS = "", "models that clients may choose in addition to OPENAI_MODEL, comma-separated";
    FALLBACK_MODELS = "", "models that are tried in this order when the chosen model is unavailable, comma-separated";
    MODEL_PRICES = "", "prices in US dollars per million tokens (input/output), such as my-model=1/2,other=0.5/1.5";
    MODEL_WINDOWS = "", "context windows in tokens, answer included, such as my-model=8192,other=128000";
    VISION_MODELS = "", "models that accept images, in addition to those known by name, comma-separated";
    MAX_ANSWER_TOKENS = "", "longest answer in tokens; a persona may set a lower limit; unset sets no limit";
    MODEL_STREAM = "auto", "auto or always; always requests a stream from the model even if the client wants a whole answer";
    MODEL_CONNECT_TIMEOUT = "5s", "time to connect to the model's server";
    MODEL_FIRST_BYTE_TIMEOUT = "25s", "time until the first byte of a streamed answer; set minutes for local models that are loaded on demand";
    MODEL_IDLE_TIMEOUT = "10s", "longest pause between two reads of a stream";
    MODEL_HEADERS = "", "headers that are added to each request to the server of OPENAI_BASE_URL, as a JSON object such as {\"x-portkey-provider\":\"openai\"}; values may be secrets";
    MODEL_BODY = "", "fields that are added to the JSON of each request to the server of OPENAI_BASE_URL, as a JSON object such as {\"reasoning_effort\":\"low\"}";
    MODEL_RESPONSE_LIMIT = "8MiB", "largest response accepted from the model's server";
    MODEL_RETRIES = "2", "retries of a failed request to the model, before the answer has begun";
    BREAKER_FAILURE_RATE = "50", "percentage of failed turns at which the circuit breaker of a model or a hook opens; 0 disables the breaker";
    BREAKER_PAUSE = "10s", "time that an open circuit breaker waits before one turn tests the model or the hook; shorter at first if there is no other model";
    TURN_TIMEOUT = "28s", "time for a whole answer, or until a streamed answer begins; includes retries";
    STREAM_TIMEOUT = "10m", "time for a streamed answer, from start to end";

    RESUME_GRACE = "10s", "how long a turn continues after its client has disconnected from the stream; 0 stops it at once";
    RESUME_WINDOW = "2m", "how long a streamed answer can be read again after its end; 0 disables that";
    STREAM_MEMORY = "64MiB", "memory for the texts of answers that run or can be read again; beyond it, ended ones are dropped, then clients that stand still are disconnected; at most a quarter of the memory limit of a container";
    ON_DISCONNECT = "stop", "stop or drain, for a turn that nobody reads any more; drain reads the answer to its end to learn the exact token count";
    MAX_TURNS = "5000", "number of turns that run at the same time; further turns wait; lowered to what the limit of open files allows";
    TURN_QUEUE = "500", "number of turns that may wait; further turns are refused";
    TURN_QUEUE_TIMEOUT = "2s", "how long a turn may wait before it is refused";

    LIMIT_VISITOR = "20/minute,300/day,200000tokens/day", "what one visitor may use: turns, tokens and US dollars (usd) per minute and per day (UTC), such as 20/minute, 300/day, 1.50usd/day, or off; the default does not apply to requests of this machine";
    LIMIT_ADDRESS = "200/minute,3000/day,1000000tokens/day", "the same for one IP address, or one IPv6 network of 64 bits, behind which many visitors may be";
    LIMIT_KEY = "off", "the same for one API key, unless the key has limits of its own; those of visitors and addresses do not apply to API keys";
    LIMIT_TOTAL = "off", "the same for all visitors together, such as 5usd/day: the most that a day can cost";
    LIMIT_SESSIONS = "200/minute,3000/day", "how many sessions one address may start, stops of unknown sessions included, per minute and per day (UTC), or off; the default does not apply to requests of this machine";
    LIMIT_HANDOVERS = "5/minute,20/day", "how often one address may ask for a person, per minute and per day (UTC), or off; the default does not apply to requests of this machine";
    LIMIT_FEEDBACK = "30/minute,500/day", "how often one address may rate answers, per minute and per day (UTC), or off; the default does not apply to requests of this machine";
    LIMIT_ANONYMOUS_INPUT = "400KiB", "largest question of a visitor without an account, with history and files; an image counts as 4 KiB; the default does not apply to requests of this machine";
    LIMIT_ANONYMOUS_ANSWER = "4096", "longest answer to a visitor without an account, in tokens, or off; the default is at most a quarter of a model's context window, and does not apply to requests of this machine";

    PAPITA_API_URL = "http://localhost:3000", "address of Papita, the credential broker; its key is preferred to OPENAI_API_KEY";
    PAPITA_TIMEOUT = "2s", "time for one request to Papita";
    PAPITA_QUEUE_LIMIT = "100000", "number of usage records that wait for Papita; further ones are dropped and counted";
    CREDENTIAL_FRESH = "5m", "how long a key from Papita is used before it is requested again";
    CREDENTIAL_STALE = "24h", "how long an old key may be used while Papita is unreachable";
    CREDENTIAL_RETRY = "10s", "pause after a failed request to Papita; 1, 2 and 4 s at first after the provider has refused a key";

    GUARD_URL = "", "address of the owner's service that judges what visitors ask (docs/hooks.md); unset judges nothing";
    GUARD_TOKEN = "", "token that is sent to GUARD_URL as Authorization: Bearer; unset sends none";
    GUARD_ANSWERS = "off", "on or off; on has the guard judge the model's answers, too; a stream is held back until its next sentences are judged";
    GUARD_FAIL = "closed", "closed or open, for a text that the guard could not judge; closed refuses its turn, open goes on with the text";
    GUARD_TIMEOUT = "2s", "time for one judgement of the guard";
    CONTEXT_URL = "", "address of the owner's service that returns texts about a question, for the model (docs/hooks.md); unset asks none";
    CONTEXT_TOKEN = "", "token that is sent to CONTEXT_URL as Authorization: Bearer; unset sends none";
    CONTEXT_TIMEOUT = "2s", "time for one answer of CONTEXT_URL; after that the turn goes on without its texts";
    HOOK_PRIVATE_ADDRESSES = "off", "on or off; on lets hooks whose names are public have private addresses; hooks named by an IP address, localhost or a private name may have them anyway";
    EVENTS_URL = "", "address that events are posted to, such as the end of a turn or a visitor who asks for a person (docs/hooks.md); unset sends none";
    EVENTS_SECRET = "", "secret that signs events by Standard Webhooks: whsec_ and 24 to 64 bytes in base64; several, comma-separated, all sign";
    EVENTS_TIMEOUT = "15s", "time for one post of an event";
    EVENTS_QUEUE_LIMIT = "100000", "number of events that wait to be sent; further ones are dropped and counted";

    SESSION_IDLE_TIMEOUT = "30m", "how long a session may have no turn before it is closed";
    SESSION_LOG_DIR = "SessionLog", "folder of the session log; only one process may use it";
    SESSION_LOG_TIMEZONE = "", "time zone of dates and times in the session log, such as Europe/Berlin; unset uses the system's";
    SESSION_LOG_SYNC = "off", "on or off; on writes each line to the disk before the answer is sent, so that it survives a power loss (slower)";
    SESSION_LOG_CONTENT = "off", "off, on or plain; on logs the texts of messages and answers encrypted, so that they can be erased; plain logs them openly";
    SESSION_LOG_COMPRESS_AFTER = "", "days after which a day of the session log is compressed (.zst); 0 compresses yesterday; unset compresses none";
    SESSION_LOG_KEEP = "", "days after which a day of the session log is deleted, which the log declares; unset deletes none";
    SESSION_LOG_KEY = "", "secret for the chain of the session log, at least 32 random characters; older secrets may follow after commas and still verify; unset chains the lines without a secret";

    DATABASE_URL = "sqlite://al-chat.db", "database: sqlite:///file, sqlite:////absolute/file or postgres://user:password@host/name";
    DATABASE_CONNECTIONS = "10", "largest number of connections to PostgreSQL";
    DATABASE_CONNECT_TIMEOUT = "2s", "time to get a connection to PostgreSQL";
    DATABASE_STATEMENT_TIMEOUT = "10s", "time for one SQL statement on PostgreSQL";

    MAX_CHATS = "1000", "chats that one account may store; whoever has as many deletes one before the next";
    MAX_STORED_BYTES = "128MiB", "texts, sources and images of messages that one account, or one visitor of the portal, may store; whoever has as much deletes some before the next message";

    FILE_MODE = "0600", "permissions of new files (database, session log, backups): 0600, or 0640 to let the group read";

    METRICS = "", "who may read /metrics: public or admin; unset: the operator (ADMIN_TOKEN) and, while SERVER_HOST is a loopback address, this machine without a proxy";
    ADMIN_TOKEN = "", "token of the operator, at least 32 random characters, for what is for operators, such as erasing logged texts, /api/openai/usage and /metrics; unset allows it only from this machine, without a proxy and not from another website's page";
    JWT_SECRET_KEY = "", "secret that signs account tokens, at least 32 random characters; older secrets may follow after commas and still verify; unset generates one and stores it in the database";
    JWT_ACCESS_TOKEN_EXPIRES = "2592000", "lifetime of an account token, in seconds or such as 30d";
    VISITOR_RETENTION = "30d", "how long the chat of a portal visitor is stored after the last visit, and logged texts of guests can be read";

    OTEL_EXPORTER_OTLP_ENDPOINT = "", "address of an OpenTelemetry collector, such as http://localhost:4318; a trace of each turn is posted below it at /v1/traces (OTLP by HTTP, protobuf); unset sends none";
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = "", "the whole address for traces, instead of OTEL_EXPORTER_OTLP_ENDPOINT";
    OTEL_EXPORTER_OTLP_HEADERS = "", "headers that are sent to the collector, such as authorization=Bearer%20TOKEN, comma-separated; values may be secrets";
    OTEL_EXPORTER_OTLP_TIMEOUT = "10000", "time for one post to the collector, in milliseconds or such as 10s";
    OTEL_TRACES_SAMPLER = "parentbased_always_on", "which turns are traced: always_on, always_off or traceidratio; after parentbased_ the decision of a client that sends traceparent counts first";
    OTEL_TRACES_SAMPLER_ARG = "1", "part of turns that traceidratio traces, from 0 to 1";
    OTEL_SERVICE_NAME = "", "name of this service in traces; unset: that of OTEL_RESOURCE_ATTRIBUTES, or al-chat";
    OTEL_RESOURCE_ATTRIBUTES = "", "what traces say of this service, such as deployment.environment.name=production, comma-separated";
    OTEL_SDK_DISABLED = "false", "true or false; true sends no traces, whatever the other settings are";

    HTTPS_PROXY = "", "HTTP proxy for outgoing https requests, also read as https_proxy; plain http uses no proxy";
    NO_PROXY = "", "hosts that are called without HTTPS_PROXY, comma-separated, also read as no_proxy";

    PROXIES = "0", "number of reverse proxies in front of this server whose X-Forwarded-For header is trusted";
    MAX_CONNECTIONS = "10000", "number of connections served at the same time; further ones get 503, and answers to health checks; lowered to what the limit of open files allows";
    HEADER_TIMEOUT = "10s", "time for a client to send a request's headers";
    BODY_TIMEOUT = "30s", "how long a client that sends a request's body may pause, or fall behind 32 KiB a second";
    BODY_MEMORY = "128MiB", "memory for bodies of requests beyond 64 KiB each, until they are answered; further ones get 503, and one address takes at most half; at most an eighth of the memory limit of a container";
    KEEPALIVE_TIMEOUT = "75s", "how long an idle connection is kept open; set it longer than the one of a proxy in front";
    DRAIN_TIMEOUT = "30s", "time for running turns to finish after SIGTERM";
    LOG_LEVEL = "info", "level of the diagnostics: off, error, warn, info, debug, trace, or a tracing filter";
    LOG_FORMAT = "text", "format of the diagnostics: text or json";
}

/// A setting that is or may hold a secret, and can be in a file of its own.
#[derive(Clone, Copy, Debug)]
pub struct SecretVariable {
    /// The setting.
    pub variable: Variable,
    /// The name of the variable that names the file, such as `ADMIN_TOKEN_FILE`.
    pub file: &'static str,
}

macro_rules! secret_variables {
    ($($name:ident),* $(,)?) => {
        /// All settings that can be in files of their own.
        pub const SECRET_VARIABLES: &[SecretVariable] =
            &[$(SecretVariable { variable: $name, file: concat!(stringify!($name), "_FILE") }),*];
    };
}

secret_variables![
    OPENAI_API_KEY,
    MODEL_HEADERS,
    ADMIN_TOKEN,
    JWT_SECRET_KEY,
    SESSION_LOG_KEY,
    GUARD_TOKEN,
    CONTEXT_TOKEN,
    EVENTS_SECRET,
    DATABASE_URL,
    PAPITA_API_URL,
    HTTPS_PROXY,
    OTEL_EXPORTER_OTLP_HEADERS,
];

/// Lower-case names of settings that are read as well, as in `curl` and other programs.
pub(super) const LOWER_CASE_NAMES: [(&str, Variable); 2] = [("https_proxy", HTTPS_PROXY), ("no_proxy", NO_PROXY)];

/// Returns whether a setting, or the file of one, has this name.
pub(super) fn is_setting(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
        || LOWER_CASE_NAMES.iter().any(|(lower, _)| *lower == name)
        || SECRET_VARIABLES.iter().any(|secret| secret.file == name)
}
