//! Whose chats a request may be about: an account's, by its token, or else a visitor's, by the cookie.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{Doors, bearer, portal, problem::Problem};
use crate::account::OwnerId;

/// Whose token or cookie came with the request, if there was one at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct OptionalOwner(pub(super) Option<OwnerId>);

impl<'a> ApiExtractor<'a> for OptionalOwner {
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
        Ok(Self(owner(request).await?))
    }
}

async fn owner(request: &Request) -> Result<Option<OwnerId>, Problem> {
    // Credentials of another kind are for a proxy in front.
    if let Some(token) = bearer::token(request) {
        return Ok(Some(bearer::authenticate(request, token).await?.account.id));
    }
    let Some(token) = portal::shown(request.headers()) else { return Ok(None) };
    let doors = request.data::<Doors>().ok_or_else(Problem::internal)?;
    Ok(doors.visitors.find(&token).await?.map(|visitor| visitor.owner))
}
