//! Where settings come from: the environment first, `.env` second, a default third. Reading collects mistakes
//! instead of stopping at the first.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{
    Mistake,
    env_file::{self, Assignment},
    notices,
    variables::{HTTPS_PROXY, NO_PROXY, PORT, SERVER_PORT, VARIABLES, Variable},
};

/// Names in lower case that mean the same as a setting, as `curl` and others have it.
const LOWER_CASE: [(&str, Variable); 2] = [("https_proxy", HTTPS_PROXY), ("no_proxy", NO_PROXY)];

/// Named texts, blank ones left out.
#[derive(Debug, Default)]
pub struct Source {
    values: HashMap<String, String>,
    pub(super) env_file: PathBuf,
    unreadable: Vec<Mistake>,
    notices: Vec<String>,
}

impl Source {
    /// The process's environment, with the file `env_file` behind it. The file is read without touching the
    /// environment; it may be absent.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
    pub fn of_process(env_file: &Path) -> Self {
        let mut source = Self { env_file: env_file.to_owned(), ..Self::default() };
        source.add_file();
        // `vars` would panic on a value that is not UTF-8; such a value cannot be one of ours.
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment = pairs.collect::<BTreeMap<_, _>>();
        source.notices.extend(notices::of_environment(environment.keys().map(String::as_str)));
        if environment.contains_key(SERVER_PORT.name) && !environment.contains_key(PORT.name) {
            source.values.remove(PORT.name);
        }
        source.add(environment);
        source
    }

    /// Exactly these settings.
    pub fn of_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut source = Self::default();
        source.add(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        source
    }

    /// Adds settings over those that are there. A blank value unsets what was there before.
    fn add(&mut self, mut pairs: BTreeMap<String, String>) {
        for (name, variable) in LOWER_CASE {
            if let Some(value) = pairs.remove(name) {
                pairs.entry(variable.name.to_owned()).or_insert(value);
            }
        }
        for (name, value) in pairs {
            if value.trim().is_empty() {
                self.values.remove(&name);
            } else {
                self.values.insert(name, value);
            }
        }
    }

    fn add_file(&mut self) {
        let mistake = |expected| Mistake { variable: ".env", expected };
        let assignments = match env_file::read(&self.env_file, is_setting) {
            Ok(assignments) => assignments,
            Err(unreadable) => return self.unreadable.push(mistake(unreadable.to_string())),
        };
        self.notices.extend(notices::of_file(&assignments));
        let mut pairs = BTreeMap::new();
        for Assignment { line, name, value } in assignments {
            match value {
                Ok(value) => drop(pairs.insert(name, value)),
                // Never with the line itself, which may hold a key.
                Err(malformed) if is_setting(&name) => {
                    self.unreadable.push(mistake(format!("{malformed} in line {line}, which is about {name}")));
                }
                Err(_) => {}
            }
        }
        self.add(pairs);
    }

    /// What the operator should know of the settings although none of it keeps the service from starting, a sentence
    /// each: misspelled names, placeholders, variables of other programs. Without any value.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let values =
            VARIABLES.iter().filter_map(|variable| Some((variable.name, self.values.get(variable.name)?.trim())));
        self.notices.iter().cloned().chain(notices::of_values(values)).collect()
    }

    pub(super) fn has(&self, variable: Variable) -> bool {
        self.values.contains_key(variable.name)
    }
}

/// Whether there is a setting of this name.
pub(super) fn is_setting(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name) || LOWER_CASE.iter().any(|(lower, _)| *lower == name)
}

/// Reads settings from a source and remembers what was wrong with them.
pub(super) struct Reader<'a> {
    source: &'a Source,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, mistakes: source.unreadable.clone() }
    }

    /// The setting's text, trimmed, or its default; `None` where neither is given.
    pub(super) fn text(&self, variable: Variable) -> Option<&'a str> {
        let text = match self.source.values.get(variable.name) {
            Some(value) => value.trim(),
            None => variable.default,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The setting as `parse` understands it; an absent one is parsed as empty text. A mistake is recorded with what
    /// was expected, never with the value, which may be a secret put in the wrong place.
    pub(super) fn read<T>(
        &mut self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(self.text(variable).unwrap_or_default());
        if value.is_none() {
            self.mistakes.push(Mistake { variable: variable.name, expected: expected.to_owned() });
        }
        value
    }
}
