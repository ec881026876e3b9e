//! `GET /v1/models` and `GET /v1/models/{model}`: the models and personas that an API key may name as `model`.

use std::time::SystemTime;

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};
use serde::Serialize;

use super::{error::OpenAiErrorBody, named_model::NamedModel};
use crate::api::{AppState, Group, caller::RequiredApiKey, json::Json, problem::failures};

failures! { ModelsFailure with OpenAiErrorBody {
    400 "The request is not valid HTTP (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), or cannot be \
         understood (`bad_request`).",
    401 "There is no API key of this server (`api_key_required`), or it is unknown or revoked (`api_key_unknown`, \
         `api_key_revoked`), or the `Authorization` header is malformed (`token_invalid`).",
    500 "A fault of this server (`internal_error`).",
} }

failures! { ModelFailure with OpenAiErrorBody {
    400 "The request is not valid HTTP (`malformed_request`, `invalid_host`, `invalid_transfer_encoding`), or cannot be \
         understood (`bad_request`).",
    401 "There is no API key of this server (`api_key_required`), or it is unknown or revoked (`api_key_unknown`, \
         `api_key_revoked`), or the `Authorization` header is malformed (`token_invalid`).",
    404 "There is no such model for this API key (`model_not_found`).",
    500 "A fault of this server (`internal_error`).",
} }

/// The models that an API key may use.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct OpenAiModelList {
    /// Always `list`.
    object: ListObject,
    /// The models, and then the personas.
    data: Vec<OpenAiModel>,
}

/// A model, or a persona in the place of one.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct OpenAiModel {
    /// The name, for `model` in a request: that of a model, or `persona/` and the id of a persona.
    id: String,
    /// Always `model`.
    object: ModelObject,
    /// The time at which this server was started, in seconds since 1970.
    created: u64,
    /// Always `al-chat`.
    owned_by: String,
}

#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "OpenAiModelListObject", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum ListObject {
    List,
}

#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "OpenAiModelObject", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum ModelObject {
    Model,
}

impl OpenAiModel {
    fn new(id: String, state: &AppState) -> Self {
        let started = SystemTime::from(state.clock.now()).checked_sub(state.started.elapsed());
        let created = started.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Self {
            id,
            object: ModelObject::Model,
            created: created.map_or(0, |time| time.as_secs()),
            owned_by: "al-chat".to_owned(),
        }
    }
}

pub(in crate::api) struct OpenAiModelsApi;

#[OpenApi(prefix_path = "/v1", tag = "Group::OpenAICompatible")]
impl OpenAiModelsApi {
    /// List the models, in OpenAI's form
    ///
    /// Returns what the API key may name as `model`: the models that clients may choose, and `persona/ID` for each persona.
    #[oai(path = "/models", method = "get", operation_id = "listOpenAiModels")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn list(
        &self,
        Data(state): Data<&AppState>,
        RequiredApiKey(identity): RequiredApiKey,
    ) -> Result<Json<OpenAiModelList>, ModelsFailure> {
        let tenant = identity.tenant();
        let all = NamedModel::all(state, tenant.as_ref());
        let data = all.map(|named| OpenAiModel::new(named.id(), state)).collect();
        Ok(Json(OpenAiModelList { object: ListObject::List, data }))
    }

    /// Get a model, in OpenAI's form
    ///
    /// The name may have slashes, escaped or not.
    #[oai(path = "/models/:model", method = "get", operation_id = "getOpenAiModel")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn get(
        &self,
        Data(state): Data<&AppState>,
        RequiredApiKey(identity): RequiredApiKey,
        /// The name of the model: its `id` in the list.
        #[oai(validator(pattern = "^.+$"))]
        Path(model): Path<String>,
    ) -> Result<Json<OpenAiModel>, ModelFailure> {
        let found = NamedModel::find(&model, state, identity.tenant().as_ref())?;
        Ok(Json(OpenAiModel::new(found.id(), state)))
    }
}

impl Example for OpenAiModelList {
    fn example() -> Self {
        let persona = OpenAiModel { id: "persona/amaya".to_owned(), ..OpenAiModel::example() };
        Self { object: ListObject::List, data: vec![OpenAiModel::example(), persona] }
    }
}

impl Example for OpenAiModel {
    fn example() -> Self {
        Self {
            id: "gpt-4o-mini".to_owned(),
            object: ModelObject::Model,
            created: 1_795_852_800,
            owned_by: "al-chat".to_owned(),
        }
    }
}
