//! Paths of files beside another one, whose names begin with its name.

use std::path::{Path, PathBuf};

/// Returns a path with a text appended to its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
