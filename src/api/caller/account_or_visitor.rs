//! Who asks for a turn that goes on: somebody with an account, by a token, or else a visitor, by the cookie.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{bearer, optional_account::OptionalAccount, visitor};
use crate::{
    api::{AppState, problem::Problem},
    domain::account::OwnerId,
    services::visitors::VisitorToken,
};

/// The owner named by the token or the cookie of a request. As with [`OptionalAccount`], an `Authorization` header without a good token ends
/// it; the portal's own addresses read the cookie alone, and ignore that header.
#[derive(Clone, Debug)]
pub(in crate::api) enum Asker {
    /// Somebody with an account.
    Account(OwnerId),
    /// A visitor of the portal, if the cookie is known.
    Visitor(VisitorToken),
    /// There was none of either.
    Nobody,
}

impl Asker {
    /// Whose chats they are that may be asked about. Visitors are only looked for where it matters: all that they ask this
    /// server comes with their cookie.
    pub(in crate::api) async fn owner(&self, state: &AppState) -> Result<Option<OwnerId>, Problem> {
        Ok(match self {
            Self::Account(owner) => Some(*owner),
            Self::Visitor(token) => state.visitors.find(token).await?.map(|visitor| visitor.owner),
            Self::Nobody => None,
        })
    }
}

impl<'a> ApiExtractor<'a> for Asker {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        bearer::register(registry);
        visitor::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![bearer::SCHEME, visitor::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let OptionalAccount(account) = OptionalAccount::from_request(request, body, options).await?;
        Ok(match account {
            Some(account) => Self::Account(account.id),
            None => visitor::shown(request.headers()).map_or(Self::Nobody, Self::Visitor),
        })
    }
}
