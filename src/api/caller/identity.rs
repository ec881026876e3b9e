//! Who sends a request that needs no bearer.

use std::sync::Arc;

use poem::{Request, RequestBody, http::header};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    bearer::Bearer,
    own_page::{is_own_page, is_sent_by_own_page},
    required_account::{self, authenticate, register_bearer},
    ticket_scheme,
};
use crate::{
    api::{AppState, problem::Problem, public_path::public_url, request_context::RequestContext},
    domain::{
        account::Account,
        chat::Caller,
        errors::bearers,
        limits::AskerId,
        session::SessionId,
        tenant::{ApiKeyTerms, Tenant},
    },
    services::{
        sessions::Sessions,
        sites::{SiteVisit, TicketPage},
    },
};

/// The name of the API keys' security scheme in the contract.
pub(super) const API_KEY_SCHEME: &str = "apiKey";

/// Who sends a request, by its bearer. A request whose `Authorization` header holds no valid bearer of a kind that the address
/// accepts fails: a caller who believes to be known is never treated as an anonymous visitor.
#[derive(Debug)]
pub(in crate::api) enum Identity {
    /// Somebody without a bearer.
    Anonymous,
    /// The account of a token.
    Account(Account),
    /// A server, by its API key.
    ApiKey(Arc<ApiKeyTerms>),
    /// A visitor of a site, by a ticket.
    SiteVisitor(SiteVisit),
}

impl Identity {
    /// Whether the request has an account's token.
    pub(in crate::api) fn is_signed_in(&self) -> bool {
        matches!(self, Self::Account(_))
    }

    /// Returns whom the limits count: the account or the visitor of a ticket if there is one, otherwise a session that was started here, or else the
    /// address.
    pub(in crate::api) fn asker_id(&self, session: Option<&SessionId>, sessions: &Sessions) -> AskerId {
        let session = session.filter(|session| sessions.was_started_here(session));
        match (self, session) {
            (Self::SiteVisitor(visit), _) => AskerId::Ticket(visit.visitor),
            (Self::Account(account), _) => AskerId::Account(account.id),
            (Self::Anonymous | Self::ApiKey(_), Some(session)) => AskerId::Session(session.clone()),
            (Self::Anonymous | Self::ApiKey(_), None) => AskerId::Address,
        }
    }

    /// Returns on whose behalf the request asks, if not only on the visitor's own.
    pub(in crate::api) fn tenant(&self) -> Option<Tenant> {
        match self {
            Self::SiteVisitor(visit) => Some(Tenant::Site(Arc::clone(&visit.site))),
            Self::ApiKey(terms) => Some(Tenant::Key(Arc::clone(terms))),
            Self::Anonymous | Self::Account(_) => None,
        }
    }

    /// Returns who sends a request, whether or not it needs a ticket.
    pub(super) async fn of(request: &Request) -> Result<Self, Problem> {
        Ok(match Bearer::of(request)? {
            None => Self::Anonymous,
            Some(Bearer::ApiKey(key)) => Self::ApiKey(authenticate_server(request, key)?),
            Some(Bearer::Ticket(ticket)) => Self::SiteVisitor(site_visit(request, ticket)?),
            Some(bearer) => Self::Account(authenticate(request, bearer.account_token()?).await?.account),
        })
    }

    /// Returns the caller of a turn: the account if there is one, otherwise the name that the client sent.
    pub(in crate::api) fn caller(&self, username: Option<&str>, is_guest: Option<bool>) -> Caller {
        match self {
            Self::Account(account) => Caller::of_account(account),
            Self::Anonymous | Self::ApiKey(_) | Self::SiteVisitor(_) => Caller::new(username, is_guest),
        }
    }
}

impl<'a> ApiExtractor<'a> for Identity {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        required_account::register(registry);
        register_api_key(registry);
        ticket_scheme::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![required_account::SCHEME, API_KEY_SCHEME, ticket_scheme::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    /// Fails for an anonymous visitor if there are sites, except on a page of this server.
    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let identity = Self::of(request).await?;
        let state = state(request)?;
        let is_on_own_page = || is_sent_by_own_page(state, request.headers());
        if matches!(identity, Self::Anonymous) && state.sites.exist() && !is_on_own_page() {
            return Err(Problem::of_auth(&bearers::TICKET_REQUIRED).into());
        }
        Ok(identity)
    }
}

fn state(request: &Request) -> Result<&AppState, Problem> {
    request.data::<AppState>().ok_or_else(Problem::internal)
}

/// Returns what a ticket proves, and notes its site for the log. Fails if another page sends it.
fn site_visit(request: &Request, ticket: &str) -> Result<SiteVisit, Problem> {
    let visit = state(request)?.sites.visit(ticket)?;
    if let Some(context) = request.data::<RequestContext>() {
        context.note_site(visit.site.settings.id);
    }
    let headers = request.headers();
    let is_from_its_page = headers.get(header::ORIGIN).is_none_or(|origin| match &visit.page {
        TicketPage::Own => is_own_page(headers, public_url(request)),
        TicketPage::Of(own) => origin.as_bytes() == own.as_bytes(),
    });
    if is_from_its_page { Ok(visit) } else { Err(Problem::of_auth(&bearers::TICKET_OF_OTHER_PAGE)) }
}

/// Returns what an API key may do, and notes its name for the log.
pub(super) fn authenticate_server(request: &Request, key: &str) -> Result<Arc<ApiKeyTerms>, Problem> {
    let terms = state(request)?.api_keys.authenticate(key)?;
    if let Some(context) = request.data::<RequestContext>() {
        context.note_api_key(terms.name);
    }
    Ok(terms)
}

/// Adds the security scheme of API keys to the contract.
pub(super) fn register_api_key(registry: &mut Registry) {
    register_bearer(
        registry,
        API_KEY_SCHEME,
        "The API key of a server, which `al-chat keys create` makes.",
        Some("alk_"),
    );
}
