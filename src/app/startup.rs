//! The endpoint of the listener from the start on.

use std::time::Duration;

use poem::{Endpoint, Request, Response};
use tokio::{sync::SetOnce, time::timeout};

use crate::foundation::outage::StartOutage;

/// The longest time that a request waits for the start, unless that waits for the end of an outage. Nearly every start is
/// shorter.
const START_WAIT: Duration = Duration::from_millis(500);

/// An endpoint that answers as `starting` until the service has started.
#[derive(Debug)]
pub(super) struct StartupEndpoint<S, E> {
    starting: S,
    outage: StartOutage,
    service: SetOnce<E>,
}

impl<S, E> StartupEndpoint<S, E> {
    pub(super) fn new(starting: S, outage: StartOutage) -> Self {
        Self { starting, outage, service: SetOnce::new() }
    }

    /// Passes all requests to the service from now on.
    pub(super) fn serve(&self, service: E) {
        // Fails if it is called twice.
        let _ = self.service.set(service);
    }
}

impl<S: Endpoint<Output = Response>, E: Endpoint<Output = Response>> Endpoint for StartupEndpoint<S, E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if let Some(service) = self.service.get() {
            return service.call(request).await;
        }
        if self.outage.current().is_some() {
            return self.starting.call(request).await;
        }
        match timeout(START_WAIT, self.service.wait()).await {
            Ok(service) => service.call(request).await,
            Err(_) => self.starting.call(request).await,
        }
    }
}
