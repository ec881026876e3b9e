//! `GET /api/openai/info`: the model, and the source of its key.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use super::key_state::is_refused;
use crate::{
    adapters::{
        credentials::{Access, CredentialSource},
        model::ModelFailure,
    },
    api::{
        AppState, Group,
        caller::FigureAccess,
        codes::ErrorCode,
        json::Json,
        problem::{Problem, failures},
        string_enum::{StringEnum, StringEnumValues},
    },
    services::turn::TurnFailure,
};

failures! { InfoFailure {
    401 "There is an `Authorization` header without `ADMIN_TOKEN` (`operator_only`).",
} }

/// The model and its key: `model` and `credentials_valid`, or `error` when there is no usable key.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ModelInfo", example, skip_serializing_if_is_none)]
struct Info {
    /// The model that is used when a client names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// True if the model can be called: a key is set, or its server needs none. False after the provider has refused
    /// the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_valid: Option<bool>,
    /// The reason why the model cannot be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The stable code of the error, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    /// The source of the key; only for the operator, and for this machine while the server listens on loopback and has no
    /// `ADMIN_TOKEN`.
    #[serde(rename = "credentials_info", skip_serializing_if = "Option::is_none")]
    #[oai(rename = "credentials_info")]
    credentials: Option<CredentialsInfo>,
}

/// The source of the key. No part of the key is shown.
#[derive(Debug, Object, Serialize)]
struct CredentialsInfo {
    /// Whether a key is set.
    openai_api_key_set: bool,
    /// The length of the key, in bytes.
    openai_api_key_length: u64,
    /// A fingerprint that differs from key to key, and that `al-chat check` shows too; no character of the key.
    #[oai(nullable)]
    openai_api_key_prefix: Option<String>,
    /// The model that is used when a client names none.
    openai_model: String,
    /// Papita's address.
    papita_api_url: String,
    /// Whether there is a `.env` file.
    env_file_exists: bool,
    /// The source of the key.
    credential_source: StringEnum<CredentialSources>,
}

/// The sources of keys, as an enum of the contract.
struct CredentialSources;

impl StringEnumValues for CredentialSources {
    const NAME: &'static str = "CredentialSource";
    const DESCRIPTION: &'static str = "The source of a key: Papita, this server's settings, or none.";

    fn words() -> Vec<&'static str> {
        use CredentialSource::{LocalEnv, None, PapitaApi};
        [PapitaApi, LocalEnv, None].map(CredentialSource::as_str).to_vec()
    }
}

impl CredentialsInfo {
    fn new(state: &AppState, access: &Access) -> Self {
        let settings = &state.config.credentials;
        Self {
            openai_api_key_set: access.key().is_some(),
            openai_api_key_length: access.key().map_or(0, |key| key.len() as u64),
            openai_api_key_prefix: access.key().map(|key| key.fingerprint(&state.fingerprint_key)),
            openai_model: state.config.model.default.clone(),
            papita_api_url: settings.papita_url.to_string().trim_end_matches('/').to_owned(),
            env_file_exists: settings.env_file.is_file(),
            credential_source: StringEnum::new(access.source().as_str()),
        }
    }
}

pub(in crate::api) struct ModelInfoApi;

#[OpenApi(prefix_path = "/api/openai", tag = "Group::OpenAI")]
impl ModelInfoApi {
    /// Read the model and the source of its key
    ///
    /// Returns the current state. No part of the key is shown. Where the server listens for others, `credentials_info` is for the
    /// operator only.
    #[oai(path = "/info", method = "get", operation_id = "getModelInfo")]
    async fn info(&self, Data(state): Data<&AppState>, figures: FigureAccess) -> Result<Json<Info>, InfoFailure> {
        let access = state.credentials.access().await;
        let credentials = figures.is_granted().then(|| CredentialsInfo::new(state, &access));
        let mut info = Info { model: None, credentials_valid: None, error: None, code: None, credentials };
        if access.can_call_model() {
            info.model = Some(state.config.model.default.clone());
            info.credentials_valid = Some(!is_refused(state, &access));
        }
        let failure = match access {
            Access::Missing(none) => Some(none.into()),
            Access::BuiltIn => Some(state.credentials.not_configured().into()),
            Access::Key(_) if info.credentials_valid == Some(false) => Some(ModelFailure::Unauthorized.into()),
            Access::Key(_) | Access::NoKeyNeeded => None,
        };
        if let Some(problem) = failure.map(|failure: TurnFailure| Problem::from(failure)) {
            (info.error, info.code) = (Some(problem.error.into_owned()), Some(ErrorCode::new(problem.code)));
        }
        Ok(Json(info))
    }
}

impl Example for Info {
    fn example() -> Self {
        let model = Some("gpt-4o-mini".to_owned());
        Self { model, credentials_valid: Some(true), error: None, code: None, credentials: None }
    }
}
