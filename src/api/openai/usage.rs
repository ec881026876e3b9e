//! `GET /api/openai/usage`: the tokens and the cost of all turns.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use serde::Serialize;

use super::key_state::is_refused;
use crate::{
    adapters::credentials::Access,
    api::{AppState, Group, caller::FigureAccess, json::Json, problem::failures},
    domain::cost::dollars,
};

failures! { UsageFailure {
    401 "The request is not the operator's (`operator_only`).",
    503 "The totals cannot be read (`storage_unavailable`).",
} }

/// The cost of all turns since the database was created.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct UsageReport {
    /// Tokens of all prompts.
    total_prompt_tokens: u64,
    /// Tokens of all answers.
    total_completion_tokens: u64,
    /// The sum of both.
    total_tokens: u64,
    /// The number of answered turns.
    request_count: u64,
    /// The model that was used last.
    model: String,
    /// The cost in US dollars, each turn at its own model's price; models without a known price count as free.
    estimated_cost_usd: f64,
    /// The cost of the prompts, in US dollars.
    prompt_cost_usd: f64,
    /// The cost of the answers, in US dollars.
    completion_cost_usd: f64,
    /// The account at the model's provider.
    account_info: AccountInfo,
    /// Always null: no provider reports it.
    #[oai(nullable)]
    billing_credit_balance: Option<f64>,
    /// The address of the provider's page about usage.
    usage_dashboard_url: String,
    /// The address of the provider's page about billing.
    billing_dashboard_url: String,
    /// An explanation of these numbers.
    note: String,
}

/// The account at the model's provider.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ProviderAccount")]
struct AccountInfo {
    /// The key's fingerprint; no character of the key.
    #[oai(nullable)]
    api_key_prefix: Option<String>,
    /// The model that is used when a client names none.
    model: String,
    /// Whether the model can be called.
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

/// The address of the provider's page about usage.
const USAGE_DASHBOARD: &str = "https://platform.openai.com/usage";

/// The address of the provider's page about billing.
const BILLING_DASHBOARD: &str = "https://platform.openai.com/settings/organization/billing";

/// The explanation of the numbers.
const NOTE: &str = "Counted by this server since its database was made, at list prices; the provider's dashboard has the \
                    last word.";

pub(in crate::api) struct UsageApi;

#[OpenApi(prefix_path = "/api/openai", tag = "Group::OpenAI")]
impl UsageApi {
    /// Read the cost of the model
    ///
    /// The totals survive a restart. Where the server listens for others, they are for the operator only.
    #[oai(path = "/usage", method = "get", operation_id = "getUsage")]
    async fn usage(
        &self,
        Data(state): Data<&AppState>,
        figures: FigureAccess,
    ) -> Result<Json<UsageReport>, UsageFailure> {
        figures.ensure()?;
        let totals = state.storage.usage_totals().await?;
        let access = state.credentials.access().await;
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
            usage_dashboard_url: USAGE_DASHBOARD.to_owned(),
            billing_dashboard_url: BILLING_DASHBOARD.to_owned(),
            note: NOTE.to_owned(),
        }))
    }
}

fn account_status(state: &AppState, access: &Access) -> AccountStatus {
    match access {
        Access::Key(_) if is_refused(state, access) => AccountStatus::KeyRefused,
        Access::Key(_) | Access::NoKeyNeeded => AccountStatus::Active,
        Access::BuiltIn | Access::Missing(_) => AccountStatus::NoKey,
    }
}

impl Example for UsageReport {
    fn example() -> Self {
        let model = "gpt-4o-mini".to_owned();
        let api_key_prefix = Some("5f0c7bd1a3e9".to_owned());
        let account_info = AccountInfo { api_key_prefix, model: model.clone(), status: AccountStatus::Active };
        Self {
            total_prompt_tokens: 182_000,
            total_completion_tokens: 41_000,
            total_tokens: 223_000,
            request_count: 512,
            model,
            estimated_cost_usd: 0.0519,
            prompt_cost_usd: 0.0273,
            completion_cost_usd: 0.0246,
            account_info,
            billing_credit_balance: None,
            usage_dashboard_url: USAGE_DASHBOARD.to_owned(),
            billing_dashboard_url: BILLING_DASHBOARD.to_owned(),
            note: NOTE.to_owned(),
        }
    }
}
