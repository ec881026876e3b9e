//! Who sends a request that needs no bearer.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    bearer::Bearer,
    required_account::{self, authenticate},
};
use crate::{
    domain::{account::Account, chat::Caller, limits::AskerId, session::SessionId},
    services::sessions::Sessions,
};

/// Who sends a request, by its bearer. A request whose `Authorization` header holds no valid bearer of a kind that the address
/// accepts fails: a caller who believes to be signed in is never treated as an anonymous visitor.
#[derive(Debug)]
pub(in crate::api) enum Identity {
    /// Somebody without a bearer.
    Anonymous,
    /// The account of a token.
    Account(Account),
}

impl Identity {
    /// Whether the request has an account's token.
    pub(in crate::api) fn is_signed_in(&self) -> bool {
        matches!(self, Self::Account(_))
    }

    /// Returns whom the limits count: the account if there is one, otherwise a session that was started here, or else the
    /// address.
    pub(in crate::api) fn asker_id(&self, session: Option<&SessionId>, sessions: &Sessions) -> AskerId {
        let session = session.filter(|session| sessions.was_started_here(session));
        match (self, session) {
            (Self::Account(account), _) => AskerId::Account(account.id),
            (Self::Anonymous, Some(session)) => AskerId::Session(session.clone()),
            (Self::Anonymous, None) => AskerId::Address,
        }
    }

    /// Returns the caller of a turn: the account if there is one, otherwise the name that the client sent.
    pub(in crate::api) fn caller(&self, username: Option<&str>, is_guest: Option<bool>) -> Caller {
        match self {
            Self::Account(account) => Caller::of_account(account),
            Self::Anonymous => Caller::new(username, is_guest),
        }
    }
}

impl<'a> ApiExtractor<'a> for Identity {
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

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(match Bearer::of(request)? {
            None => Self::Anonymous,
            Some(bearer) => Self::Account(authenticate(request, bearer.account_token()?).await?.account),
        })
    }
}
