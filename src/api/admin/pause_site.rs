//! `POST /api/admin/sites/{site_id}/pause` and `/resume`: stops what a site spends, and ends that.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use super::sites::SiteBody;
use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::{Problem, failures},
    },
    domain::{
        errors::bearers,
        tenant::{Site, TenantName},
    },
};

failures! { PauseSiteFailure {
    401 "The request is not the operator's (`operator_only`).",
    404 "There is no such site (`site_not_found`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`). A pause is in force all the same, at this replica and until it is restarted.",
} }

pub(in crate::api) struct PauseSiteApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl PauseSiteApi {
    /// Pause a site
    ///
    /// Stops the site's turns that run, and refuses new ones with `site_paused`: here at once, at other replicas within about two
    /// seconds. The pause survives restarts.
    #[oai(path = "/sites/:site_id/pause", method = "post", operation_id = "pauseSite")]
    async fn pause(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The site's id.
        Path(site_id): Path<String>,
    ) -> Result<Json<SiteBody>, PauseSiteFailure> {
        Ok(body(state.sites.pause(parse(&site_id)?).await?)?)
    }

    /// Resume a site
    ///
    /// Ends the operator's pause. A site that the configuration file pauses stays paused.
    #[oai(path = "/sites/:site_id/resume", method = "post", operation_id = "resumeSite")]
    async fn resume(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The site's id.
        Path(site_id): Path<String>,
    ) -> Result<Json<SiteBody>, PauseSiteFailure> {
        Ok(body(state.sites.resume(parse(&site_id)?).await?)?)
    }
}

fn parse(id: &str) -> Result<TenantName, Problem> {
    TenantName::parse(id).ok_or_else(not_found)
}

fn body(site: Option<Arc<Site>>) -> Result<Json<SiteBody>, Problem> {
    Ok(Json(SiteBody::new(&*site.ok_or_else(not_found)?)))
}

fn not_found() -> Problem {
    Problem::new(&bearers::SITE_NOT_FOUND)
}
