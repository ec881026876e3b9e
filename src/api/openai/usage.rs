//! `GET /api/openai/usage`: the tokens and the cost of all turns.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;

use super::key_state::is_refused;
use crate::{
    adapters::credentials::Access,
    api::{AppState, Group, json::Json, problem::failures},
    domain::cost::dollars,
};

failures! { UsageFailure {
    503 "The totals cannot be read (`storage_unavailable`).",
} }

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

pub(in crate::api) struct UsageApi;

#[OpenApi(prefix_path = "/api/openai", tag = "Group::OpenAI")]
impl UsageApi {
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

fn account_status(state: &AppState, access: &Access) -> AccountStatus {
    match access {
        Access::Key(_) if is_refused(state, access) => AccountStatus::KeyRefused,
        Access::Key(_) | Access::NoKeyNeeded => AccountStatus::Active,
        Access::BuiltIn | Access::Missing(_) => AccountStatus::NoKey,
    }
}
