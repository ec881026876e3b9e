//! What `LOG_LEVEL` means: a level as people write it, or a filter of the `tracing` crate.

use tracing_subscriber::EnvFilter;

/// The filter that a text asks for, in the words of `tracing`. A bare word has to be a level: `tracing` itself would take
/// `warning` for the name of a module, and show everything of that and nothing else.
pub(super) fn filter(text: &str) -> Option<String> {
    let filter = text.split(',').map(|part| directive(part.trim())).collect::<Option<Vec<_>>>()?.join(",");
    EnvFilter::builder().parse(&filter).is_ok().then_some(filter)
}

fn directive(text: &str) -> Option<String> {
    // A span without a level; its fields may have equals signs of their own.
    if text.ends_with(']') {
        return Some(text.to_owned());
    }
    match text.rsplit_once('=') {
        Some((target, name)) => Some(format!("{}={}", target.trim(), level(name.trim())?)),
        None => level(text).map(str::to_owned),
    }
}

/// A level by one of its usual names.
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
    fn levels_and_filters_are_understood() {
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
            assert_eq!(filter(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["verbose", "loud", "al_chat", "info,loud", "al_chat=loud", "=", "info,", ",", "[", "sk-Secret?!", "5"]
        {
            assert_eq!(filter(text), None, "{text}");
        }
    }
}
