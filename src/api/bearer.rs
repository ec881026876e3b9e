//! Who is signed in, by the token that came with the request.

use poem::{Request, RequestBody, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::{Doors, problem::Problem};
use crate::accounts::{AccountFailure, SignedIn};

/// The name of this way to sign in, in the contract.
const SCHEME: &str = "bearerAuth";

/// Who has sent a token that is good. Without one, the request goes no further.
#[derive(Debug)]
pub(super) struct Bearer(pub(super) SignedIn);

/// Who has sent a token that is good, if there was one at all.
#[derive(Debug)]
pub(super) struct OptionalBearer(pub(super) Option<SignedIn>);

/// Who has sent a token; `None` who has sent none at all. One that is of no use isn't taken for none: its owner would
/// go on as somebody else without knowing.
async fn signed_in(request: &Request) -> Result<Option<SignedIn>, Problem> {
    let Some(credentials) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let doors = request.data::<Doors>().ok_or_else(Problem::internal)?;
    let token = credentials.to_str().ok().and_then(|text| text.trim().split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or(AccountFailure::InvalidToken)?;
    Ok(Some(doors.accounts.authenticate(token.trim()).await?))
}

impl<'a> ApiExtractor<'a> for Bearer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let signed_in = signed_in(request).await?;
        Ok(Self(signed_in.ok_or_else(Problem::not_signed_in)?))
    }
}

impl<'a> ApiExtractor<'a> for OptionalBearer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self(signed_in(request).await?))
    }
}

fn register(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "http",
        description: Some("The `access_token` of a login."),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme(SCHEME, scheme);
}
