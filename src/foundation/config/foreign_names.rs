//! Variables of other programs that users may set by habit, with the setting that has the same purpose here.

/// Each name with a hint, which completes "NAME is not a setting of AL-Chat: …".
pub(super) const FOREIGN_NAMES: &[(&str, &str)] = &[
    // Other names for settings of this service.
    ("OPENAI_API_BASE", "OPENAI_BASE_URL is"),
    ("OPENAI_API_BASE_URL", "OPENAI_BASE_URL is"),
    ("OPENAI_API_TOKEN", "OPENAI_API_KEY is"),
    ("OPENAI_MODEL_NAME", "OPENAI_MODEL is"),
    ("MODEL", "OPENAI_MODEL is"),
    ("MODEL_NAME", "OPENAI_MODEL is"),
    ("HOST", "SERVER_HOST is"),
    ("BIND", "SERVER_HOST and PORT are"),
    ("DEBUG", "LOG_LEVEL=debug shows more"),
    ("RUST_LOG", "LOG_LEVEL is, also for a tracing filter"),
    ("TZ", "SESSION_LOG_TIMEZONE is; TZ counts in the environment only"),
    ("SSL_CERT_FILE", "it counts in the environment only"),
    ("SSL_CERT_DIR", "it counts in the environment only"),
    ("CORS_ORIGINS", "FRONTEND_URL lists the origins"),
    ("CORS_ORIGIN", "FRONTEND_URL lists the origins"),
    ("ALLOWED_ORIGINS", "FRONTEND_URL lists the origins"),
    ("HTTP_PROXY", "HTTPS_PROXY is; calls by plain http go straight"),
    ("ALL_PROXY", "HTTPS_PROXY is"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "traces are always sent by http/protobuf"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS is"),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT is"),
    // Settings of the Flask services that this one replaces.
    ("FLASK_APP", "there is no Flask here"),
    ("FLASK_ENV", "there is no Flask here, and no development mode"),
    ("FLASK_DEBUG", "there is no Flask here; LOG_LEVEL=debug shows more"),
    ("FLASK_RUN_HOST", "SERVER_HOST is"),
    ("FLASK_RUN_PORT", "PORT is"),
    ("SECRET_KEY", "cookies need no secret, and JWT_SECRET_KEY signs tokens"),
    ("FLASK_SECRET_KEY", "cookies need no secret, and JWT_SECRET_KEY signs tokens"),
    ("SESSION_SECRET", "cookies need no secret"),
    ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL is"),
    // Providers with an OpenAI-compatible API.
    (
        "GEMINI_API_KEY",
        "Gemini is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://generativelanguage.googleapis.com/v1beta/openai/",
    ),
    (
        "GOOGLE_API_KEY",
        "Gemini is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://generativelanguage.googleapis.com/v1beta/openai/",
    ),
    ("GROQ_API_KEY", "Groq is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://api.groq.com/openai/v1"),
    ("MISTRAL_API_KEY", "Mistral is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://api.mistral.ai/v1"),
    ("DEEPSEEK_API_KEY", "DeepSeek is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://api.deepseek.com/v1"),
    ("OPENROUTER_API_KEY", "OpenRouter is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://openrouter.ai/api/v1"),
    ("ANTHROPIC_API_KEY", "Claude is asked with OPENAI_API_KEY and OPENAI_BASE_URL=https://api.anthropic.com/v1/"),
    ("GOOGLE_CLIENT_ID", "there is no login by Google"),
    ("GOOGLE_CLIENT_SECRET", "there is no login by Google"),
    ("GITHUB_CLIENT_ID", "there is no login by GitHub"),
    ("GITHUB_CLIENT_SECRET", "there is no login by GitHub"),
    ("FACEBOOK_APP_ID", "there is no login by Facebook"),
    ("FACEBOOK_APP_SECRET", "there is no login by Facebook"),
];

/// Variables of other programs whose names resemble settings of this service.
const SIMILAR_NAMES: [&str; 2] = ["http_proxy", "all_proxy"];

/// Whether a name belongs to another program although it resembles a setting of this service.
pub(super) fn belongs_to_other_program(name: &str) -> bool {
    SIMILAR_NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::foundation::config::VARIABLES;

    #[test]
    fn no_foreign_name_is_a_setting_or_listed_twice() {
        let names = FOREIGN_NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(VARIABLES.iter().all(|variable| !names.contains(&variable.name)));
    }
}
