//! `DELETE /api/session/{session_id}/content`: erases the texts of a session in the session log.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use super::{
    AppState, Group,
    caller::OperatorOrAccount,
    confirmation::{Confirmation, confirm},
    erasure,
    json::Json,
    problem::{Problem, failures},
};
use crate::domain::{errors::resources, session::SessionId};

failures! { EraseContentFailure, signed in {
    400 "The id is malformed (`invalid_session_id`).",
    404 "There is no text of this session, or none of this account in it, to erase (`content_not_found`).",
} }

pub(super) struct SessionContentApi;

#[OpenApi(prefix_path = "/api/session", tag = "Group::Session")]
impl SessionContentApi {
    /// Erase the logged texts of a session
    ///
    /// Destroys the keys of the texts that `SESSION_LOG_CONTENT=on` has logged so far, so that no copy of the session log can
    /// be read any more; its numbers remain. Stored answers to repeated requests are erased, too, and streams cannot be read
    /// again; stored chats are not erased.
    /// An account erases its own texts, the operator those of everybody.
    #[oai(path = "/:session_id/content", method = "delete", operation_id = "eraseSessionContent")]
    async fn erase(
        &self,
        Data(state): Data<&AppState>,
        caller: OperatorOrAccount,
        /// The session's id, or the `content_key` of a line in the session log, for turns that named no session.
        Path(session_id): Path<String>,
    ) -> Result<Json<Confirmation>, EraseContentFailure> {
        let id = SessionId::parse(&session_id)?;
        let owner = match caller {
            OperatorOrAccount::Operator => None,
            OperatorOrAccount::Account(owner) => Some(owner),
        };
        if erasure::erase_session(state, id, owner).await? {
            Ok(confirm("Content erased successfully"))
        } else {
            Err(Problem::new(&resources::CONTENT_NOT_FOUND).into())
        }
    }
}
