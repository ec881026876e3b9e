//! Hints about a model that doesn't answer.

use url::Url;

use super::{listing::Listing, server::Server, similar_names::most_similar};
use crate::{
    adapters::model::ModelFailure,
    foundation::{config::Config, http_client::Cause, redaction::redacted, secret::ServerUrl},
};

/// Providers: the prefix of their keys, their name, and their base URL.
const PROVIDERS: [(&str, &str, &str); 10] = [
    ("sk-ant-", "Anthropic", "https://api.anthropic.com/v1"),
    ("sk-or-", "OpenRouter", "https://openrouter.ai/api/v1"),
    ("sk-proj-", "OpenAI", "https://api.openai.com/v1"),
    ("sk-svcacct-", "OpenAI", "https://api.openai.com/v1"),
    ("gsk_", "Groq", "https://api.groq.com/openai/v1"),
    ("AIza", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
    ("xai-", "xAI", "https://api.x.ai/v1"),
    ("hf_", "Hugging Face", "https://router.huggingface.co/v1"),
    ("nvapi-", "NVIDIA", "https://integrate.api.nvidia.com/v1"),
    ("pplx-", "Perplexity", "https://api.perplexity.ai"),
];

/// Paths of operations, which are not part of a base URL.
const OPERATIONS: [&str; 5] = ["/chat/completions", "/completions", "/models", "/responses", "/embeddings"];

/// Paths of the base URLs of known model servers.
const PATHS: [&str; 6] = ["/v1", "/openai/v1", "/api/v1", "/v1beta/openai", "/api", ""];

/// Returns hints about the cause of a failure, from requests to the same server that cost nothing.
pub(super) async fn hints(config: &Config, server: Server<'_>, model: &str, failure: &ModelFailure) -> Vec<String> {
    let listing = Listing::read(server, &server.provider.base_url).await;
    let setting = server.address_setting();
    let mut hints = Vec::new();
    if matches!(failure, ModelFailure::Unauthorized | ModelFailure::Forbidden) {
        hints.push(about_key(server));
    }
    let is_wrong_address = match listing {
        Listing::Models(names) => {
            hints.extend(about_name(config, server, model, &names));
            false
        }
        Listing::NoResponse(Cause::Reset | Cause::NotHttp) if answers_by_tls(server).await => {
            hints.push(about_tls(&setting));
            false
        }
        Listing::NoResponse(cause) => {
            hints.push(server.about_authority(cause).unwrap_or_else(|| cause.to_string()));
            false
        }
        Listing::NeedsTls => {
            hints.push(about_tls(&setting));
            false
        }
        Listing::Redirect(location) => {
            let location = redacted(&location, &server.secrets());
            hints.push(format!("the server sends callers on to {location}; set {setting} to what fits that"));
            true
        }
        Listing::Page(title) => {
            hints.push(about_page(&redacted(&title, &server.secrets()), &setting));
            true
        }
        Listing::Other(_) => true,
        Listing::Refused | Listing::Loading => false,
    };
    if is_wrong_address {
        hints.push(about_path(server).await);
    }
    hints
}

fn about_tls(setting: &str) -> String {
    format!("the server expects TLS on this port; begin {setting} with https://")
}

/// Whether a server that gives no answer by plain HTTP expects TLS on the port that the address names.
async fn answers_by_tls(server: Server<'_>) -> bool {
    let mut url = Url::clone(&server.provider.base_url);
    if url.scheme() != "http" || url.port().is_none() || url.set_scheme("https").is_err() {
        return false;
    }
    match Listing::read(server, &url).await {
        Listing::NoResponse(cause) => {
            matches!(cause, Cause::TlsUnknownAuthority | Cause::TlsOtherName | Cause::TlsExpired | Cause::TlsOther)
        }
        _ => true,
    }
}

fn about_key(server: Server<'_>) -> String {
    let host = server.provider.base_url.host_str().unwrap_or_default();
    let Some(key) = server.key else { return format!("{host} wants a key; set {}", server.key_setting()) };
    let alone = key.alone();
    let text = alone.to_str().unwrap_or_default();
    let provider = PROVIDERS.iter().find(|(prefix, _, base)| text.starts_with(prefix) && !base.contains(host));
    match provider {
        Some((_, name, base)) => {
            let setting = server.address_setting();
            format!("the key looks like one of {name}, which is at {base} ({setting}); it is sent to {host}")
        }
        None => format!("is the key one of {host}, complete, and not revoked?"),
    }
}

fn about_name(config: &Config, server: Server<'_>, model: &str, names: &[String]) -> Option<String> {
    let name = config.model.upstream_name(model);
    if names.iter().any(|it| it == name) {
        return None;
    }
    if names.is_empty() {
        return Some("the server has no model at all; load one there first".to_owned());
    }
    let nearest = redacted(&most_similar(name, names, 3).join(", "), &server.secrets());
    let setting = if !config.model.listed.is_empty() {
        "name or upstream_name in [[models]]"
    } else if model == config.model.default {
        "OPENAI_MODEL"
    } else {
        "ALLOWED_MODELS, FALLBACK_MODELS, or the model of a persona"
    };
    let count = names.len();
    Some(format!("the server has {count} models, and none of this name; the nearest are {nearest} ({setting})"))
}

fn about_page(title: &str, setting: &str) -> String {
    let titled = if title.is_empty() { String::new() } else { format!(" ({title})") };
    format!(
        "what answers is a web page{titled}, not a model server; is a proxy, a login or another website at {setting}?"
    )
}

/// Looks for the model server at other paths of the same host, and returns a hint.
async fn about_path(server: Server<'_>) -> String {
    let setting = server.address_setting();
    let mut refused = None;
    for url in alternatives(&server.provider.base_url) {
        match Listing::read(server, &url).await {
            Listing::Models(_) => return format!("a model server answers at {url}; set {setting} to that"),
            Listing::Refused => refused = refused.or(Some(url)),
            _ => {}
        }
    }
    match refused {
        Some(url) => format!("a model server may be at {url}, which refuses the key; try {setting} with that"),
        None => format!("no model server was found at this host and port; {setting} mostly ends in /v1"),
    }
}

/// Returns base URLs that the user may have meant.
fn alternatives(base: &Url) -> Vec<ServerUrl> {
    let path = base.path().trim_end_matches('/');
    let stem = OPERATIONS.iter().find_map(|operation| path.strip_suffix(operation)).unwrap_or(path);
    let mut paths = vec![stem.to_owned(), format!("{stem}/v1")];
    paths.extend(stem.strip_suffix("/v1").map(str::to_owned));
    paths.extend(PATHS.map(str::to_owned));
    let mut seen = vec![path.to_owned()];
    let mut urls = Vec::new();
    for path in paths {
        if !seen.contains(&path) {
            let mut url = base.clone();
            url.set_path(&path);
            urls.push(url.into());
            seen.push(path);
        }
    }
    urls
}
