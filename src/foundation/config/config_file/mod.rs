//! The configuration file, `al-chat.toml`: limits, the sites that embed the chat window, and providers with their models. It
//! is optional, and what the environment or `.env` says takes precedence.
//!
//! The file is read strictly: unknown fields are mistakes, and all mistakes are reported together, each with its line.

mod mistakes;
mod models;
mod providers;
mod section;
mod sites;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use self::{
    mistakes::Mistake,
    sites::{SiteLimits, SiteSettings},
};
use self::{
    mistakes::{Line, Mistakes},
    models::read_models,
    providers::read_providers,
    section::Section,
    sites::{read_limit_list, read_sites},
};
pub(super) use self::{
    models::FileModel,
    providers::{FileKey, FileProvider, SETTINGS_PROVIDER},
};
use super::{
    invalid::InvalidSetting,
    limits::{Limits, ScopeLimits},
    text_file::{self, UnreadableFile},
    variables::CONFIG_FILE,
};

/// The sections of the file.
const SECTIONS: &[&str] = &["limits", "sites", "providers", "models"];

/// The fields of the section `limits`.
const LIMIT_FIELDS: &[&str] = &["visitor", "address", "key", "total"];

/// The configuration file, and what it is read beside.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The limits of the environment and of `.env`, and the defaults.
    pub(super) limits: Limits,
    /// The providers and models that are used until the next start.
    pub(super) servers: FileServers,
}

/// The providers and models of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FileServers {
    pub(super) providers: Vec<FileProvider>,
    pub(super) models: Vec<FileModel>,
}

/// What the configuration file says, after what takes precedence.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The limits that apply.
    pub limits: Limits,
    /// The sites, in the order of the file.
    pub sites: Vec<SiteSettings>,
    /// Whether the providers or models of the file differ from those that are used until the next start.
    pub has_other_servers: bool,
}

/// What the configuration file says by itself.
pub(super) struct Parsed {
    limits: FileLimits,
    sites: Vec<SiteSettings>,
    pub(super) servers: FileServers,
}

/// The limits of the file; `None` where it has none.
#[derive(Default)]
struct FileLimits {
    visitor: Option<ScopeLimits>,
    address: Option<ScopeLimits>,
    key: Option<ScopeLimits>,
    total: Option<ScopeLimits>,
}

/// The reason why a configuration file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfigFile {
    /// The file cannot be read. The text names what was expected.
    #[error("{} cannot be read; expected {}", .0.display(), .1)]
    Unreadable(PathBuf, String),
    /// The file has mistakes.
    #[error("{}", listed(.0, .1))]
    Mistakes(PathBuf, Vec<Mistake>),
}

/// Returns the mistakes of a file for people.
fn listed(path: &Path, mistakes: &[Mistake]) -> String {
    let mistakes = mistakes.iter().map(|mistake| format!("expected {}", mistake.in_file(path)));
    mistakes.collect::<Vec<_>>().join("; ")
}

impl Line {
    /// Returns what is expected in this line of the file at a path.
    pub(super) fn expects(self, expected: String, path: &Path) -> InvalidSetting {
        let mistake = Mistake { line: self.0, expected };
        InvalidSetting { variable: CONFIG_FILE.name, expected: mistake.in_file(path) }
    }
}

impl InvalidConfigFile {
    pub(super) fn unreadable(path: &Path, error: &UnreadableFile) -> Self {
        Self::Unreadable(path.to_owned(), error.to_string())
    }

    /// Returns the mistakes in the form of invalid settings.
    pub(super) fn settings(&self) -> Vec<InvalidSetting> {
        let setting = |expected| InvalidSetting { variable: CONFIG_FILE.name, expected };
        match self {
            Self::Unreadable(path, expected) => {
                vec![setting(format!("{expected}, but {} cannot be read", path.display()))]
            }
            Self::Mistakes(path, mistakes) => mistakes.iter().map(|it| setting(it.in_file(path))).collect(),
        }
    }
}

impl ConfigFile {
    /// Reads the file again. Fails if it is gone: an empty file has no sites and no limits.
    pub fn read_again(&self) -> Result<FileSettings, InvalidConfigFile> {
        let text = text_file::read_strictly(&self.path);
        let text = text.map_err(|error| InvalidConfigFile::unreadable(&self.path, &error))?;
        Ok(self.merged(parse(&self.path, &text)?))
    }

    /// Returns the settings with the limits of the file where no others are set.
    pub(super) fn merged(&self, Parsed { limits: file, sites, servers }: Parsed) -> FileSettings {
        let merged = |own: &ScopeLimits, of_file: Option<ScopeLimits>| {
            of_file.filter(|_| own.is_default).unwrap_or_else(|| own.clone())
        };
        let Limits { visitor, address, key, total, .. } = &self.limits;
        let limits = Limits {
            visitor: merged(visitor, file.visitor),
            address: merged(address, file.address),
            key: merged(key, file.key),
            total: merged(total, file.total),
            ..self.limits.clone()
        };
        FileSettings { limits, sites, has_other_servers: servers != self.servers }
    }
}

/// Parses the text of the file at a path. Fails with all mistakes.
pub(super) fn parse(path: &Path, text: &str) -> Result<Parsed, InvalidConfigFile> {
    parse_text(text).map_err(|mistakes| InvalidConfigFile::Mistakes(path.to_owned(), mistakes))
}

