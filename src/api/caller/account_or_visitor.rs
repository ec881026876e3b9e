//! The caller that resumes, stops or rates a turn: an account, by its token, a visitor of a site, by a ticket, a visitor of the portal, by
//! the cookie, or a server, by its API key.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    identity::{self, API_KEY_SCHEME, Identity},
    required_account, ticket_scheme, visitor,
};
use crate::{
    api::{AppState, problem::Problem},
    domain::{
        account::OwnerId,
        session::SessionId,
        tenant::{TenantName, TicketVisitor},
    },
    services::{turn::TurnClient, visitors::VisitorToken},
};

/// The account or the visitor that a request names by a token, a ticket or a cookie. As with [`Identity`], a request whose
/// `Authorization` header holds no valid token fails. The portal's endpoints don't use this type: they read the cookie
/// only.
#[derive(Clone, Debug)]
pub(in crate::api) enum AccountOrVisitor {
    /// The account of a valid token.
    Account(OwnerId),
    /// The token of a visitor's cookie. The database may not contain it.
    Visitor(VisitorToken),
    /// A visitor of a site, by a ticket.
    SiteVisitor(TicketVisitor),
    /// A server, by the name of its API key. It has no chats.
    Server(TenantName),
    /// Neither a token nor a cookie nor a ticket nor an API key.
    Nobody,
}

impl AccountOrVisitor {
    /// Returns the owner of the caller's chats. Reads the database for a visitor, so it should be called only where the
    /// owner matters: browsers send the cookie with every request.
    pub(in crate::api) async fn owner(&self, state: &AppState) -> Result<Option<OwnerId>, Problem> {
        Ok(match self {
            Self::Account(owner) => Some(*owner),
            Self::Visitor(token) => state.visitors.find(token).await?.map(|visitor| visitor.owner),
            Self::SiteVisitor(_) | Self::Server(_) | Self::Nobody => None,
        })
    }

    /// Returns the caller as a client of a turn, with the session that it names and the owner of its chats as far as that matters.
    pub(in crate::api) fn turn_client(&self, session: Option<SessionId>, owner: Option<OwnerId>) -> TurnClient {
        let (visitor, api_key) = match self {
            Self::SiteVisitor(visitor) => (Some(*visitor), None),
            Self::Server(name) => (None, Some(*name)),
            Self::Account(_) | Self::Visitor(_) | Self::Nobody => (None, None),
        };
        TurnClient { session, owner, visitor, api_key }
    }
}

impl<'a> ApiExtractor<'a> for AccountOrVisitor {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        required_account::register(registry);
        identity::register_api_key(registry);
        ticket_scheme::register(registry);
        visitor::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![required_account::SCHEME, API_KEY_SCHEME, ticket_scheme::SCHEME, visitor::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(match Identity::of(request).await? {
            Identity::Account(account) => Self::Account(account.id),
            Identity::ApiKey(terms) => Self::Server(terms.name),
            Identity::SiteVisitor(visit) => Self::SiteVisitor(visit.visitor),
            Identity::Anonymous => visitor::token_of(request).map_or(Self::Nobody, Self::Visitor),
        })
    }
}
