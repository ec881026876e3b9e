//! Warnings about settings that don't prevent the start: misspelled names, placeholders, variables of other programs.
//!
//! A notice holds names of variables, never values. Unknown names in `.env` are all listed. In the environment, which
//! holds variables of all programs, only names that resemble settings are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    env_file::{Assignment, MalformedLine},
    foreign_names::{FOREIGN_NAMES, belongs_to_other_program},
    variables::{OPENAI_API_KEY, SECRET_VARIABLES, VARIABLES, is_setting},
};
use crate::foundation::secret::{ApiKey, InvalidApiKey};

/// The number of unknown names that are listed; the others are counted.
const MAX_LISTED: usize = 20;

/// Returns notices about the assignments of a `.env` file.
pub(super) fn of_file(assignments: &[Assignment]) -> Vec<String> {
    let mut notices = Vec::new();
    let mut unknown = BTreeSet::new();
    let mut seen = BTreeMap::new();
    for Assignment { line, name, value } in assignments {
        if is_setting(name) {
            if let Some(before) = seen.insert(name, line) {
                notices.push(format!("{name} stands twice in .env, in lines {before} and {line}; the last one counts"));
            }
            if value.as_deref().is_ok_and(has_reference) {
                notices.push(format!(
                    "{name} in .env, line {line}, refers to another variable; nothing is replaced there"
                ));
            }
        } else if let Some(notice) = of_name(name, ".env") {
            notices.push(notice);
        } else if *value != Err(MalformedLine::NoEqualsSign) && is_plain_name(name) {
            unknown.insert(name.as_str());
        }
    }
    if !unknown.is_empty() {
        notices.push(list(&unknown));
    }
    notices
}

fn list(unknown: &BTreeSet<&str>) -> String {
    let listed = unknown.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = match unknown.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("names in .env that are no settings of AL-Chat: {listed}{more}; `al-chat --help` lists the settings")
}

/// Returns notices about the names of environment variables.
pub(super) fn of_environment<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_unknown = |name: &&str| !is_setting(name);
    // Known variables of other programs are skipped, unless they are about OpenAI or Papita.
    let is_ours = |name: &&str| !is_foreign(name) || name.starts_with("OPENAI_") || name.starts_with("PAPITA_");
    names.filter(is_unknown).filter(is_ours).filter_map(|name| of_name(name, "the environment")).collect()
}

/// Returns notices about the values of settings.
pub(super) fn of_values<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let key = values.filter(|(name, _)| *name == OPENAI_API_KEY.name).find_map(|(name, value)| {
        let notice = match ApiKey::try_parse(value) {
            Err(InvalidApiKey::Placeholder) => {
                "holds a placeholder of an example file and counts as unset; put a real key there"
            }
            Err(InvalidApiKey::InvalidHeaderValue) => {
                "holds a character that no key has, and counts as unset; copy the key again"
            }
            Ok(_) if !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                "has blanks or special characters in it, which no usual key has; was it copied whole, and nothing else?"
            }
            Ok(_) | Err(InvalidApiKey::Blank) => return None,
        };
        Some(format!("{name} {notice}"))
    });
    key.into_iter().collect()
}

/// Returns a notice about a name that is not a setting, if it resembles one or belongs to a known program.
fn of_name(name: &str, place: &str) -> Option<String> {
    if let Some((_, hint)) = FOREIGN_NAMES.iter().find(|(foreign, _)| *foreign == name) {
        return Some(format!("{name} in {place} is no setting of AL-Chat: {hint}"));
    }
    if belongs_to_other_program(name) {
        return None;
    }
    if let Some(setting) = name.strip_suffix("_FILE").and_then(nearest) {
        let secret = SECRET_VARIABLES.iter().find(|secret| secret.variable.name == setting);
        return Some(match secret {
            Some(secret) => format!("{name} in {place} is no setting of AL-Chat; did you mean {}?", secret.file),
            None => format!("{name} in {place} is not read; only secrets can be in files, set {setting} itself"),
        });
    }
    nearest(name).map(|setting| format!("{name} in {place} is no setting of AL-Chat; did you mean {setting}?"))
}

