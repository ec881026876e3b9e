//! The account of a request's bearer token (RFC 6750).

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::bearer::Bearer;
use crate::{
    api::{AppState, problem::Problem, request_context::RequestContext},
    domain::chat::Caller,
    services::accounts::SignedIn,
};

/// The name of the bearer token's security scheme in the contract.
pub(super) const SCHEME: &str = "bearerAuth";

/// The account of a request that requires one. A request without a valid token fails with status 401.
#[derive(Debug)]
pub(in crate::api) struct RequiredAccount(pub(in crate::api) SignedIn);

/// Returns the account of a token, and notes it as the caller of the request.
pub(super) async fn authenticate(request: &Request, token: &str) -> Result<SignedIn, Problem> {
    let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
    let signed_in = state.accounts.authenticate(token).await?;
    if let Some(context) = request.data::<RequestContext>() {
        context.note_caller(&Caller::of_account(&signed_in.account));
    }
    Ok(signed_in)
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
        let bearer = Bearer::of(request)?.ok_or_else(Problem::not_signed_in)?;
        Ok(Self(authenticate(request, bearer.account_token()?).await?))
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
