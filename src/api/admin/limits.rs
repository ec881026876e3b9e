//! `GET /api/admin/limits`: the limits of usage that are nearly or wholly used up.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Query, types::Example};
use serde::Serialize;

use crate::{
    api::{
        AppState, Group,
        caller::Operator,
        json::Json,
        problem::failures,
        rate_limit::{scale, seconds},
        string_enum::{StringEnum, StringEnumValues},
    },
    domain::limits::{LimitScope, LimitUsage},
    foundation::config::{LimitUnit, LimitWindow},
};

/// The least part of a limit that is shown, in percent.
const DEFAULT_PERCENT: u64 = 80;

/// The maximum number of limits in an answer when the request has no `limit`.
const DEFAULT_LIMIT: u64 = 100;

failures! { LimitsFailure {
    400 "`percent` or `limit` is invalid (`invalid_request`).",
    401 "The request is not the operator's (`operator_only`).",
    500 "A fault of this server (`internal_error`).",
    503 "The database cannot be used (`storage_unavailable`).",
} }

/// The limits that are nearly or wholly used up, those that are used the most first.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct UsedLimits {
    /// The limits.
    limits: Vec<UsedLimit>,
    /// Whether there are more of them.
    has_more: bool,
}

/// The usage of one limit in its current window: the scope, the quota, and the amounts that are used and reserved.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct UsedLimit {
    /// The id of the count, for `DELETE /api/admin/limits/{count_id}`: the scope; `@` and the name of the site or API key if
    /// the limit is its own; a colon; and a hash of the visitor or the address in 32 hexadecimal digits. The same visitor has
    /// the same id at all times.
    count_id: String,
    /// Whose usage the limit counts.
    scope: StringEnum<LimitScopes>,
    /// What the limit counts: `turns`, `tokens`, or `usd-micros`, millionths of a US dollar.
    unit: LimitUnitName,
    /// For how long the limit counts.
    window: LimitWindowName,
    /// The amount that the limit allows in the window.
    quota: u64,
    /// The amount that is used, with what other replicas have reserved for running turns.
    used: u64,
    /// The amount that is reserved for turns that run at this replica.
    reserved: u64,
    /// The seconds until the window ends.
    resets_in_seconds: u64,
}

/// The scopes of limits, as an enum of the contract.
struct LimitScopes;

impl StringEnumValues for LimitScopes {
    const NAME: &'static str = "LimitScope";
    const DESCRIPTION: &'static str = "Whose usage a limit counts: that of one visitor, of one address, of one site, of one API key, or of all together; or the \
         sessions (`sessions`), requests for a person (`handovers`) or ratings (`feedback`) of one address, of which each counts as a turn.";

    fn words() -> Vec<&'static str> {
        LimitScope::all().map(LimitScope::as_str).collect()
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "LimitUnit", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
enum LimitUnitName {
    Turns,
    Tokens,
    UsdMicros,
}

/// For how long a limit counts: a minute of the clock, or a day of UTC.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "LimitWindow", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum LimitWindowName {
    Minute,
    Day,
}

impl UsedLimit {
    fn new(usage: &LimitUsage) -> Self {
        let LimitUsage { key, limit, used, reserved, resets_in } = *usage;
        let scale = scale(limit.unit);
        Self {
            count_id: key.to_string(),
            scope: StringEnum::new(key.scope().as_str()),
            unit: match limit.unit {
                LimitUnit::Turns => LimitUnitName::Turns,
                LimitUnit::Tokens => LimitUnitName::Tokens,
                LimitUnit::Dollars => LimitUnitName::UsdMicros,
            },
            window: match limit.window {
                LimitWindow::Minute => LimitWindowName::Minute,
                LimitWindow::Day => LimitWindowName::Day,
            },
            quota: limit.amount / scale,
            used: used / scale,
            reserved: reserved / scale,
            resets_in_seconds: seconds(resets_in),
        }
    }
}

pub(in crate::api) struct LimitsApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Group::Admin")]
impl LimitsApi {
    /// List the limits that are nearly used up
    ///
    /// Returns the limits of which visitors, addresses or all together have used or reserved a part, those that are used the
    /// most first. Visitors and addresses are named by hashes only.
    #[oai(path = "/limits", method = "get", operation_id = "listLimits")]
    async fn list(
        &self,
        Data(state): Data<&AppState>,
        _operator: Operator,
        /// The least part of a limit that is used or reserved, in percent; 80 by default.
        #[oai(validator(maximum(value = "100")))]
        Query(percent): Query<Option<u64>>,
        /// The largest number of limits; 100 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
    ) -> Result<Json<UsedLimits>, LimitsFailure> {
        let least_per_mille = percent.unwrap_or(DEFAULT_PERCENT).saturating_mul(10);
        let most = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
        let tenants = [state.sites.tenants(), state.api_keys.tenants()].concat();
        let (usages, has_more) = state.turns.near_limits(&tenants, least_per_mille, most).await?;
        Ok(Json(UsedLimits { limits: usages.iter().map(UsedLimit::new).collect(), has_more }))
    }
}

impl Example for UsedLimits {
    fn example() -> Self {
        Self { limits: vec![UsedLimit::example()], has_more: false }
    }
}

impl Example for UsedLimit {
    fn example() -> Self {
        Self {
            count_id: "visitor:5f0c7bd1a3e94f7c8b21d6e09a4c3f58".to_owned(),
            scope: StringEnum::new(LimitScope::Visitor.as_str()),
            unit: LimitUnitName::Tokens,
            window: LimitWindowName::Day,
            quota: 200_000,
            used: 187_312,
            reserved: 4120,
            resets_in_seconds: 30_600,
        }
    }
}
