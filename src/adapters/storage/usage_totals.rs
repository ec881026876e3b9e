//! The usage of all turns since the database was made.

use super::{column_values::to_count, failure::StorageFailure, handle::Storage, statement::sql};
use crate::{
    domain::cost::{Cost, TokenUsage},
    foundation::error_chain::ErrorChain,
};

/// The sum of all turns since the database was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// The number of answered turns.
    pub requests: u64,
    /// The tokens of all turns.
    pub usage: TokenUsage,
    /// The cost of all turns, each at the price of its own model.
    pub cost: Cost,
    /// The name of the model that was used last.
    pub last_model: Option<String>,
}

impl Storage {
    /// Returns the sum over all models and all turns that have ended. While turns cannot be written, the latest are
    /// missing.
    pub async fn usage_totals(&self) -> Result<UsageTotals, StorageFailure> {
        if let Err(failure) = self.turn_writer.flush().await {
            tracing::warn!(failure = %ErrorChain(&failure), "the usage totals do not include the latest turns");
        }
        let rows: Vec<(String, i64, i64, i64, i64, i64)> =
            sql("SELECT model, requests, prompt_tokens, completion_tokens, prompt_cost_pico, completion_cost_pico
             FROM usage_totals ORDER BY last_used_at, model")
            .fetch_all(&self.read)
            .await?;
        let mut totals = UsageTotals::default();
        for (model, requests, prompt, completion, prompt_cost, completion_cost) in rows {
            totals.requests += to_count(requests);
            totals.usage += TokenUsage { prompt: to_count(prompt), completion: to_count(completion) };
            totals.cost += Cost { prompt: to_count(prompt_cost), completion: to_count(completion_cost) };
            totals.last_model = Some(model);
        }
        Ok(totals)
    }
}
