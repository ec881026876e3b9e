//! Reading of all settings: which variable sets which field.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::{
    config_file::{self, ConfigFile, FileSettings, Parsed},
    database_address::DatabaseAddress,
    events::Events,
    hooks::Hooks,
    invalid::InvalidSettings,
    limit_list::{LimitList, LimitUnit},
    limits::{AnswerLimit, InputLimit, Limits, ScopeLimits},
    log_filter, origins,
    parse::{self, COUNT, DURATION, HTTP_URL, SWITCH},
    public_url::{self, PublicUrl},
    read_model::read_model,
    read_providers::read_providers,
    settings::{
        Accounts, Config, Credentials, Database, LogContent, LogFormat, LogRetention, MetricsAccess, OnDisconnect,
        Proxy, Quotas, Server, SessionLog, Turns,
    },
    source::{Reader, Source},
    traces::Traces,
    variables::{self as var, Variable},
};
use crate::foundation::{
    file_access::FileAccess,
    secret::{AdminToken, ApiKey, InvalidApiKey, ServerUrl, SigningSecret},
};

const DURATION_OR_ZERO: &str = "a time such as 500ms, 30s, 5m or 24h, or 0";
const SECRETS: &str =
    "32 or more random characters, or several such texts, comma-separated (a comma within one is written \\,)";

impl Config {
    /// Reads all settings from a source. Fails with all invalid settings together.
    pub fn read(source: &Source) -> Result<Self, InvalidSettings> {
        let mut reader = Reader::new(source);
        let config = read_all(source, &mut reader);
        match config {
            Some(config) if reader.invalid.is_empty() => Ok(config),
            _ => Err(InvalidSettings(reader.invalid)),
        }
    }
}

impl SessionLog {
    /// Reads the time zone of the log only, whatever the other settings are.
    pub fn read_timezone(source: &Source) -> Result<TimeZone, InvalidSettings> {
        let mut reader = Reader::new(source);
        reader.invalid.clear();
        read_timezone(&mut reader).ok_or(InvalidSettings(reader.invalid))
    }
}

