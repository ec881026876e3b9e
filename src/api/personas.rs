//! `GET /api/personas`: the personas that clients can choose. Their prompts are never sent.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use super::{
    AppState, Group,
    json::Json,
    problem::{Problem, failures},
};
use crate::domain::{errors::resources, persona::Persona, tenant::Tenant};

failures! { ListFailure {
    500 "A fault of this server (`internal_error`).",
} }

/// A persona, without its prompt.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Persona", example)]
struct PersonaBody {
    /// The persona's id, for `persona` in a request.
    id: String,
    /// The persona's name.
    name: String,
    /// The persona's greeting; blank if the client decides.
    greeting: String,
    /// The address of the persona's picture, relative to this server's; left out without one.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
}

impl From<&Persona> for PersonaBody {
    fn from(persona: &Persona) -> Self {
        Self {
            id: persona.id.clone(),
            name: persona.name.clone(),
            greeting: persona.greeting.clone(),
            avatar: persona.avatar.clone(),
        }
    }
}

/// Returns the persona with the id that a client sent; `None` for a blank or missing id.
pub(super) fn named_persona(state: &AppState, name: Option<&str>) -> Result<Option<Arc<Persona>>, Problem> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let found = name.map(|name| state.personas.get(name).ok_or_else(|| Problem::new(&resources::PERSONA_NOT_FOUND)));
    found.transpose()
}

/// Returns the persona that answers a turn on behalf of a tenant, or of nobody else: the only one of a site, or else the one with
/// the id that a client sent, or the default one. Fails if the client names another one than the site's.
pub(super) fn answering_persona(
    state: &AppState,
    tenant: Option<&Tenant>,
    name: Option<&str>,
) -> Result<Option<Arc<Persona>>, Problem> {
    let of_site = tenant.and_then(Tenant::site).and_then(|site| site.settings.persona.as_deref());
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    match (of_site, name) {
        (Some(own), Some(name)) if own != name => Err(Problem::new(&resources::PERSONA_NOT_FOUND)),
        _ => Ok(named_persona(state, of_site.or(name))?.or_else(|| state.personas.default_persona())),
    }
}

/// Returns the persona that answers in a stored chat: the chat's own, or the default one. Fails if the chat's own has been
/// removed since.
pub(super) fn persona_of_chat(state: &AppState, id: Option<&str>) -> Result<Option<Arc<Persona>>, Problem> {
    match id {
        Some(id) => state.personas.get(id).map(Some).ok_or_else(|| Problem::new(&resources::PERSONA_GONE)),
        None => Ok(state.personas.default_persona()),
    }
}

pub(super) struct PersonasApi;

#[OpenApi(prefix_path = "/api", tag = "Group::Chat")]
impl PersonasApi {
    /// List the personas
    ///
    /// Returns the personas that a turn or a new chat can name as `persona`.
    #[oai(path = "/personas", method = "get", operation_id = "listPersonas")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn list(&self, Data(state): Data<&AppState>) -> Result<Json<Vec<PersonaBody>>, ListFailure> {
        Ok(Json(state.personas.all().iter().map(|persona| PersonaBody::from(&**persona)).collect()))
    }
}

impl Example for PersonaBody {
    fn example() -> Self {
        Self {
            id: "amaya".to_owned(),
            name: "Amaya".to_owned(),
            greeting: "Hey you! What's on your mind?".to_owned(),
            avatar: Some("/personas/amaya.svg".to_owned()),
        }
    }
}
