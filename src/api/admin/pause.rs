//! `POST /api/admin/pause` and `POST /api/admin/resume`: a pause of all spending.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use crate::api::{
    AppState, Group,
    caller::Operator,
    json::Json,
    problem::{Problem, failures},
};

failures! { PauseFailure {
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`). A pause is in force all the same, at this replica and until it is restarted.",
} }

/// Whether all spending is paused.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct Spending {
    /// Whether no turns start now.
    is_paused: bool,
}

pub(in crate::api) struct PauseApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl PauseApi {
    /// Pause all spending
    ///
    /// Stops all turns that run, and refuses new ones with `site_paused`: here at once, at other replicas within about two seconds. The
    /// pause survives restarts.
    #[oai(path = "/pause", method = "post", operation_id = "pauseSpending")]
    async fn pause(&self, Data(state): Data<&AppState>, _operator: Operator) -> Result<Json<Spending>, PauseFailure> {
        state.sites.pause_spending().await.map_err(Problem::from)?;
        Ok(Json(Spending { is_paused: true }))
    }

    /// Resume spending
    ///
    /// Ends the pause of all spending. Sites that are paused stay paused.
    #[oai(path = "/resume", method = "post", operation_id = "resumeSpending")]
    async fn resume(&self, Data(state): Data<&AppState>, _operator: Operator) -> Result<Json<Spending>, PauseFailure> {
        state.sites.resume_spending().await.map_err(Problem::from)?;
        Ok(Json(Spending { is_paused: false }))
    }
}

impl Example for Spending {
    fn example() -> Self {
        Self { is_paused: true }
    }
}
