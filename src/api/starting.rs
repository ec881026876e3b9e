//! The endpoint while the service starts: health checks are answered, other requests are refused.

use poem::{Endpoint, IntoResponse, Request, Response};

use super::{cors::Cors, health, middleware::Middleware, problem::Problem};
use crate::{
    domain::errors::{requests, turns},
    foundation::{
        config::Config,
        outage::{Part, StartOutage},
    },
    services::turn::RecoveryProgress,
};

/// Returns the endpoint that answers every request until the service has started.
#[must_use]
pub fn starting(
    config: &Config,
    progress: RecoveryProgress,
    outage: StartOutage,
) -> impl Endpoint<Output = Response> + use<> {
    let of_sites = config.sites.iter().flat_map(|site| &site.origins);
    let origins = config.server.origins.iter().chain(of_sites).cloned().collect::<Vec<_>>();
    Middleware {
        cors: Cors::new(&origins, None),
        public_url: config.server.public_url.clone(),
        proxy_notice: None,
        retention: config.visitor_retention,
        methods: Vec::new(),
        log: None,
        turns: None,
        inner: Starting { progress, outage },
    }
}

struct Starting {
    progress: RecoveryProgress,
    outage: StartOutage,
}

impl Endpoint for Starting {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        match request.uri().path() {
            health::LIVE_PATH => Ok(health::alive().into_response()),
            health::READY_PATH => Err(health::not_started(&self.state(), self.outage.current()).into()),
            _ => Err(self.refusal().into()),
        }
    }
}

impl Starting {
    /// Returns the error for a request that needs the service: the one that it would get if the outage had come later.
    fn refusal(&self) -> Problem {
        match self.outage.current().map(|outage| outage.part) {
            None => Problem::new(&requests::STARTING),
            Some(Part::Database) => Problem::new(&turns::STORAGE_UNAVAILABLE.error),
            Some(Part::SessionLog) => Problem::new(&turns::SESSION_LOG_UNAVAILABLE.error),
        }
    }

    /// Returns what the service is doing, for people.
    fn state(&self) -> String {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        match self.progress.bytes() {
            Some((read, total)) => format!(
                "starting: counting turns that are only in the session log, {} of {} MB read",
                megabytes(read),
                megabytes(total)
            ),
            None => "starting".to_owned(),
        }
    }
}
