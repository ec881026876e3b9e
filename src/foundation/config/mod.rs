//! Settings, read once from the environment, `.env` and the configuration file into types. All invalid settings are reported together, by name and
//! with a description of valid values.

mod config_file;
mod database_address;
mod env_file;
mod events;
mod foreign_names;
mod hooks;
mod invalid;
mod limit_list;
mod limits;
mod log_filter;
mod notices;
mod origins;
mod parse;
mod per_provider;
mod provider;
mod public_url;
mod read;
mod read_model;
mod read_providers;
mod request_extras;
mod secret_source;
mod settings;
mod source;
mod tenant_name;
mod text_file;
mod traces;
mod variables;

pub use self::{
    config_file::{ConfigFile, FileSettings, InvalidConfigFile, Mistake, SiteLimits, SiteSettings},
    database_address::{DatabaseAddress, SqliteAddress},
    events::Events,
    hooks::{ContextHook, Guard, GuardFail, Hooks},
    invalid::{InvalidSetting, InvalidSettings},
    limit_list::{InvalidLimits, Limit, LimitList, LimitUnit, LimitWindow},
    limits::{AnswerLimit, InputLimit, Limits, ScopeLimits},
    origins::AllowedOrigin,
    parse::{http_url, list, pico_per_token},
    per_provider::{PerProvider, ProviderIndex},
    provider::{KeySource, ListedModel, Omission, Provider, TlsRoots},
    public_url::PublicUrl,
    request_extras::{ExtraFields, ExtraHeaders},
    secret_source::{SecretPlace, UnreadableSecret, read_key},
    settings::{
        Accounts, AiService, Breaker, Config, Credentials, Database, LogContent, LogFormat, LogRetention,
        MetricsAccess, Model, ModelStream, OnDisconnect, Proxy, Quotas, Server, SessionLog, Turns,
    },
    source::Source,
    tenant_name::TenantName,
    traces::{TraceSampling, Traces},
    variables::{SECRET_VARIABLES, SecretVariable, VARIABLES, Variable},
};

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(pairs: &[(&'static str, &'static str)]) -> Vec<&'static str> {
        let Err(invalid) = Config::read(&Source::of_pairs(pairs.iter().copied())) else {
            return Vec::new();
        };
        invalid.0.into_iter().map(|setting| setting.variable).collect()
    }

    #[test]
    fn every_default_is_valid() {
        let config = Config::read(&Source::default()).unwrap();
        assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 5000));
        assert!(!config.credentials.papita_configured);
        assert!(!config.providers.first().works_without_key());
    }

    #[test]
    fn all_invalid_settings_are_reported_together() {
        let found = invalid(&[("PORT", "70000"), ("AI_SERVICE", "magic"), ("TURN_TIMEOUT", "soon")]);
        assert_eq!(found, ["PORT", "AI_SERVICE", "TURN_TIMEOUT"]);
    }

    #[test]
    fn settings_of_a_guard_need_its_address() {
        assert_eq!(invalid(&[("GUARD_ANSWERS", "on")]), ["GUARD_URL"]);
        assert_eq!(invalid(&[("GUARD_TOKEN", "hush"), ("GUARD_FAIL", "maybe")]), ["GUARD_FAIL", "GUARD_URL"]);
        let url = ("GUARD_URL", "http://guard/judge/");
        assert_eq!(invalid(&[url, ("GUARD_ANSWERS", "on")]), [""; 0]);
        let guard = Config::read(&Source::of_pairs([url])).unwrap().hooks.guard.unwrap();
        assert_eq!(guard.url.as_str(), "http://guard/judge/", "no slash is added or removed");
    }

    #[test]
    fn settings_of_a_context_hook_need_its_address() {
        assert_eq!(
            invalid(&[("CONTEXT_TOKEN", "hush"), ("CONTEXT_TIMEOUT", "soon")]),
            ["CONTEXT_TIMEOUT", "CONTEXT_URL"]
        );
        assert_eq!(invalid(&[("CONTEXT_URL", "ftp://context/texts")]), ["CONTEXT_URL"]);
        let hooks = Config::read(&Source::of_pairs([("CONTEXT_URL", "http://context/texts")])).unwrap().hooks;
        assert_eq!(hooks.context.unwrap().timeout, std::time::Duration::from_secs(2));
    }

    #[test]
    fn keykeywords_are_read_in_any_case() {
        let keywords = [
            ("AI_SERVICE", "Basic"),
            ("MODEL_STREAM", "ALWAYS"),
            ("ON_DISCONNECT", "Drain"),
            ("PORTAL", "Off"),
            ("SESSION_LOG_CONTENT", "ON"),
        ];
        assert_eq!(invalid(&keywords), [""; 0]);
        assert_eq!(Config::read(&Source::of_pairs(keywords)).unwrap().model.stream, ModelStream::Always);
    }

    #[test]
    fn an_error_never_holds_the_value() {
        let source = Source::of_pairs([("OPENAI_BASE_URL", "sk-secret-put-in-the-wrong-line")]);
        let shown = Config::read(&source).unwrap_err().to_string();
        assert!(!shown.contains("sk-secret"), "{shown}");
        assert!(shown.contains("OPENAI_BASE_URL: expected a URL"), "{shown}");
    }

    #[test]
    fn port_takes_precedence_over_server_port() {
        let port = |pairs: &[(&'static str, &'static str)]| {
            Config::read(&Source::of_pairs(pairs.iter().copied())).unwrap().server.port
        };
        assert_eq!(port(&[("SERVER_PORT", "6000")]), 6000);
        assert_eq!(port(&[("SERVER_PORT", "6000"), ("PORT", "7000")]), 7000);
        assert_eq!(port(&[("PORT", " ")]), 5000);
    }
}
