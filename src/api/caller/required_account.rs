//! The account of a request's bearer token (RFC 6750).

use poem::{Request, RequestBody, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use crate::{
    api::{AppState, problem::Problem, request_context::RequestContext},
    domain::chat::Caller,
    services::accounts::{AccountFailure, SignedIn},
};

/// The name of the bearer token's security scheme in the contract.
pub(super) const SCHEME: &str = "bearerAuth";

/// The account of a request that requires one. A request without a valid token fails with status 401.
#[derive(Debug)]
pub(in crate::api) struct RequiredAccount(pub(in crate::api) SignedIn);

/// Returns the token of the `Authorization` header; `None` without that header or with another scheme.
pub(super) fn bearer_token(request: &Request) -> Option<&str> {
    let credentials = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credentials.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Returns the account of a token. An invalid token is an error, also where a token is optional: otherwise its owner
/// would continue as an anonymous visitor without noticing.
async fn authenticate(request: &Request, token: &str) -> Result<SignedIn, Problem> {
    let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
    Ok(state.accounts.authenticate(token).await?)
}

impl<'a> ApiExtractor<'a> for RequiredAccount {
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
        let token = bearer_token(request).ok_or_else(|| {
            if has_credentials { AccountFailure::InvalidToken.into() } else { Problem::not_signed_in() }
        })?;
        let signed_in = authenticate(request, token).await?;
        if let Some(context) = request.data::<RequestContext>() {
            context.note_caller(&Caller::of_account(&signed_in.account));
        }
        Ok(Self(signed_in))
    }
}

/// Adds the security scheme of the bearer token to the contract.
pub(super) fn register(registry: &mut Registry) {
    register_bearer(registry, SCHEME, "The `access_token` of a login.", Some("JWT"));
}

/// Adds the security scheme of a kind of bearer token to the contract. `format` is the token's form, if clients may know it.
pub(super) fn register_bearer(
    registry: &mut Registry,
    name: &'static str,
    description: &'static str,
    format: Option<&'static str>,
) {
    let scheme = MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: format,
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme(name, scheme);
}
