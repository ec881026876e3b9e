//! `GET /api/openai/info`, `/api/openai/test` and `/api/openai/usage`: the model, its key and its cost.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;

use super::{
    AppState, Group,
    codes::ErrorCode,
    json::Json,
    problem::{Problem, failures},
    request_context::RequestContext,
    string_enum::{StringEnum, StringEnumValues},
    turn::Usage,
};
use crate::{
    adapters::{
        credentials::{Access, CredentialSource},
        model::ModelFailure,
    },
    domain::cost::dollars,
    services::turn::TurnFailure,
};

failures! { UsageFailure {
    503 "The totals cannot be read (`storage_unavailable`).",
} }

/// The model and its key: `model` and `credentials_valid`, or `error` when there is no usable key.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ModelInfo", skip_serializing_if_is_none)]
struct Info {
    /// The model asked when a client names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// True when the model can be asked: there is a key, or its server needs none. False when its provider refused the
    /// key the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_valid: Option<bool>,
    /// Why the model cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    /// Where the key comes from.
    #[serde(rename = "credentials_info")]
    #[oai(rename = "credentials_info")]
    credentials: CredentialsInfo,
}

/// Where the key comes from; nothing of the key itself.
#[derive(Debug, Object, Serialize)]
struct CredentialsInfo {
    /// Whether there is a key.
    openai_api_key_set: bool,
    /// Its length.
    openai_api_key_length: u64,
    /// A fingerprint that differs from key to key, and that `al-chat check` shows too; no character of the key.
    #[oai(nullable)]
    openai_api_key_prefix: Option<String>,
    /// The model asked when a client names none.
    openai_model: String,
    /// Papita's address.
    papita_api_url: String,
    /// Whether there is a `.env` file.
    env_file_exists: bool,
    /// Where the key comes from.
    credential_source: StringEnum<Sources>,
}

/// Whether the model answers.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ModelTest", skip_serializing_if_is_none)]
struct TestResult {
    /// Whether it answers.
    status: TestStatus,
    /// What that means.
    message: String,
    /// What the model said.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_response: Option<String>,
    /// The model asked.
    model: String,
    /// The tokens it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

/// Whether the model answered: `success`, or `error`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ModelTestStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum TestStatus {
    Success,
    Error,
}

/// The sources of keys, as an enum of the contract.
struct Sources;

impl StringEnumValues for Sources {
    const NAME: &'static str = "CredentialSource";
    const DESCRIPTION: &'static str = "Where a key comes from: Papita, this server's settings, or nowhere.";

    fn words() -> Vec<&'static str> {
        use CredentialSource::{LocalEnv, None, PapitaApi};
        [PapitaApi, LocalEnv, None].map(CredentialSource::as_str).to_vec()
    }
}

/// What the model has cost since the database was made.
#[derive(Debug, Object, Serialize)]
struct UsageReport {
    /// Tokens read.
    total_prompt_tokens: u64,
    /// Tokens written.
    total_completion_tokens: u64,
    /// Tokens in all.
    total_tokens: u64,
    /// Answered turns.
    request_count: u64,
    /// The model used last.
    model: String,
    /// US dollars, each turn at its own model's rate; models without a known price count as free.
    estimated_cost_usd: f64,
    /// Of that, for tokens read.
    prompt_cost_usd: f64,
    /// Of that, for tokens written.
    completion_cost_usd: f64,
    /// The account in use.
    account_info: AccountInfo,
    /// Always null: the provider tells it to nobody.
    #[oai(nullable)]
    billing_credit_balance: Option<f64>,
    /// Where the provider shows usage.
    usage_dashboard_url: String,
    /// Where the provider shows billing.
    billing_dashboard_url: String,
    /// How to read these numbers.
    note: String,
}

/// The account in use.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ProviderAccount")]
struct AccountInfo {
    /// The key's fingerprint; no character of the key.
    #[oai(nullable)]
    api_key_prefix: Option<String>,
    /// The model asked when a client names none.
    model: String,
    /// Whether the model can be asked.
    status: AccountStatus,
}