/// Reads all settings before it returns `None`, so that the reader collects all invalid ones.
fn read_all(source: &Source, reader: &mut Reader<'_>) -> Option<Config> {
    let server = read_server(source, reader);
    let file = read_config_file(source, reader);
    let servers = file.as_ref().map(|file| &file.servers);
    let providers = read_providers(source, reader, servers);
    let model = read_model(source, reader, servers);
    let turns = read_turns(reader);
    let limits = read_limits(source, reader);
    let credentials = read_credentials(source, reader);
    let admin_token = reader.read_optional(
        var::ADMIN_TOKEN,
        "32 or more random characters without blanks, or nothing",
        AdminToken::parse,
    );
    let accounts = read_accounts(reader);
    let visitor_retention = reader.read(var::VISITOR_RETENTION, DURATION, parse::duration);
    let file_access = reader.read(var::FILE_MODE, "0600 or 0640", FileAccess::parse);
    let session_log = read_session_log(reader, file_access);
    let session_idle_timeout = reader.read(var::SESSION_IDLE_TIMEOUT, DURATION, parse::duration);
    let papita_queue_limit = reader.read(var::PAPITA_QUEUE_LIMIT, COUNT, parse::count);
    let events = Events::read(reader);
    let traces = Traces::read(reader);
    let database = read_database(reader, file_access);
    let max_chats = reader.read(var::MAX_CHATS, COUNT, parse::count);
    let max_bytes = reader.read(var::MAX_STORED_BYTES, "a size such as 128MiB", parse::bytes);
    let log_format = reader.read(var::LOG_FORMAT, "text or json", |text| match lower(text).as_str() {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    });
    let log_level = reader.read(
        var::LOG_LEVEL,
        "off, error, warn, info, debug or trace, or a tracing filter such as info,al_chat=debug",
        log_filter::parse,
    );
    let proxy = read_proxy(reader);
    let hooks = Hooks::read(reader);
    let file = file?;
    let config_file = ConfigFile { path: source.config_file(), limits: limits?, servers: file.servers.clone() };
    let FileSettings { limits, sites, .. } = config_file.merged(file);
    let personas_dir = reader.text(var::PERSONAS_DIR).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let default_persona = reader.text(var::DEFAULT_PERSONA).filter(|id| !id.is_empty()).map(str::to_owned);
    Some(Config {
        proxy: proxy?,
        server: server?,
        personas_dir,
        default_persona,
        providers: providers?,
        model: model?,
        turns: turns?,
        limits,
        config_file,
        sites,
        credentials: credentials?,
        hooks: hooks?,
        admin_token: admin_token?,
        accounts: accounts?,
        visitor_retention: visitor_retention?,
        session_log: session_log?,
        session_idle_timeout: session_idle_timeout?,
        papita_queue_limit: papita_queue_limit?,
        events: events?,
        traces: traces?,
        database: database?,
        quotas: Quotas { chats: max_chats?, bytes: max_bytes? as u64 },
        log_level: log_level?,
        log_format: log_format?,
    })
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn read_proxy(reader: &mut Reader<'_>) -> Option<Proxy> {
    let expected = "the address of an HTTP proxy, such as http://proxy.example:3128 (SOCKS proxies are not supported)";
    let address = reader.read_optional(var::HTTPS_PROXY, expected, |text| {
        parse::proxy(text).map(|url| SecretString::from(url.as_str()))
    });
    Some(Proxy { address: address?, except: reader.text(var::NO_PROXY).unwrap_or_default().to_owned() })
}

fn read_server(source: &Source, reader: &mut Reader<'_>) -> Option<Server> {
    let port_from = if source.has(var::PORT) || !source.has(var::SERVER_PORT) { var::PORT } else { var::SERVER_PORT };
    let host = reader.read(var::SERVER_HOST, "a host name or an IP address", |text| {
        url::Host::parse(text)
            .ok()
            .map(|_| text.to_owned())
            .or_else(|| text.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string()))
    });
    let port = reader.read(port_from, "a port number from 0 to 65535", |text| text.parse().ok());
    let allowed_origins = reader.read(
        var::FRONTEND_URL,
        "origins such as https://shop.example or https://*.shop.example, comma-separated, or *",
        origins::parse,
    );
    let public_url = reader.read_optional(var::PUBLIC_URL, public_url::EXPECTED, PublicUrl::parse);
    let portal = reader.read(var::PORTAL, SWITCH, parse::switch);
    let metrics = reader.read(var::METRICS, "public or admin, or nothing", |text| match lower(text).as_str() {
        "" => Some(None),
        "public" => Some(Some(MetricsAccess::Public)),
        "admin" => Some(Some(MetricsAccess::Admin)),
        _ => None,
    });
    let proxies =
        reader.read(var::PROXIES, "a whole number up to 100", |text| text.parse().ok().filter(|count| *count <= 100));
    let max_connections = reader
        .read(var::MAX_CONNECTIONS, COUNT, |text| text.parse().ok().filter(|limit| (1..=1_000_000).contains(limit)));
    let header_timeout = reader.read(var::HEADER_TIMEOUT, DURATION, parse::duration);
    let keepalive_timeout = reader.read(var::KEEPALIVE_TIMEOUT, DURATION, parse::duration);
    let body_timeout = reader.read(var::BODY_TIMEOUT, DURATION, parse::duration);
    let body_memory = reader.read(var::BODY_MEMORY, "a size such as 128MiB", parse::bytes);
    let drain_timeout = reader.read(var::DRAIN_TIMEOUT, DURATION, parse::duration);
    Some(Server {
        host: host?,
        port: port?,
        origins: allowed_origins?,
        public_url: public_url?,
        portal: portal?,
        metrics: metrics?,
        proxies: proxies?,
        max_connections: max_connections?,
        header_timeout: header_timeout?,
        body_timeout: body_timeout?,
        body_memory: body_memory?,
        keepalive_timeout: keepalive_timeout?,
        drain_timeout: drain_timeout?,
    })
}

