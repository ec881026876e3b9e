//! `POST /clear_chat`: removes the visitor's conversation.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use super::history::VisitFailure;
use crate::api::{AppState, Group, caller::Visit, erasure, json::Json};

/// The confirmation of an operation.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct PortalDone {
    /// Always true.
    success: bool,
}

pub(in crate::api) struct PortalClearApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalClearApi {
    /// Clear the visitor's chat
    ///
    /// No body is needed; it is ignored.
    #[oai(
        path = "/clear_chat",
        method = "post",
        operation_id = "portalClear",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's renewed cookie. It is not sent to other websites."
        )
    )]
    async fn clear(&self, Data(state): Data<&AppState>, visit: Visit) -> Result<Json<PortalDone>, VisitFailure> {
        if let Some(visitor) = state.visitors.find(visit.token()).await? {
            erasure::clear_chat(state, visitor.owner, visitor.chat).await?;
        }
        Ok(Json(PortalDone { success: true }))
    }
}

impl Example for PortalDone {
    fn example() -> Self {
        Self { success: true }
    }
}
