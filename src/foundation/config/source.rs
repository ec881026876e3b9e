//! Sources of settings: the environment, then `.env`, then the configuration file, then defaults. Reading collects all invalid settings instead of
//! stopping at the first.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{
    config_file::{self, InvalidConfigFile},
    env_file::{self, Assignment},
    invalid::InvalidSetting,
    notices,
    secret_source::{GivenSecret, SecretPlace},
    text_file::{self, UnreadableFile},
    variables::{
        ADMIN_TOKEN, CONFIG_FILE, LOWER_CASE_NAMES, PORT, SECRET_VARIABLES, SERVER_PORT, VARIABLES, Variable,
        is_setting,
    },
};

/// The values of settings by name, without blank ones. Its `Debug` output holds no values.
#[derive(Default)]
pub struct Source {
    values: HashMap<String, String>,
    secrets: BTreeMap<&'static str, GivenSecret>,
    secret_places: BTreeMap<&'static str, SecretPlace>,
    pub(super) env_file: PathBuf,
    invalid: Vec<InvalidSetting>,
    notices: Vec<String>,
    config_text: ConfigText,
}

/// What was found at the path of the configuration file.
#[derive(Default)]
enum ConfigText {
    /// No file, or none was looked for.
    #[default]
    Missing,
    /// The text of the file.
    Read(String),
    /// A file that cannot be read, or that is missing although its path is set.
    Unreadable(UnreadableFile),
}

impl Source {
    /// Reads the environment of the process, the file `env_file`, which may be missing, and the files of secrets that they
    /// name. Environment variables take precedence. The environment is not changed.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the environment")]
    pub fn of_process(env_file: &Path) -> Self {
        let mut source = Self { env_file: env_file.to_owned(), ..Self::default() };
        let assignments = source.add_file();
        // `vars` would panic on a value that is not UTF-8. No setting has such a value.
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment = pairs.collect::<BTreeMap<_, _>>();
        let names = environment.keys().cloned().collect::<Vec<_>>();
        if environment.contains_key(SERVER_PORT.name) && !environment.contains_key(PORT.name) {
            source.values.remove(PORT.name);
        }
        source.add(environment, &SecretPlace::Environment);
        source.read_secrets();
        source.read_config_file();
        source.add_notices_of_names(assignments, &names);
        source
    }

    /// Adds notices about names that are neither settings nor keys that the configuration file names.
    fn add_notices_of_names(&mut self, mut of_file: Vec<Assignment>, of_environment: &[String]) {
        let text = if let ConfigText::Read(text) = &self.config_text { text } else { "" };
        let keys = config_file::key_variables(text);
        for Assignment { line, name, value } in of_file.iter().filter(|assignment| keys.contains(&assignment.name)) {
            if let Err(malformed) = value {
                let expected = format!("{malformed} in line {line}, which is about {name}");
                self.invalid.push(InvalidSetting { variable: ".env", expected });
            }
        }
        of_file.retain(|assignment| !keys.contains(&assignment.name));
        let of_environment = of_environment.iter().filter(|name| !keys.contains(*name)).map(String::as_str);
        let of_names = [notices::of_file(&of_file), notices::of_environment(of_environment)].concat();
        drop(self.notices.splice(..0, of_names));
    }

