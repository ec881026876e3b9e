//! The middleware around all endpoints: request ids, CORS, security headers, the portal's cookie, error bodies for failures and panics,
//! and one diagnostic event for each request.

mod path_methods;
mod request_event;

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};

pub(super) use self::path_methods::PathMethods;
use self::request_event::{RequestEvent, is_routine};
use super::{
    caller::{Visit, is_own_page},
    cors::Cors,
    framing,
    json::{Json, MEDIA_TYPE},
    openai_compatible::{add_retry_header, error_body, is_openai_compatible},
    portal_paths::is_portals,
    problem::Problem,
    proxy_notice::ProxyNotice,
    public_path, rate_limit,
    refusals::TurnEntry,
    request_context::RequestContext,
    security_headers,
};
use crate::{
    adapters::session_log::SessionLog, domain::errors::requests, foundation::config::PublicUrl, services::turn::Turns,
};

/// The `Connection` header of a response after which the connection is closed.
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The mark of a request on a connection beyond `MAX_CONNECTIONS`. Only requests of monitoring systems are answered there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BeyondConnectionLimit;

/// The middleware around all endpoints.
pub(super) struct Middleware<E> {
    pub(super) inner: E,
    pub(super) cors: Cors,
    /// The address at which browsers reach the service, if it is set.
    pub(super) public_url: Option<PublicUrl>,
    /// The warning about a proxy that the settings do not name; `None` until the service has started.
    pub(super) proxy_notice: Option<ProxyNotice>,
    /// The lifetime of a visitor's cookie.
    pub(super) retention: Duration,
    /// The methods of each path, for the `Allow` header of a response with status 405.
    pub(super) methods: Vec<PathMethods>,
    /// The session log, to which refused requests for turns are written; `None` until the service has started.
    pub(super) log: Option<SessionLog>,
    /// The turns; `None` until the service has started.
    pub(super) turns: Option<Turns>,
}

impl<E: Endpoint<Output: IntoResponse>> Endpoint for Middleware<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if let Some(public_url) = &self.public_url {
            public_path::remove(&mut request, public_url);
        }
        let context = RequestContext::new();
        let mut event = RequestEvent::new(&request, context.clone());
        let entry = TurnEntry::of(&request);
        if entry.is_some()
            && let Some(tracer) = self.turns.as_ref().and_then(Turns::tracer)
        {
            context.begin_trace(tracer, request.headers());
        }
        if let Some(notice) = &self.proxy_notice {
            notice.note(request.headers());
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        if let Some(origin) = &origin
            && !self.cors.allows(origin)
            && !is_own_page(request.headers(), self.public_url.as_ref())
        {
            self.cors.report_refused(origin);
        }
        let mut response = if let Err(problem) = framing::check(&request) {
            let mut response = self.refuse(problem, &mut event);
            // The end of such a request is not certain, so the connection cannot be used again.
            response.headers_mut().insert(header::CONNECTION, CLOSE);
            response
        } else if request.method() == Method::OPTIONS {
            let mut response = StatusCode::NO_CONTENT.into_response();
            Cors::preflight(response.headers_mut());
            response
        } else if let Some(redirection) = public_path::redirection(&request) {
            redirection
        } else if request.data::<BeyondConnectionLimit>().is_some() && !is_routine(&event.path) {
            self.refuse(Problem::new(&requests::TOO_MANY_CONNECTIONS), &mut event)
        } else {
            request.set_data(context.clone());
            let visit = Visit::of(&request);
            if let Some(visit) = &visit {
                request.set_data(visit.clone());
            }
            let mut response = self.respond(request, &mut event).await;
            if let Some(visit) = visit {
                visit.set_cookie(response.headers_mut(), self.retention);
            }
            response
        };
        if let (Some(entry), Some(problem), Some(log)) = (entry, &event.problem, &self.log) {
            entry.log_refusal(log, problem, &context);
        }
        if let (Some(trace), Some(problem)) = (context.trace(), &event.problem) {
            trace.note_error(problem.code);
        }
        let headers = response.headers_mut();
        headers.extend(self.cors.headers(origin.as_ref()));
        security_headers::add(headers);
        if let Ok(id) = HeaderValue::from_str(&context.id) {
            headers.insert("x-request-id", id);
        }
        // The limit that has refused a turn is the one to wait for, even if another is nearer to its end by now.
        let refusing = event.problem.as_ref().and_then(|problem| problem.limit.as_deref().copied());
        let nearest = || self.turns.as_ref()?.nearest_limit(context.asker()?);
        if let Some(standing) = refusing.or_else(nearest) {
            rate_limit::add(headers, &standing);
        }
        // Before the service stops, connections are closed after their response.
        if self.turns.as_ref().is_some_and(Turns::is_draining) {
            headers.insert(header::CONNECTION, CLOSE);
        }
        event.finish(response.status());
        Ok(response)
    }
}

impl<E: Endpoint<Output: IntoResponse>> Middleware<E> {
    /// Returns the response of the inner endpoint, or the error response of its failure or panic.
    async fn respond(&self, request: Request, event: &mut RequestEvent) -> Response {
        let outcome = AssertUnwindSafe(self.inner.call(request)).catch_unwind().await;
        let problem = match outcome {
            Ok(Ok(output)) => {
                let response = output.into_response();
                let is_json = response.content_type().is_some_and(|it| it.starts_with(MEDIA_TYPE));
                let status = response.status();
                if is_json || !(status.is_client_error() || status.is_server_error()) {
                    return response;
                }
                Problem::of_status(status)
            }
            Ok(Err(error)) => Problem::from_error(error),
            Err(_panic) => Problem::internal(),
        };
        self.refuse(problem, event)
    }

    /// Returns the response of an error, and records the error in the diagnostic event.
    fn refuse(&self, mut problem: Problem, event: &mut RequestEvent) -> Response {
        problem.is_of_portal = is_portals(&event.path);
        let mut response = if is_openai_compatible(&event.path) {
            let mut response = Json(error_body(&mut problem)).into_response();
            add_retry_header(response.headers_mut(), &problem);
            response
        } else {
            Json(problem.body(&event.context.id)).into_response()
        };
        response.set_status(problem.status);
        if let Some(seconds) = problem.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.status == StatusCode::UNAUTHORIZED && problem.is_of_auth {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if problem.status == StatusCode::METHOD_NOT_ALLOWED
            && let Some(found) = self.methods.iter().find(|it| it.is_of(&event.path))
        {
            response.headers_mut().insert(header::ALLOW, found.methods.clone());
        }
        event.problem = Some(problem);
        response
    }
}
