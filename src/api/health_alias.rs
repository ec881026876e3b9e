//! `GET /health`: the state of the service, at the path that older clients and proxies use.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Serialize;

use super::{AppState, Group, json::Json};

/// The state of the service, for older clients.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct ServiceHealth {
    /// `ok` while it serves, `stopping` after a signal to stop.
    status: String,
    /// The state as a sentence.
    message: String,
    /// The time of the response, RFC 3339.
    timestamp: String,
}

pub(super) struct HealthAliasApi;

#[OpenApi(tag = "Group::Health")]
impl HealthAliasApi {
    /// Check whether the service runs
    ///
    /// `GET /api/health` returns more details.
    #[oai(path = "/health", method = "get", operation_id = "healthAlias", deprecated)]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn health(&self, Data(state): Data<&AppState>) -> Json<ServiceHealth> {
        let timestamp = state.clock.rfc3339(state.clock.now());
        Json(ServiceHealth::new(state.turns.is_draining(), timestamp))
    }
}

impl ServiceHealth {
    fn new(is_stopping: bool, timestamp: String) -> Self {
        let (status, message) =
            if is_stopping { ("stopping", "AL-Chat is stopping") } else { ("ok", "AL-Chat is running") };
        Self { status: status.to_owned(), message: message.to_owned(), timestamp }
    }
}

impl Example for ServiceHealth {
    fn example() -> Self {
        Self::new(false, "2026-11-21T09:30:00.417000+01:00".to_owned())
    }
}