fn is_foreign(name: &str) -> bool {
    FOREIGN_NAMES.iter().any(|(foreign, _)| *foreign == name)
}

/// Returns the setting whose name is nearest to `name`, if the difference may be a spelling mistake.
fn nearest(name: &str) -> Option<&'static str> {
    let letters = letters(name);
    let distances = VARIABLES.iter().map(|variable| {
        let other = self::letters(variable.name);
        (strsim::osa_distance(&letters, &other), other.len(), variable.name)
    });
    let (distance, length, nearest) = distances.min_by_key(|(distance, ..)| *distance)?;
    (distance <= max_distance(length)).then_some(nearest)
}

/// Returns the largest edit distance between a name of this length and a misspelling of it.
fn max_distance(length: usize) -> usize {
    match length {
        0..8 => 1,
        8..12 => 2,
        _ => 3,
    }
}

/// Normalizes a name for comparison: upper case, without the characters between words.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether a text looks like the name of a variable, and not like a piece of a key or certificate before an equals sign.
fn is_plain_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    (2..=40).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a value holds `${NAME}`, or is `$NAME`, which some programs replace by the value of a variable.
fn has_reference(value: &str) -> bool {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let in_braces = value.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    in_braces.into_iter().any(|(name, _)| is_name(name)) || value.strip_prefix('$').is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_names_are_recognized() {
        for (name, setting) in [
            ("OPENAI_APIKEY", "OPENAI_API_KEY"),
            ("OPEN_AI_KEY", "OPENAI_API_KEY"),
            ("OPENAI_KEY", "OPENAI_API_KEY"),
            ("openai_api_key", "OPENAI_API_KEY"),
            ("OPENAI-API-KEY", "OPENAI_API_KEY"),
            ("PORTT", "PORT"),
            ("SESSIONLOG_DIR", "SESSION_LOG_DIR"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("JWT_SECRET", "JWT_SECRET_KEY"),
            ("PAPITA_URL", "PAPITA_API_URL"),
            ("FRONT_END_URL", "FRONTEND_URL"),
            ("LOGLEVEL", "LOG_LEVEL"),
        ] {
            assert_eq!(nearest(name), Some(setting), "{name}");
        }
    }

    #[test]
    fn names_of_other_programs_get_no_notice() {
        let names = [
            "PATH",
            "HOME",
            "HOSTNAME",
            "PWD",
            "LANG",
            "TERM",
            "SHELL",
            "LOGNAME",
            "NO_COLOR",
            "HTTP_PROXY",
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "ALL_PROXY",
            "DATABASE_HOST",
            "DATABASE_USER",
            "BACKEND_URL",
            "REDIS_URL",
            "OPENAI_ORG_ID",
            "GEMINI_API_KEY",
            "GOOGLE_API_KEY",
            "ANTHROPIC_API_KEY",
            "RUST_LOG",
            "TZ",
            "HOST",
            "POSTGRES_PASSWORD_FILE",
            "SSL_CERT_FILE",
            "KUBERNETES_SERVICE_PORT",
            "npm_config_noproxy",
            "SESSION_MANAGER",
            "DESKTOP_SESSION",
            "LS_COLORS",
        ];
        assert_eq!(of_environment(names.into_iter()), [""; 0]);
    }

    #[test]
    fn references_differ_from_keys_with_a_dollar_sign() {
        for value in ["${NAME}", "x${DB_HOST}y", "$NAME", "$DB_HOST"] {
            assert!(has_reference(value), "{value}");
        }
        for value in ["sk-a$b$$c", "$", "pa$$word", "${", "${}", "$2a$10$abc", "a$NAME"] {
            assert!(!has_reference(value), "{value}");
        }
    }
}
