//! The id and the time of a request.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use opentelemetry::KeyValue;
use poem::http::HeaderMap;
use uuid::{NoContext, Uuid};

use crate::{
    domain::{body_memory::BodyShare, chat::Caller, limits::Asker, session::SessionId, tenant::TenantName},
    foundation::trace::{RequestTrace, Tracer, attributes},
};

/// The id of the request at hand and the time at which it arrived. Handlers find it in the request's data.
#[derive(Clone, Debug)]
pub(super) struct RequestContext {
    /// The request's id. It is unique and cannot be guessed, since it may serve as a capability.
    pub(super) id: String,
    /// The time at which the request arrived.
    pub(super) arrived: Instant,
    sender: Arc<Sender>,
}

/// The person, the API key, the site, the session, whom the limits count, the body and the trace of a request, once they are known.
#[derive(Debug, Default)]
struct Sender {
    caller: OnceLock<Caller>,
    api_key: OnceLock<TenantName>,
    site: OnceLock<TenantName>,
    session: OnceLock<SessionId>,
    asker: OnceLock<Asker>,
    body: Mutex<Option<BodyShare>>,
    trace: OnceLock<RequestTrace>,
}

impl RequestContext {
    /// Creates the context of a request that arrives now.
    pub(super) fn new() -> Self {
        // All bits but the time are random: the usual ids of version 7 count up within a millisecond, so that one would
        // disclose the next.
        let id = Uuid::new_v7(uuid::Timestamp::now(NoContext)).to_string();
        Self { id, arrived: Instant::now(), sender: Arc::default() }
    }

    /// Notes who asks. Only the first call counts.
    pub(super) fn note_caller(&self, caller: &Caller) {
        self.sender.caller.get_or_init(|| caller.clone());
    }

    /// Notes the name of the API key with which a server asks. Only the first one counts.
    pub(super) fn note_api_key(&self, name: TenantName) {
        self.sender.api_key.get_or_init(|| name);
    }

    /// Notes the site whose page the visitor has used. Only the first one counts.
    pub(super) fn note_site(&self, id: TenantName) {
        self.sender.site.get_or_init(|| id);
    }

    /// Notes the session that the client names, if it names one. Only the first one counts.
    pub(super) fn note_session(&self, session: Option<&SessionId>) {
        if let Some(session) = session {
            self.sender.session.get_or_init(|| session.clone());
        }
    }

    /// Notes whom the limits count. Only the first call counts.
    pub(super) fn note_asker(&self, asker: &Asker) {
        self.sender.asker.get_or_init(|| asker.clone());
    }

    /// Returns whom the limits count; `None` unless the request asks for a turn.
    pub(super) fn asker(&self) -> Option<&Asker> {
        self.sender.asker.get()
    }

    /// Begins the trace of the request, which has these headers.
    pub(super) fn begin_trace(&self, tracer: &Tracer, headers: &HeaderMap) {
        let trace = tracer.begin(headers, self.arrived);
        trace.note(|| vec![KeyValue::new(attributes::REQUEST_ID, self.id.clone())]);
        self.sender.trace.get_or_init(|| trace);
    }

    /// Returns the trace of the request; `None` unless it asks for a turn, and turns are traced.
    pub(super) fn trace(&self) -> Option<RequestTrace> {
        self.sender.trace.get().cloned()
    }

    /// Notes the memory that the request's body occupies, until the response or [`Self::take_body`].
    pub(super) fn note_body(&self, share: BodyShare) {
        *self.sender.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
    }

    /// Returns the memory that the request's body occupies, for a turn that outlives the request.
    pub(super) fn take_body(&self) -> Option<BodyShare> {
        self.sender.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns who asks, as far as it is known.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.sender.caller.get()
    }

    /// Returns the name of the API key with which a server asks; `None` without a valid one.
    pub(super) fn api_key(&self) -> Option<TenantName> {
        self.sender.api_key.get().copied()
    }

    /// Returns the site whose page the visitor has used; `None` without a valid ticket.
    pub(super) fn site(&self) -> Option<TenantName> {
        self.sender.site.get().copied()
    }

    /// Returns the session that the client names, as far as it is known.
    pub(super) fn session(&self) -> Option<&SessionId> {
        self.sender.session.get()
    }
}