    /// Creates a source from pairs of name and value, as an environment has them. A configuration file is read only if they
    /// name one.
    pub fn of_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut source = Self::default();
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        source.add(pairs, &SecretPlace::Environment);
        source.read_secrets();
        if source.has(CONFIG_FILE) {
            source.read_config_file();
        }
        source
    }

    /// Adds settings of this place; they replace existing ones of the same name. A blank value removes the existing one. All
    /// forms in which a place gives a secret replace all forms of the other place.
    fn add(&mut self, mut pairs: BTreeMap<String, String>, place: &SecretPlace) {
        for (name, variable) in LOWER_CASE_NAMES {
            if let Some(value) = pairs.remove(name) {
                pairs.entry(variable.name.to_owned()).or_insert(value);
            }
        }
        for secret in SECRET_VARIABLES {
            if let Some(given) = GivenSecret::take(*secret, &mut pairs, place) {
                self.secrets.insert(secret.variable.name, given);
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

    fn read_config_file(&mut self) {
        let path = self.config_file();
        self.config_text = match text_file::read_strictly(&path) {
            Ok(text) => ConfigText::Read(text),
            Err(error) if error.is_missing() && path == Path::new(CONFIG_FILE.default) => ConfigText::Missing,
            Err(error) => ConfigText::Unreadable(error),
        };
    }

    /// Returns the path of the configuration file.
    pub(super) fn config_file(&self) -> PathBuf {
        PathBuf::from(self.values.get(CONFIG_FILE.name).map_or(CONFIG_FILE.default, |path| path.trim()))
    }

    /// Returns the text of the configuration file at a path; an empty text if there is no file.
    pub(super) fn config_text(&self, path: &Path) -> Result<&str, InvalidConfigFile> {
        match &self.config_text {
            ConfigText::Missing => Ok(""),
            ConfigText::Read(text) => Ok(text),
            ConfigText::Unreadable(error) => Err(InvalidConfigFile::unreadable(path, error)),
        }
    }

    /// Adds the settings of the `.env` file, and returns its assignments.
    fn add_file(&mut self) -> Vec<Assignment> {
        let invalid = |expected| InvalidSetting { variable: ".env", expected };
        let assignments = match env_file::read(&self.env_file, is_setting) {
            Ok(assignments) => assignments,
            Err(error) => {
                self.invalid.push(invalid(error.to_string()));
                return Vec::new();
            }
        };
        let mut pairs = BTreeMap::new();
        for Assignment { line, name, value } in &assignments {
            match value {
                Ok(value) => drop(pairs.insert(name.clone(), value.clone())),
                // Without the text of the line, which may hold a key.
                Err(malformed) if is_setting(name) => {
                    self.invalid.push(invalid(format!("{malformed} in line {line}, which is about {name}")));
                }
                Err(_) => {}
            }
        }
        self.add(pairs, &SecretPlace::EnvFile);
        assignments
    }

    /// Reads the secrets of all places, some of which are in files.
    fn read_secrets(&mut self) {
        for (name, given) in std::mem::take(&mut self.secrets) {
            match given.read() {
                Ok(Some(secret)) => {
                    self.notices.extend(secret.place.notice(name));
                    self.values.insert(name.to_owned(), secret.value);
                    self.secret_places.insert(name, secret.place);
                }
                Ok(None) => {}
                Err(invalid) => self.invalid.push(invalid),
            }
        }
    }

    /// Returns the names of the secrets that are set, each with the place that it is from.
    pub fn secret_places(&self) -> impl Iterator<Item = (&'static str, &SecretPlace)> {
        self.secret_places.iter().map(|(name, place)| (*name, place))
    }

    /// Returns warnings that don't prevent the start, one sentence each: misspelled names, placeholders, variables of other
    /// programs. They hold no values.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let values =
            VARIABLES.iter().filter_map(|variable| Some((variable.name, self.values.get(variable.name)?.trim())));
        self.notices.iter().cloned().chain(notices::of_values(values)).collect()
    }

    /// Returns the names of the settings that have another value than in `other`.
    pub fn differing(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let value = |source: &Self, name: &str| source.values.get(name).map(|value| value.trim().to_owned());
        let names = VARIABLES.iter().map(|variable| variable.name);
        names.filter(move |name| value(self, name) != value(other, name))
    }

    /// Returns the token of the operator in plain text, for commands that send it to a service; `None` if it is not set. The
    /// settings have only its hash.
    #[must_use]
    pub fn admin_token(&self) -> Option<SecretString> {
        Reader::new(self).text(ADMIN_TOKEN).map(SecretString::from)
    }

    /// Returns the value of a variable that need not be a setting.
    pub(super) fn other(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(super) fn has(&self, variable: Variable) -> bool {
        self.values.contains_key(variable.name)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = VARIABLES.iter().map(|variable| variable.name).filter(|name| self.values.contains_key(*name));
        f.debug_tuple("Source").field(&names.collect::<Vec<_>>()).finish()
    }
}

/// Reads settings from a source and collects the invalid ones.
pub(super) struct Reader<'a> {
    source: &'a Source,
    pub(super) invalid: Vec<InvalidSetting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, invalid: source.invalid.clone() }
    }

    /// Returns the trimmed value of a setting, or its default; `None` if it has neither.
    pub(super) fn text(&self, variable: Variable) -> Option<&'a str> {
        let text = match self.source.values.get(variable.name) {
            Some(value) => value.trim(),
            None => variable.default,
        };
        (!text.is_empty()).then_some(text)
    }

    /// Returns the value of a setting as `parse` returns it; a missing setting is parsed as empty text. An invalid value is
    /// recorded with `expected`, and never itself, as it may be a misplaced secret.
    pub(super) fn read<T>(
        &mut self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(self.text(variable).unwrap_or_default());
        if value.is_none() {
            self.invalid.push(InvalidSetting { variable: variable.name, expected: expected.to_owned() });
        }
        value
    }

    /// Reads a setting in the same way that may be missing or empty, which is `Some(None)`.
    #[expect(clippy::option_option, reason = "no value is valid, and differs from an invalid one")]
    pub(super) fn read_optional<T>(
        &mut self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        self.read(variable, expected, |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) })
    }
}
