//! `GET /api_status`: whether a language model or the built-in responder answers.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use crate::api::{AppState, Group, caller::ensure_own_page, json::Json, problem::failures};

failures! { StatusFailure {
    403 "The request comes from a page of another website (`foreign_origin`).",
} }

/// The status of the portal: whether a language model or the built-in responder answers its messages.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalStatus {
    /// Whether a language model answers.
    openai_available: bool,
    /// Whether the built-in responder answers.
    demo_mode: bool,
}

pub(in crate::api) struct PortalStatusApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalStatusApi {
    /// Read what answers
    ///
    /// Returns whether a language model or the built-in responder answers.
    #[oai(path = "/api_status", method = "get", operation_id = "portalStatus")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn status(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
    ) -> Result<Json<PortalStatus>, StatusFailure> {
        ensure_own_page(request)?;
        let demo_mode = is_demo_mode(state);
        Ok(Json(PortalStatus { openai_available: !demo_mode, demo_mode }))
    }
}

/// Whether the built-in responder answers.
pub(super) fn is_demo_mode(state: &AppState) -> bool {
    state.credentials.demo_mode()
}

impl Example for PortalStatus {
    fn example() -> Self {
        Self { openai_available: true, demo_mode: false }
    }
}
