//! The value of `LOG_LEVEL`: a level by any of its usual names, or a filter of the `tracing` crate.

use tracing_subscriber::EnvFilter;

/// Parses `LOG_LEVEL` and returns it in the syntax of `tracing`. A word without `=` must be a level: `tracing` itself would
/// read `warning` as the name of a module, and log nothing else.
pub(super) fn parse(text: &str) -> Option<String> {
    let filter = text.split(',').map(|part| directive(part.trim())).collect::<Option<Vec<_>>>()?.join(",");
    EnvFilter::builder().parse(&filter).is_ok().then_some(filter)
}

fn directive(text: &str) -> Option<String> {
    // A directive for a span, without a level. The fields in its brackets may contain equals signs.
    if text.ends_with(']') {
        return Some(text.to_owned());
    }
    match text.rsplit_once('=') {
        Some((target, name)) => Some(format!("{}={}", target.trim(), level(name.trim())?)),
        None => level(text).map(str::to_owned),
    }
}

/// Returns the `tracing` level for one of its usual names, in any case.
fn level(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "off" | "none" => Some("off"),
        "error" | "critical" | "fatal" => Some("error"),
        "warn" | "warning" => Some("warn"),
        "info" | "notice" => Some("info"),
        "debug" => Some("debug"),
        "trace" => Some("trace"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_parsed() {
        for (text, expected) in [
            ("warning", "warn"),
            ("WARN", "warn"),
            ("Info", "info"),
            ("CRITICAL", "error"),
            ("off", "off"),
            ("trace", "trace"),
            ("info, al_chat::services::turn=DEBUG", "info,al_chat::services::turn=debug"),
            ("al_chat=warning,hyper=off", "al_chat=warn,hyper=off"),
            ("info,al_chat[turn{status=5}]=DEBUG,[start]", "info,al_chat[turn{status=5}]=debug,[start]"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn invalid_levels_and_filters_are_refused() {
        for text in
            ["verbose", "loud", "al_chat", "info,loud", "al_chat=loud", "=", "info,", ",", "[", "sk-Secret?!", "5"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