fn read_turns(reader: &mut Reader<'_>) -> Option<Turns> {
    let turns = |text: &str| text.parse().ok().filter(|limit| (1..=1_000_000).contains(limit));
    let timeout = reader.read(var::TURN_TIMEOUT, DURATION, parse::duration);
    let stream_timeout = reader.read(var::STREAM_TIMEOUT, DURATION, parse::duration);
    let resume_grace = reader.read(var::RESUME_GRACE, DURATION_OR_ZERO, parse::duration_or_none);
    let resume_window = reader.read(var::RESUME_WINDOW, DURATION_OR_ZERO, parse::duration_or_none);
    let stream_memory = reader.read(var::STREAM_MEMORY, "a size such as 64MiB", parse::bytes);
    let on_disconnect = reader.read(var::ON_DISCONNECT, "stop or drain", |text| match lower(text).as_str() {
        "stop" => Some(OnDisconnect::Stop),
        "drain" => Some(OnDisconnect::Drain),
        _ => None,
    });
    let max_turns = reader.read(var::MAX_TURNS, COUNT, turns);
    let queue = reader.read(var::TURN_QUEUE, "a whole number", |text| text.parse().ok());
    let queue_timeout = reader.read(var::TURN_QUEUE_TIMEOUT, DURATION, parse::duration);
    Some(Turns {
        timeout: timeout?,
        stream_timeout: stream_timeout?,
        resume_grace: resume_grace?,
        resume_window: resume_window?,
        stream_memory: stream_memory?,
        on_disconnect: on_disconnect?,
        max_turns: max_turns?,
        queue: queue?,
        queue_timeout: queue_timeout?,
    })
}

fn read_limits(source: &Source, reader: &mut Reader<'_>) -> Option<Limits> {
    let visitor = read_scope(var::LIMIT_VISITOR, source, reader);
    let address = read_scope(var::LIMIT_ADDRESS, source, reader);
    let key = read_scope(var::LIMIT_KEY, source, reader);
    let total = read_scope(var::LIMIT_TOTAL, source, reader);
    let bytes = reader.read(var::LIMIT_ANONYMOUS_INPUT, "a size such as 400KiB", parse::bytes);
    let is_default = !source.has(var::LIMIT_ANONYMOUS_INPUT);
    let sessions = read_counts(var::LIMIT_SESSIONS, source, reader);
    let handovers = read_counts(var::LIMIT_HANDOVERS, source, reader);
    let feedback = read_counts(var::LIMIT_FEEDBACK, source, reader);
    let anonymous_input = bytes.map(|bytes| InputLimit { bytes, is_default });
    let tokens = reader.read(var::LIMIT_ANONYMOUS_ANSWER, "a whole number of 1 or more, or off", |text| {
        if lower(text) == "off" { Some(None) } else { parse::count(text).map(Some) }
    });
    let is_default = !source.has(var::LIMIT_ANONYMOUS_ANSWER);
    let anonymous_answer = tokens.map(|tokens| AnswerLimit { tokens, is_default });
    Some(Limits {
        visitor: visitor?,
        address: address?,
        key: key?,
        total: total?,
        sessions: sessions?,
        handovers: handovers?,
        feedback: feedback?,
        anonymous_input: anonymous_input?,
        anonymous_answer: anonymous_answer?,
    })
}

/// Parses the configuration file.
fn read_config_file(source: &Source, reader: &mut Reader<'_>) -> Option<Parsed> {
    let path = source.config_file();
    match source.config_text(&path).and_then(|text| config_file::parse(&path, text)) {
        Ok(parsed) => Some(parsed),
        Err(invalid) => {
            reader.invalid.extend(invalid.settings());
            None
        }
    }
}

fn read_scope(variable: Variable, source: &Source, reader: &mut Reader<'_>) -> Option<ScopeLimits> {
    let parsed = LimitList::parse(reader.text(variable).unwrap_or_default());
    let expected = parsed.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let list = reader.read(variable, &expected, |_| parsed.ok())?;
    Some(ScopeLimits { list, is_default: !source.has(variable) })
}

/// Reads limits of what is counted as a whole, without a unit.
fn read_counts(variable: Variable, source: &Source, reader: &mut Reader<'_>) -> Option<ScopeLimits> {
    let expected = "limits such as 200/minute, 3000/day, or off";
    let list = reader.read(variable, expected, |text| {
        LimitList::parse(text).ok().filter(|limits| limits.iter().all(|limit| limit.unit == LimitUnit::Turns))
    })?;
    Some(ScopeLimits { list, is_default: !source.has(variable) })
}

