//! Who is signed in, by the token that came with the request.

use poem::{Request, RequestBody, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use crate::api::{AppState, problem::Problem};
use crate::services::accounts::{AccountFailure, SignedIn};

/// The name of this way to sign in, in the contract.
pub(super) const SCHEME: &str = "bearerAuth";

/// Who has sent a token that is good. Without one, the request goes no further.
#[derive(Debug)]
pub(in crate::api) struct Bearer(pub(in crate::api) SignedIn);

/// The token that came with the request, if the credentials in its header are one.
fn token(request: &Request) -> Option<&str> {
    let credentials = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credentials.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// A token that is of no use isn't taken for none: its owner would go on as somebody else without knowing.
async fn authenticate(request: &Request, token: &str) -> Result<SignedIn, Problem> {
    let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
    Ok(state.accounts.authenticate(token).await?)
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
        let has_credentials = request.headers().contains_key(header::AUTHORIZATION);
        let token = token(request).ok_or_else(|| {
            if has_credentials { AccountFailure::InvalidToken.into() } else { Problem::not_signed_in() }
        })?;
        Ok(Self(authenticate(request, token).await?))
    }
}

/// Tells the contract of the token.
pub(super) fn register(registry: &mut Registry) {
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
