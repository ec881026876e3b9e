//! `GET /metrics`: numbers for those who watch the service, in the OpenMetrics text format. Not part of the contract:
//! what scrapes it reads the format, not our document.

use poem::{Endpoint, Response, endpoint::make_sync, http::header};

use crate::turn::Turns;

/// Where the numbers are.
pub(super) const PATH: &str = "/metrics";

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn endpoint(turns: Turns) -> impl Endpoint {
    make_sync(move |_| Response::builder().header(header::CONTENT_TYPE, MEDIA_TYPE).body(turns.metrics()))
}
