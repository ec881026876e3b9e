//! Places of a secret: the setting itself, a file that `NAME_FILE` names, or a credential of systemd.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    invalid::InvalidSetting,
    text_file::{self, UnreadableFile},
    variables::SecretVariable,
};
use crate::foundation::{file_access::FileAccess, secret::ApiKey};

/// The variable with the folder of the credentials that systemd passes to a service, each a file by its name.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The place that a secret is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// The environment.
    Environment,
    /// The file `.env`.
    EnvFile,
    /// A file of its own.
    File(PathBuf),
    /// A credential of systemd, with its file.
    Credential(PathBuf),
}

impl SecretPlace {
    /// Returns a warning if users of this machine other than the file's owner and group can read the file of the secret.
    pub(super) fn notice(&self, name: &str) -> Option<String> {
        let (Self::File(path) | Self::Credential(path)) = self else { return None };
        let wider = FileAccess::GroupReads.wider_among([path.clone()]);
        let path = wider.first()?.display();
        let chmod = FileAccess::GroupReads.chmod();
        Some(format!("{name} is in a file that other users may read or change; run chmod {chmod} {path}"))
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::EnvFile => f.write_str(".env"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(path) => write!(f, "the systemd credential {}", path.display()),
        }
    }
}

/// The forms in which the environment or `.env` gives a secret, of which only one may be used. Files are not read yet.
pub(super) struct GivenSecret {
    secret: SecretVariable,
    place: SecretPlace,
    value: Option<SecretString>,
    file: Option<PathBuf>,
    credential: Option<PathBuf>,
}

/// A secret with its place.
pub(super) struct FoundSecret {
    pub(super) value: String,
    pub(super) place: SecretPlace,
}

impl GivenSecret {
    /// Takes the forms of a secret out of pairs of name and value. Returns `None` if the pairs are not about the secret; a
    /// secret without any form is unset.
    pub(super) fn take(
        secret: SecretVariable,
        pairs: &mut BTreeMap<String, String>,
        place: &SecretPlace,
    ) -> Option<Self> {
        let (value, file) = (pairs.remove(secret.variable.name), pairs.remove(secret.file));
        let folder = pairs.get(CREDENTIALS_DIRECTORY).filter(|_| *place == SecretPlace::Environment);
        let credential = folder.map(|folder| Path::new(folder).join(secret.variable.name));
        let credential = credential.filter(|path| path.symlink_metadata().is_ok());
        if value.is_none() && file.is_none() && credential.is_none() {
            return None;
        }
        let value = value.filter(|value| !value.trim().is_empty()).map(SecretString::from);
        let file = file.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).map(PathBuf::from);
        Some(Self { secret, place: place.clone(), value, file, credential })
    }

    /// Returns the secret, read from its file if it has one; `None` if it is unset.
    pub(super) fn read(self) -> Result<Option<FoundSecret>, InvalidSetting> {
        let invalid = |variable, expected| Err(InvalidSetting { variable, expected });
        let name = self.secret.variable.name;
        let (path, from, variable) = match (self.value, self.file, self.credential) {
            (None, None, None) => return Ok(None),
            (Some(value), None, None) => {
                return Ok(Some(FoundSecret { value: value.expose_secret().to_owned(), place: self.place }));
            }
            (None, Some(path), None) => (path.clone(), SecretPlace::File(path), self.secret.file),
            (None, None, Some(path)) => (path.clone(), SecretPlace::Credential(path), name),
            _ => {
                let file = self.secret.file;
                return invalid(name, format!("only one of {name}, {file} and a systemd credential {name}"));
            }
        };
        match read_file(&path) {
            Ok(value) => Ok(Some(FoundSecret { value, place: from })),
            Err(error) if variable == name => invalid(name, format!("a systemd credential that is {error}")),
            Err(error) => invalid(variable, format!("the path of {error}")),
        }
    }
}

/// An error of reading a file with one secret. Its text names what was expected.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableSecret {
    /// The file cannot be read, or holds no text.
    #[error(transparent)]
    File(#[from] UnreadableFile),
    /// The file is empty.
    #[error("a file that holds the value, and it is empty")]
    Empty,
    /// The file has several lines.
    #[error("a file with the value alone, on one line")]
    SeveralLines,
    /// The value is a placeholder, or has characters that a key cannot have.
    #[error("a file with an API key, and it holds a placeholder or control characters")]
    NoKey,
}

/// Reads the API key in a file.
pub fn read_key(path: &Path) -> Result<ApiKey, UnreadableSecret> {
    ApiKey::parse(&read_file(path)?).ok_or(UnreadableSecret::NoKey)
}

/// Reads the value in a file, without white space around it.
fn read_file(path: &Path) -> Result<String, UnreadableSecret> {
    let text = text_file::read_strictly(path)?;
    match text.trim() {
        "" => Err(UnreadableSecret::Empty),
        value if value.contains(['\n', '\r']) => Err(UnreadableSecret::SeveralLines),
        value => Ok(value.to_owned()),
    }
}