fn read_credentials(source: &Source, reader: &mut Reader<'_>) -> Option<Credentials> {
    let papita_url = reader.read(var::PAPITA_API_URL, HTTP_URL, parse::http_url).map(ServerUrl::from);
    let papita_timeout = reader.read(var::PAPITA_TIMEOUT, DURATION, parse::duration);
    let fresh = reader.read(var::CREDENTIAL_FRESH, DURATION, parse::duration);
    let stale = reader.read(var::CREDENTIAL_STALE, DURATION, parse::duration);
    let retry = reader.read(var::CREDENTIAL_RETRY, DURATION, parse::duration);
    let local_key = ApiKey::try_parse(reader.text(var::OPENAI_API_KEY).unwrap_or_default());
    let has_placeholder = matches!(local_key, Err(InvalidApiKey::Placeholder));
    let papita_url = papita_url?;
    // An example file that was copied but not edited holds the default address beside a placeholder for the key.
    let is_example = has_placeholder && parse::http_url(var::PAPITA_API_URL.default).as_ref() == Some(&*papita_url);
    Some(Credentials {
        local_key: local_key.ok(),
        has_placeholder,
        papita_configured: source.has(var::PAPITA_API_URL) && !is_example,
        papita_url,
        papita_timeout: papita_timeout?,
        fresh: fresh?,
        stale: stale?,
        retry: retry?,
        env_file: source.env_file.clone(),
    })
}

fn read_database(reader: &mut Reader<'_>, file_access: Option<FileAccess>) -> Option<Database> {
    let expected = "the address of a database that lasts, such as sqlite:///al-chat.db (a file in the working directory; \
                    four slashes for an absolute path) or postgres://user:password@host/name";
    let address = reader.read(var::DATABASE_URL, expected, DatabaseAddress::parse);
    let connections = reader.read(var::DATABASE_CONNECTIONS, "a whole number from 2 to 1000", |text| {
        text.parse().ok().filter(|connections| (2..=1000).contains(connections))
    });
    let connect_timeout = reader.read(var::DATABASE_CONNECT_TIMEOUT, DURATION, parse::duration);
    let statement_timeout = reader.read(var::DATABASE_STATEMENT_TIMEOUT, DURATION, parse::duration);
    Some(Database {
        address: address?,
        file_access: file_access?,
        connections: connections?,
        connect_timeout: connect_timeout?,
        statement_timeout: statement_timeout?,
    })
}

fn read_accounts(reader: &mut Reader<'_>) -> Option<Accounts> {
    let expected = format!("{SECRETS}, or nothing to have one made");
    let signing_secrets = reader.read(var::JWT_SECRET_KEY, &expected, secrets);
    let token_lifetime = reader.read(var::JWT_ACCESS_TOKEN_EXPIRES, DURATION, parse::duration);
    Some(Accounts { signing_secrets: signing_secrets?, token_lifetime: token_lifetime? })
}

/// Parses a list of secrets, which may be empty.
fn secrets(text: &str) -> Option<Vec<SigningSecret>> {
    if text.is_empty() { Some(Vec::new()) } else { SigningSecret::parse_list(text) }
}

fn read_timezone(reader: &mut Reader<'_>) -> Option<TimeZone> {
    reader.read(
        var::SESSION_LOG_TIMEZONE,
        "a time zone of the IANA database such as Europe/Berlin",
        |text| match text {
            "" => Some(TimeZone::system()),
            name => TimeZone::get(name).ok(),
        },
    )
}

fn read_session_log(reader: &mut Reader<'_>, file_access: Option<FileAccess>) -> Option<SessionLog> {
    let timezone = read_timezone(reader);
    let sync = reader.read(var::SESSION_LOG_SYNC, SWITCH, parse::switch);
    let content = reader.read(var::SESSION_LOG_CONTENT, "off, on or plain", |text| match parse::switch(text) {
        Some(true) => Some(LogContent::Sealed),
        Some(false) => Some(LogContent::Off),
        None => (lower(text) == "plain").then_some(LogContent::Plain),
    });
    let compress_after = reader.read_optional(
        var::SESSION_LOG_COMPRESS_AFTER,
        "a whole number of days up to 65535, or nothing",
        |text| text.parse::<u16>().ok(),
    );
    let keep = reader.read_optional(
        var::SESSION_LOG_KEEP,
        "a whole number of days from 1 to 65535, or nothing",
        parse::count::<u16>,
    );
    let expected = format!("{SECRETS}, or nothing for a chain without a secret");
    let keys = reader.read(var::SESSION_LOG_KEY, &expected, secrets);
    Some(SessionLog {
        dir: reader.text(var::SESSION_LOG_DIR).map(PathBuf::from)?,
        file_access: file_access?,
        timezone: timezone?,
        sync: sync?,
        content: content?,
        retention: LogRetention { compress_after: compress_after?, keep: keep? },
        keys: keys?,
    })
}
