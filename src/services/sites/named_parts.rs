//! The check that there are the personas and models that sites name, and that each site has a model that may answer.

use std::{collections::BTreeSet, path::Path};

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

    /// Fails with all sites of the file at a path that name a persona or a model that there is not, or no model that may answer.
    pub(super) fn check(&self, path: &Path, sites: &[SiteSettings]) -> Result<(), InvalidConfigFile> {
        let of_personas = self.personas.models();
        let known = self.model.names_with(&of_personas);
        let mistakes = sites.iter().flat_map(|site| self.mistakes(site, &of_personas, &known)).collect::<Vec<_>>();
        if mistakes.is_empty() { Ok(()) } else { Err(InvalidConfigFile::Mistakes(path.to_owned(), mistakes)) }
    }

    fn mistakes(&self, site: &SiteSettings, of_personas: &BTreeSet<String>, known: &BTreeSet<&str>) -> Vec<Mistake> {
        let SiteSettings { id, line, persona, models, .. } = site;
        let mut expected = Vec::new();
        if persona.as_ref().is_some_and(|persona| self.personas.get(persona).is_none()) {
            expected.push(format!("a persona that exists for the site {id}, which begins"));
        }
        if models.iter().flatten().any(|model| !known.contains(model.as_str())) {
            let known = known.iter().copied().collect::<Vec<_>>().join(", ");
            expected.push(format!("models among {known} for the site {id}, which begins"));
        }
        if expected.is_empty() && !self.has_model(site, of_personas) {
            let choice = "a model of OPENAI_MODEL, ALLOWED_MODELS or a persona of the site";
            expected.push(format!("{choice}, and not only fallbacks, among the models of the site {id}, which begins"));
        }
        expected.into_iter().map(|expected| Mistake { line: *line, expected }).collect()
    }

    /// Whether a site has a model that requests may choose, or that belongs to a persona with which it answers.
    fn has_model(&self, site: &SiteSettings, of_personas: &BTreeSet<String>) -> bool {
        let of_persona = |model: &String| match &site.persona {
            Some(id) => self.personas.get(id).is_some_and(|persona| persona.model.as_ref() == Some(model)),
            None => of_personas.contains(model),
        };
        let may_answer = |model: &String| self.model.may_be_chosen(model) || of_persona(model);
        site.models.as_ref().is_none_or(|models| models.iter().any(may_answer))
    }
}