/// Returns the names of the variables that the file names as keys of providers; none if it has mistakes.
pub(super) fn key_variables(text: &str) -> Vec<String> {
    let providers = parse_text(text).map(|parsed| parsed.servers.providers).unwrap_or_default();
    let variable = |provider: FileProvider| match provider.key {
        Some(FileKey::Variable(name)) => Some(name),
        _ => None,
    };
    providers.into_iter().filter_map(variable).collect()
}

fn parse_text(text: &str) -> Result<Parsed, Vec<Mistake>> {
    let mistakes = Mistakes::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        mistakes.add(error.span().map_or(0, |span| span.start), format!("TOML: {}", error.message()));
    }
    // What is read beside an error of the syntax may be misread, and would be reported as a mistake.
    if !errors.is_empty() {
        return Err(mistakes.into_sorted());
    }
    let file = Section::new(String::new(), table.get_ref(), 0, SECTIONS, &mistakes);
    let limits = file.table("limits", LIMIT_FIELDS).map(|limits| read_limits(&limits)).unwrap_or_default();
    let sites = read_sites(&file);
    let (providers, names) = read_providers(&file);
    let servers = FileServers { providers, models: read_models(&file, &names) };
    let mistakes = mistakes.into_sorted();
    if mistakes.is_empty() { Ok(Parsed { limits, sites, servers }) } else { Err(mistakes) }
}

fn read_limits(section: &Section<'_>) -> FileLimits {
    let scope = |field| Some(ScopeLimits { list: read_limit_list(section, field)?, is_default: false });
    FileLimits { visitor: scope("visitor"), address: scope("address"), key: scope("key"), total: scope("total") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mistakes(text: &str) -> Vec<(usize, String)> {
        let found = parse_text(text).err().unwrap_or_default();
        found.into_iter().map(|mistake| (mistake.line, mistake.expected)).collect()
    }

    #[test]
    fn limits_and_sites_are_read() {
        let text = "[limits]\nvisitor = \"5/minute\"\ntotal = \"5usd/day\"\n\n[[sites]]\nid = \"shop\"\norigins = [\"https://shop.example\"]\n\
                    persona = \"eva\"\nmodels = [\"small\", \"large\"]\nlimits.visitor = \"off\"\nlimits.site = \"9/day\"\npaused = true\n\
                    [[sites]]\nid = \"blog\"\norigins = [\"https://*.blog.example\", \"http://localhost:3000\"]\n";
        let Parsed { limits, sites, .. } = parse_text(text).ok().unwrap();
        assert_eq!(limits.visitor.unwrap().list.to_string(), "5/minute");
        assert_eq!(limits.total.unwrap().list.to_string(), "5.00usd/day");
        assert!(limits.address.is_none() && limits.key.is_none());
        let [shop, blog] = <[SiteSettings; 2]>::try_from(sites).unwrap();
        assert_eq!((shop.id.as_str(), shop.line, shop.persona.as_deref(), shop.paused), ("shop", 5, Some("eva"), true));
        assert_eq!(shop.models.unwrap(), ["small", "large"]);
        assert!(shop.limits.visitor.unwrap().is_off() && shop.limits.address.is_none());
        assert_eq!(shop.limits.site.to_string(), "9/day");
        assert_eq!((blog.origins.len(), blog.paused, blog.models), (2, false, None));
        assert!(blog.limits.site.is_off());
        let Parsed { limits, sites, .. } = parse_text("").ok().unwrap();
        assert!(limits.visitor.is_none() && sites.is_empty());
    }

    #[test]
    fn all_mistakes_are_reported_with_their_lines() {
        let text = "visiter = 1\n[limits]\nvisitor = 5\naddress = \"5/hour\"\n[[sites]]\nid = \"Shop\"\norigins = []\nmodel = \"x\"\n[[sites]]\n\
                    id = \"blog\"\norigins = [\"https://blog.example\",\n  \"blog\"]\npaused = \"yes\"\npersona = \"\"\nmodels = [1]\n[[sites]]\nid = \"blog\"\n";
        let found = mistakes(text);
        let lines = found.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        assert_eq!(lines, [1, 3, 4, 6, 7, 8, 12, 13, 14, 15, 16, 17], "{found:#?}");
        for (line, words) in [
            (1, "limits, sites, providers, models, and not visiter"),
            (4, "limits per minute or per day"),
            (8, "and not model"),
            (12, "origins such as https://shop.example"),
            (16, "origins"),
            (17, "an id that no other site has"),
        ] {
            assert!(found.iter().any(|(at, it)| *at == line && it.contains(words)), "{line}: {words} in {found:#?}");
        }
    }

    #[test]
    fn errors_of_the_syntax_are_reported_with_their_lines() {
        let found = mistakes("[limits]\nvisitor = \"5/minute\nx = 1\n[[sites]\n");
        assert_eq!(found.first().map(|(line, _)| *line), Some(2), "{found:#?}");
        assert!(found.iter().all(|(_, expected)| expected.starts_with("TOML: ")), "{found:#?}");
        assert_eq!(mistakes("limits = 1\n").len(), 1);
        assert_eq!(mistakes("sites = { id = \"shop\" }\n").len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([\\[\\]{}=\",.a-z0-9 \n#'é]|sites|limits|id|origins){0,60}") {
            let _ = parse_text(&text);
        }
    }
}
