//! `GET /api/admin/sites`: the sites of the configuration file.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use crate::{
    api::{AppState, Group, caller::Operator, json::Json, problem::failures},
    domain::tenant::Site,
};

failures! { SitesFailure {
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
} }

/// A site whose pages embed the chat window.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Site", example)]
pub(super) struct SiteBody {
    /// The site's id.
    id: String,
    /// The origins of the site's pages, also with an asterisk for a label.
    origins: Vec<String>,
    /// The only persona that answers; null if requests choose.
    #[oai(nullable)]
    persona: Option<String>,
    /// The models that may answer; null for all that clients may choose.
    #[oai(nullable)]
    models: Option<Vec<String>>,
    /// Whether no turns start now, for one reason or both.
    is_paused: bool,
    /// Whether the configuration file pauses the site.
    is_paused_by_file: bool,
    /// Whether the operator has paused the site.
    is_paused_by_operator: bool,
}

impl SiteBody {
    pub(super) fn new(site: &Site) -> Self {
        let (settings, paused) = (&site.settings, site.pause.by());
        Self {
            id: settings.id.to_string(),
            origins: settings.origins.iter().map(ToString::to_string).collect(),
            persona: settings.persona.clone(),
            models: settings.models.clone(),
            is_paused: paused.any(),
            is_paused_by_file: paused.file,
            is_paused_by_operator: paused.operator,
        }
    }
}

pub(in crate::api) struct SitesApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl SitesApi {
    /// List the sites
    ///
    /// Returns the sites of the configuration file, sorted by id.
    #[oai(path = "/sites", method = "get", operation_id = "listSites")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn list(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
    ) -> Result<Json<Vec<SiteBody>>, SitesFailure> {
        Ok(Json(state.sites.all().iter().map(|site| SiteBody::new(site)).collect()))
    }
}

impl Example for SiteBody {
    fn example() -> Self {
        Self {
            id: "shop".to_owned(),
            origins: vec!["https://shop.example".to_owned()],
            persona: Some("amaya".to_owned()),
            models: None,
            is_paused: true,
            is_paused_by_file: false,
            is_paused_by_operator: true,
        }
    }
}