/// `active` when the model can be asked, `key_refused` when its provider refused the key the last time, `no_key` otherwise.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ProviderAccountStatus", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum AccountStatus {
    Active,
    KeyRefused,
    NoKey,
}

pub(super) struct OpenAiApi;

#[OpenApi(prefix_path = "/api/openai", tag = "Group::OpenAI")]
impl OpenAiApi {
    /// The model and where its key comes from
    ///
    /// As it is now. Nothing of the key is shown.
    #[oai(path = "/info", method = "get", operation_id = "getModelInfo")]
    async fn info(&self, Data(state): Data<&AppState>) -> Json<Info> {
        let access = state.credentials.access(&state.config.model).await;
        let credentials = CredentialsInfo::new(state, &access);
        let mut info = Info { model: None, credentials_valid: None, error: None, code: None, credentials };
        if access.reaches_the_model() {
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
        Json(info)
    }

    /// Ask the model for one word
    ///
    /// Shows whether the model answers. It is a turn like any other, of a guest: it costs a few tokens, is logged and
    /// counted. Whoever asks meanwhile gets the same answer.
    #[oai(path = "/test", method = "get", operation_id = "testModel")]
    async fn test(&self, Data(state): Data<&AppState>, Data(context): Data<&RequestContext>) -> Json<TestResult> {
        Json(match state.turns.test(&context.id, context.arrived).await {
            Ok((text, summary)) => TestResult {
                status: TestStatus::Success,
                message: "The model answers".to_owned(),
                usage: Some(Usage::new(summary.usage, &summary.model)),
                model: summary.model,
                test_response: Some(text),
            },
            Err(failure) => TestResult {
                status: TestStatus::Error,
                message: Problem::from(failure).error.into_owned(),
                test_response: None,
                model: state.config.model.default.clone(),
                usage: None,
            },
        })
    }

    /// What the model has cost
    ///
    /// The totals survive a restart.
    #[oai(path = "/usage", method = "get", operation_id = "getUsage")]
    async fn usage(&self, Data(state): Data<&AppState>) -> Result<Json<UsageReport>, UsageFailure> {
        let totals = state.storage.usage_totals().await?;
        let access = state.credentials.access(&state.config.model).await;
        let default_model = &state.config.model.default;
        Ok(Json(UsageReport {
            total_prompt_tokens: totals.usage.prompt,
            total_completion_tokens: totals.usage.completion,
            total_tokens: totals.usage.total(),
            request_count: totals.requests,
            model: totals.last_model.unwrap_or_else(|| default_model.clone()),
            estimated_cost_usd: dollars(totals.cost.total()),
            prompt_cost_usd: dollars(totals.cost.prompt),
            completion_cost_usd: dollars(totals.cost.completion),
            account_info: AccountInfo {
                status: account_status(state, &access),
                api_key_prefix: access.key().map(|key| key.fingerprint(&state.fingerprint_key)),
                model: default_model.clone(),
            },
            billing_credit_balance: None,
            usage_dashboard_url: "https://platform.openai.com/usage".to_owned(),
            billing_dashboard_url: "https://platform.openai.com/settings/organization/billing".to_owned(),
            note: "Counted by this server since its database was made, at list prices; the provider's dashboard has \
                   the last word."
                .to_owned(),
        }))
    }
}

/// Whether the model's provider refused the current key at its last use.
fn is_refused(state: &AppState, access: &Access) -> bool {
    access.key().is_some_and(|key| state.credentials.is_refused(key))
}

fn account_status(state: &AppState, access: &Access) -> AccountStatus {
    match access {
        Access::Key(_) if is_refused(state, access) => AccountStatus::KeyRefused,
        Access::Key(_) | Access::NoKeyNeeded => AccountStatus::Active,
        Access::BuiltIn | Access::Missing(_) => AccountStatus::NoKey,
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
            papita_api_url: settings.papita_shown().trim_end_matches('/').to_owned(),
            env_file_exists: settings.env_file.is_file(),
            credential_source: StringEnum::new(access.source().as_str()),
        }
    }
}
