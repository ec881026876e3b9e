//! Who asks for a turn that goes on: somebody with an account, by a token, or else a visitor, by the cookie.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{Doors, bearer, portal, problem::Problem};
use crate::{account::OwnerId, visitors::VisitorToken};

/// Whose token or cookie came with the request.
#[derive(Clone, Debug)]
pub(super) enum Asker {
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
    pub(super) async fn owner(&self, doors: &Doors) -> Result<Option<OwnerId>, Problem> {
        Ok(match self {
            Self::Account(owner) => Some(*owner),
            Self::Visitor(token) => doors.visitors.find(token).await?.map(|visitor| visitor.owner),
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
        portal::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![bearer::SCHEME, portal::SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        // Credentials of another kind are for a proxy in front.
        if let Some(token) = bearer::token(request) {
            return Ok(Self::Account(bearer::authenticate(request, token).await?.account.id));
        }
        Ok(portal::shown(request.headers()).map_or(Self::Nobody, Self::Visitor))
    }
}
