//! The section `[[providers]]` of the configuration file.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use reqwest::header::HeaderName;
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{mistakes::Line, section::Section};
use crate::foundation::{
    config::{
        parse::{self, DURATION, HTTP_URL},
        provider::Omission,
        request_extras::{ExtraFields, ExtraHeaders},
        tenant_name::TenantName,
        variables::{OPENAI_API_KEY, SECRET_VARIABLES, SecretVariable},
    },
    secret::ServerUrl,
};

/// The fields of a provider.
const PROVIDER_FIELDS: &[&str] = &[
    "name",
    "base_url",
    "key",
    "key_header",
    "headers",
    "body",
    "omit",
    "roots",
    "connect_timeout",
    "first_byte_timeout",
    "idle_timeout",
];

/// The sources of a key.
const KEY_FIELDS: &[&str] = &["env", "file", "papita"];

/// The longest name of a key in Papita, in characters.
const MAX_PAPITA_NAME: usize = 100;

/// The name of the provider of the environment and `.env` if the file has one that is called `openai`.
pub(in crate::foundation::config) const SETTINGS_PROVIDER: &str = "env";

/// A provider as the configuration file has it. Its files are not read yet.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::foundation::config) struct FileProvider {
    pub(in crate::foundation::config) name: String,
    pub(in crate::foundation::config) base_url: ServerUrl,
    pub(in crate::foundation::config) key: Option<FileKey>,
    pub(in crate::foundation::config) key_header: Option<HeaderName>,
    pub(in crate::foundation::config) headers: ExtraHeaders,
    pub(in crate::foundation::config) body: ExtraFields,
    pub(in crate::foundation::config) omit: Vec<Omission>,
    /// The path of a PEM file, and the line that names it.
    pub(in crate::foundation::config) roots: Option<(PathBuf, Line)>,
    pub(in crate::foundation::config) connect_timeout: Option<Duration>,
    pub(in crate::foundation::config) first_byte_timeout: Option<Duration>,
    pub(in crate::foundation::config) idle_timeout: Option<Duration>,
}

/// The source of a provider's key.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::foundation::config) enum FileKey {
    /// An environment variable, or a line of `.env`.
    Variable(String),
    /// A file, and the line that names it.
    File(PathBuf, Line),
    /// The name of a key in Papita.
    Papita(String),
}

/// What the name of a provider may be.
const NAME: &str = "a name of 1 to 40 lower-case letters, digits, hyphens, underscores and dots, with a letter or digit first, and not env,";

/// Reads all providers, and returns them with all names, also of those that have mistakes and are left out.
pub(super) fn read_providers(file: &Section<'_>) -> (Vec<FileProvider>, HashSet<String>) {
    let mut names = HashSet::new();
    let providers = file.tables("providers", PROVIDER_FIELDS).into_iter().filter_map(|section| {
        section.require("name", NAME);
        let name = section.text("name", NAME, |text| {
            let name = TenantName::parse(text).filter(|name| name.as_str() != SETTINGS_PROVIDER)?;
            Some(name.to_string())
        });
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            section.report_field("name", "a name that no other provider has");
        }
        read_provider(&section, name)
    });
    (providers.collect(), names)
}

/// Reads everything of a provider before it returns `None`, so that all mistakes are reported.
fn read_provider(section: &Section<'_>, name: Option<String>) -> Option<FileProvider> {
    section.require("base_url", HTTP_URL);
    let base_url = section.text("base_url", HTTP_URL, parse::http_url).map(ServerUrl::from);
    let key = section.table("key", KEY_FIELDS).and_then(|key| read_key(section, &key));
    let key_header = section.text("key_header", "the name of a header such as api-key", ExtraHeaders::free_name);
    if key_header.is_some() && !section.has("key") {
        section.report_field("key_header", "no value without a key");
    }
    let headers = read_headers(section);
    if key_header.as_ref().is_some_and(|name| headers.contain(name)) {
        section.report_field("headers", "no header that has the key (key_header)");
    }
    let body = section.read("body", &format!("a table of {}", ExtraFields::EXPECTED), |value| {
        ExtraFields::new(object(value.as_table()?)?)
    });
    let omit = section.list("omit", Omission::EXPECTED, Omission::parse);
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let roots = section.text("roots", "the path of a PEM file with certificates of authorities", path);
    let time = |field| section.text(field, &format!("a text with {DURATION},"), parse::duration);
    Some(FileProvider {
        connect_timeout: time("connect_timeout"),
        first_byte_timeout: time("first_byte_timeout"),
        idle_timeout: time("idle_timeout"),
        name: name?,
        base_url: base_url?,
        key,
        key_header,
        headers,
        body: body.unwrap_or_default(),
        omit: omit.unwrap_or_default(),
        roots: roots.map(|path| (path, section.line_of("roots"))),
    })
}

/// Reads the source of a key; `None` for a mistake.
fn read_key(provider: &Section<'_>, section: &Section<'_>) -> Option<FileKey> {
    let variable =
        section.text("env", "the name of an environment variable that is no other secret of this server", |text| {
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let is_name = !text.is_empty() && text.bytes().all(is_valid) && !is_other_secret(text);
            is_name.then(|| FileKey::Variable(text.to_owned()))
        });
    let file = section.text("file", "the path of a file with the key", |text| {
        (!text.is_empty()).then(|| FileKey::File(PathBuf::from(text), section.line_of("file")))
    });
    let papita = section.text("papita", "the name of a key in Papita", |text| {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = text.bytes().any(|byte| byte != b'.') && text.len() <= MAX_PAPITA_NAME;
        (is_name && text.bytes().all(is_valid)).then(|| FileKey::Papita(text.to_owned()))
    });
    if section.len() != 1 {
        provider.report_field("key", "exactly one of env, file and papita in the table");
    }
    variable.or(file).or(papita)
}

/// Whether a variable has another secret of this server, which no provider may get.
fn is_other_secret(name: &str) -> bool {
    let is_of = |secret: &SecretVariable| secret.variable.name == name && name != OPENAI_API_KEY.name;
    SECRET_VARIABLES.iter().any(is_of)
}

/// Reads the headers, without those that have mistakes.
fn read_headers(section: &Section<'_>) -> ExtraHeaders {
    let mut headers = ExtraHeaders::default();
    for (name, value) in section.entries("headers") {
        if value.get_ref().as_str().and_then(|text| headers.add(name.get_ref(), text)).is_none() {
            section.report_at(name.span().start, ExtraHeaders::EXPECTED, "headers");
        }
    }
    headers
}

/// Returns a table as JSON; `None` if it holds a value that JSON does not have, such as a date.
fn object(table: &DeTable<'_>) -> Option<Map<String, Value>> {
    table.iter().map(|(name, value)| Some((name.get_ref().to_string(), json(value.get_ref())?))).collect()
}

fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => Number::from_f64(number.as_str().parse().ok()?)?.into(),
        DeValue::Boolean(is_true) => Value::from(*is_true),
        DeValue::Array(values) => values.iter().map(|value| json(value.get_ref())).collect::<Option<Vec<_>>>()?.into(),
        DeValue::Table(table) => object(table)?.into(),
        DeValue::Datetime(_) => return None,
    })
}
