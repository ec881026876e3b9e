//! What a request in OpenAI's form names as its `model`.

use std::sync::Arc;

use crate::{
    api::{AppState, problem::Problem},
    domain::{errors::resources, persona::Persona, tenant::Tenant},
};

/// What the name of a persona begins with where a model is named.
const PERSONA: &str = "persona/";

/// What a request in OpenAI's form names as its `model`: a model, or a persona with the model that it has.
pub(super) enum NamedModel {
    Model(String),
    Persona(Arc<Persona>),
}

impl NamedModel {
    /// Returns what a client names. Fails if that is not there, or may not be used on behalf of the tenant.
    pub(super) fn find(name: &str, state: &AppState, tenant: Option<&Tenant>) -> Result<Self, Problem> {
        let name = name.trim();
        let named = match name.strip_prefix(PERSONA) {
            Some(id) => state.personas.get(id).map(Self::Persona),
            None => Some(Self::Model(name.to_owned())),
        };
        let may_answer = |named: &Self| state.turns.may_answer(named.model(), named.persona(), tenant);
        let unknown = || Problem::new(&resources::NO_SUCH_MODEL).with_field("model");
        named.filter(may_answer).ok_or_else(unknown)
    }

    /// Returns all that may be used on behalf of the tenant.
    pub(super) fn all(state: &AppState, tenant: Option<&Tenant>) -> impl Iterator<Item = Self> {
        let settings = &state.config.model;
        let allowed = settings.allowed.iter().filter(|model| **model != settings.default);
        let models = [&settings.default].into_iter().chain(allowed).cloned().map(Self::Model);
        let personas = state.personas.all().iter().map(Arc::clone).map(Self::Persona).collect::<Vec<_>>();
        let may_answer = move |named: &Self| state.turns.may_answer(named.model(), named.persona(), tenant);
        models.chain(personas).filter(may_answer)
    }

    /// Returns the name of the model; `None` if the persona decides.
    fn model(&self) -> Option<&str> {
        match self {
            Self::Model(model) => Some(model),
            Self::Persona(_) => None,
        }
    }

    /// Returns the model that the turn names, and the persona that answers it.
    pub(super) fn into_model_and_persona(self) -> (Option<String>, Option<Arc<Persona>>) {
        match self {
            Self::Model(model) => (Some(model), None),
            Self::Persona(persona) => (None, Some(persona)),
        }
    }

    fn persona(&self) -> Option<&Persona> {
        match self {
            Self::Model(_) => None,
            Self::Persona(persona) => Some(persona),
        }
    }

    /// Returns the name.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Model(model) => model.clone(),
            Self::Persona(persona) => format!("{PERSONA}{}", persona.id),
        }
    }
}
