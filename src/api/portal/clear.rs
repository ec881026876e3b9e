//! `POST /clear_chat`: removes the visitor's conversation.

use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::history::VisitFailure;
use crate::api::{AppState, Group, caller::Visit, json::Json};

/// Something was done.
#[derive(Debug, Object, Serialize)]
struct PortalDone {
    /// Always true.
    success: bool,
}

pub(in crate::api) struct PortalClearApi;

#[OpenApi(tag = "Group::Portal")]
impl PortalClearApi {
    /// Forget what was said
    ///
    /// Nothing needs to be sent; a body is ignored.
    #[oai(
        path = "/clear_chat",
        method = "post",
        operation_id = "portalClear",
        response_header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "The visitor's cookie, to last for longer; not for other websites."
        )
    )]
    async fn clear(&self, Data(state): Data<&AppState>, visit: Visit) -> Result<Json<PortalDone>, VisitFailure> {
        if let Some(visitor) = state.visitors.find(visit.token()).await? {
            state.storage.clear_chat(visitor.owner, visitor.chat, state.clock.now()).await?;
        }
        Ok(Json(PortalDone { success: true }))
    }
}
