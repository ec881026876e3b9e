//! Errors about invalid settings.

use std::fmt;

/// A setting whose value is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: expected {expected}")]
pub struct InvalidSetting {
    /// The name of the variable, or of the `.env` file.
    pub variable: &'static str,
    /// A description of valid values.
    pub expected: String,
}

/// All settings whose values are invalid. Values are not shown, as a secret may be among them.
#[derive(Debug, thiserror::Error)]
pub struct InvalidSettings(pub Vec<InvalidSetting>);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration has mistakes:")?;
        for setting in &self.0 {
            write!(f, "\n  {setting}")?;
        }
        Ok(())
    }
}
