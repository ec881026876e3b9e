//! Usage since the beginning, over all restarts.

use super::{Storage, StorageFailure, count, database::sql};
use crate::domain::cost::{Cost, TokenUsage};

/// Usage since the database was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Answered turns.
    pub requests: u64,
    /// Tokens.
    pub usage: TokenUsage,
    /// Money, each turn at its own model's rate.
    pub cost: Cost,
    /// The model used last.
    pub last_model: Option<String>,
}

impl Storage {
    /// The sums over all models and all turns that have ended; while they cannot be kept, without the last ones.
    pub async fn usage_totals(&self) -> Result<UsageTotals, StorageFailure> {
        if let Err(failure) = self.ledger.settled().await {
            tracing::warn!(%failure, "the totals are told without the last turns");
        }
        let rows: Vec<(String, i64, i64, i64, i64, i64)> =
            sql("SELECT model, requests, prompt_tokens, completion_tokens, prompt_cost_pico, completion_cost_pico
             FROM usage_totals ORDER BY last_used_at, model")
            .fetch_all(&self.read)
            .await?;
        let mut totals = UsageTotals::default();
        for (model, requests, prompt, completion, prompt_cost, completion_cost) in rows {
            totals.requests += count(requests);
            totals.usage += TokenUsage { prompt: count(prompt), completion: count(completion) };
            totals.cost += Cost { prompt: count(prompt_cost), completion: count(completion_cost) };
            totals.last_model = Some(model);
        }
        Ok(totals)
    }
}
