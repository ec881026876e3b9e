//! The check that there are the personas and models that sites name.

use std::path::Path;

use crate::{
    adapters::personas::Personas,
    foundation::config::{InvalidConfigFile, Mistake, Model, SiteSettings},
};

/// The personas and models that sites can name.
#[derive(Debug)]
pub(super) struct NamedParts {
    model: Model,
    personas: Personas,
}

impl NamedParts {
    /// Sites can name the models of these settings, and those of the personas.
    pub(super) fn new(model: &Model, personas: Personas) -> Self {
        Self { model: model.clone(), personas }
    }

    /// Fails with all sites of the file at a path that name a persona or a model that there is not.
    pub(super) fn check(&self, path: &Path, sites: &[SiteSettings]) -> Result<(), InvalidConfigFile> {
        let mistakes = sites.iter().flat_map(|site| self.mistakes(site)).collect::<Vec<_>>();
        if mistakes.is_empty() { Ok(()) } else { Err(InvalidConfigFile::Mistakes(path.to_owned(), mistakes)) }
    }

    fn mistakes(&self, site: &SiteSettings) -> Vec<Mistake> {
        let SiteSettings { id, line, persona, models, .. } = site;
        let mut expected = Vec::new();
        if persona.as_ref().is_some_and(|persona| self.personas.get(persona).is_none()) {
            expected.push(format!("a persona that exists for the site {id}, which begins"));
        }
        let of_personas = self.personas.models();
        let known = self.model.names_with(&of_personas);
        if models.iter().flatten().any(|model| !known.contains(model.as_str())) {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            expected.push(format!("models among {known} for the site {id}, which begins"));
        }
        expected.into_iter().map(|expected| Mistake { line: *line, expected }).collect()
    }
}
