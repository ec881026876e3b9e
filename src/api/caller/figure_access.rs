//! Authorization to read figures of the service: its metrics, its costs, and the source of its API key.
//!
//! Where the service listens for others, or has an operator's token, only the operator may. Otherwise this machine may, as long
//! as the request does not come through a proxy: whoever tries the service out needs no token. The metrics have a rule of their
//! own (`METRICS`).

use poem::{Request, RequestBody, http::header};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    operator::{self, is_of_operator},
    this_machine::is_direct,
};
use crate::{
    api::{AppState, problem::Problem},
    foundation::config::MetricsAccess,
};

/// Whether a request may read figures of the service. A request with a bearer that is not the operator's fails with status 401.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct FigureAccess {
    is_granted: bool,
}

impl FigureAccess {
    /// Whether the request may read figures.
    pub(in crate::api) fn is_granted(self) -> bool {
        self.is_granted
    }

    /// Fails with status 401 if the request may not read figures.
    pub(in crate::api) fn ensure(self) -> Result<(), Problem> {
        if self.is_granted { Ok(()) } else { Err(Problem::not_operator()) }
    }
}

/// Fails with status 401 if a request may not read the metrics.
pub(in crate::api) fn ensure_metrics_access(request: &Request, state: &AppState) -> Result<(), Problem> {
    let is_granted = match state.config.server.metrics {
        Some(MetricsAccess::Public) => true,
        Some(MetricsAccess::Admin) => is_of_operator(request, state),
        None => {
            let is_open = state.config.server.is_on_loopback();
            is_of_operator(request, state) || is_open && is_local_without_bearer(request)
        }
    };
    FigureAccess { is_granted }.ensure()
}

fn may_read(request: &Request, state: &AppState) -> bool {
    let is_open = state.config.server.is_on_loopback() && state.config.admin_token.is_none();
    is_of_operator(request, state) || is_open && is_local_without_bearer(request)
}

fn is_local_without_bearer(request: &Request) -> bool {
    !has_bearer(request) && is_direct(request)
}

fn has_bearer(request: &Request) -> bool {
    request.headers().contains_key(header::AUTHORIZATION)
}

impl<'a> ApiExtractor<'a> for FigureAccess {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        operator::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![operator::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
        let access = Self { is_granted: may_read(request, state) };
        if has_bearer(request) {
            access.ensure()?;
        }
        Ok(access)
    }
}
