//! The account of a request that works without one.

use poem::{Request, RequestBody, http::header};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::required_account::{self, RequiredAccount};
use crate::{
    domain::{account::Account, chat::Caller, limits::AskerId, session::SessionId},
    services::sessions::Sessions,
};

/// The account of a request's token; `None` without an `Authorization` header. A request whose header holds no valid
/// token fails: a caller who believes to be signed in is never treated as an anonymous visitor.
#[derive(Debug)]
pub(in crate::api) struct OptionalAccount(pub(in crate::api) Option<Account>);

impl OptionalAccount {
    /// Whether the request has a token.
    pub(in crate::api) fn is_signed_in(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whom the limits count: the account if there is one, otherwise a session that was started here, or else the
    /// address.
    pub(in crate::api) fn asker_id(&self, session: Option<&SessionId>, sessions: &Sessions) -> AskerId {
        match (&self.0, session.filter(|session| sessions.was_started_here(session))) {
            (Some(account), _) => AskerId::Account(account.id),
            (None, Some(session)) => AskerId::Session(session.clone()),
            (None, None) => AskerId::Address,
        }
    }

    /// Returns the caller of a turn: the account if there is one, otherwise the name that the client sent.
    pub(in crate::api) fn caller(&self, username: Option<&str>, is_guest: Option<bool>) -> Caller {
        self.0.as_ref().map_or_else(|| Caller::new(username, is_guest), Caller::of_account)
    }
}

impl<'a> ApiExtractor<'a> for OptionalAccount {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        required_account::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![required_account::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        let RequiredAccount(signed_in) = RequiredAccount::from_request(request, body, options).await?;
        Ok(Self(Some(signed_in.account)))
    }
}
