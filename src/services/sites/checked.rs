//! Sites whose personas and models exist.

use super::named_parts::NamedParts;
use crate::{
    adapters::personas::Personas,
    foundation::{
        config::{Config, InvalidConfigFile},
        file_watch::FileWatch,
    },
};

/// The proof that there are the personas and models that the sites name, and what later versions of the file are checked with.
#[derive(Debug)]
pub struct CheckedSites {
    pub(super) named: NamedParts,
    /// Watches the file since about the time at which it was read.
    pub(super) watch: FileWatch,
}

impl CheckedSites {
    /// Checks the sites that were read with the settings. Fails if one names a persona or a model that there is not.
    pub fn new(config: &Config, personas: Personas) -> Result<Self, InvalidConfigFile> {
        let watch = FileWatch::new(config.config_file.path.clone());
        let named = NamedParts::new(&config.model, personas);
        named.check(&config.config_file.path, &config.sites)?;
        Ok(Self { named, watch })
    }
}
