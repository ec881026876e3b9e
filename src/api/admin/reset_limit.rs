//! `DELETE /api/admin/limits/{count_id}`: forgets what one visitor, one address or all together have used of their limits.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        confirmation::{Confirmation, confirm},
        json::Json,
        problem::{Problem, failures},
    },
    domain::{errors::resources, limits::LimitKey},
};

failures! { ResetLimitFailure {
    401 "The request is not the operator's (`operator_only`).",
    404 "Nothing is counted under this id (`limit_count_not_found`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`), or the service is stopping (`stopping`).",
} }

pub(in crate::api) struct ResetLimitApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl ResetLimitApi {
    /// Reset a limit
    ///
    /// Forgets what a visitor, an address or all together have used in the minute and on the day that go on, at all replicas.
    /// Turns that run still count when they end. Another replica that refuses turns of that visitor goes on to do so for about
    /// a second after the next one.
    #[oai(path = "/limits/:count_id", method = "delete", operation_id = "resetLimit")]
    async fn reset(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The id of the count, from `GET /api/admin/limits`.
        Path(count_id): Path<String>,
    ) -> Result<Json<Confirmation>, ResetLimitFailure> {
        let key = LimitKey::parse(&count_id);
        let was_reset = if let Some(key) = key { state.turns.reset_limit(key).await? } else { false };
        if was_reset {
            Ok(confirm("Limit reset successfully"))
        } else {
            Err(Problem::new(&resources::LIMIT_COUNT_NOT_FOUND).into())
        }
    }
}
