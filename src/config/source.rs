//! Where settings come from: the environment first, `.env` second, a default third. Reading collects mistakes
//! instead of stopping at the first.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    Mistake,
    variables::{PORT, SERVER_PORT, Variable},
};

/// Named texts, blank ones left out.
#[derive(Debug, Default)]
pub struct Source {
    values: HashMap<String, String>,
    pub(super) env_file: PathBuf,
    unreadable: Vec<Mistake>,
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
        let environment = pairs.collect::<HashMap<_, _>>();
        if environment.contains_key(SERVER_PORT.name) && !environment.contains_key(PORT.name) {
            source.values.remove(PORT.name);
        }
        for (name, value) in environment {
            source.set(name, value);
        }
        source
    }

    /// Exactly these settings.
    pub fn of_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut source = Self::default();
        for (name, value) in pairs {
            source.set(name.into(), value.into());
        }
        source
    }

    /// A blank value unsets what was there before.
    fn set(&mut self, name: String, value: String) {
        if value.trim().is_empty() {
            self.values.remove(&name);
        } else {
            self.values.insert(name, value);
        }
    }

    fn add_file(&mut self) {
        if !self.env_file.is_file() {
            return;
        }
        // The parser's own error would quote the line, and with it perhaps a key.
        let mistake = || Mistake {
            variable: ".env",
            expected: "lines of the form NAME=value, quoted where the value has blanks".to_owned(),
        };
        match dotenvy::from_path_iter(&self.env_file) {
            Err(_) => self.unreadable.push(mistake()),
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => self.set(name, value),
                        Err(_) => self.unreadable.push(mistake()),
                    }
                }
            }
        }
    }

    pub(super) fn has(&self, variable: Variable) -> bool {
        self.values.contains_key(variable.name)
    }
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
