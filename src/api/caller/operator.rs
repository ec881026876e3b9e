//! The operator of the service, who proves to be so by `ADMIN_TOKEN`. Without that setting, whoever is at this machine is the
//! operator.

use poem::{Request, RequestBody, http::header};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    bearer::bearer_text,
    required_account::{self, RequiredAccount, register_bearer},
    this_machine::is_direct_and_from_no_other_page,
};
use crate::{
    api::{AppState, problem::Problem},
    domain::account::OwnerId,
};

/// The name of the operator's security scheme in the contract.
pub(super) const SCHEME: &str = "adminToken";

/// The operator or an account. A request without a token is the operator's if `ADMIN_TOKEN` is unset and it comes from this
/// machine, not through a proxy and not from a page of another server. Other requests without a valid token fail with status 401.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) enum OperatorOrAccount {
    /// The operator.
    Operator,
    /// The account of a valid token.
    Account(OwnerId),
}

/// The operator, in the same way. Other requests fail with status 401.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Operator;

/// Whether a request is the operator's.
pub(super) fn is_of_operator(request: &Request, state: &AppState) -> bool {
    match &state.config.admin_token {
        Some(admin) => bearer_text(request).is_some_and(|token| admin.matches(token)),
        None => !request.headers().contains_key(header::AUTHORIZATION) && is_direct_and_from_no_other_page(request),
    }
}

/// Fails with status 401 if a request is not the operator's.
pub(in crate::api) fn ensure_operator(request: &Request, state: &AppState) -> Result<(), Problem> {
    if is_of_operator(request, state) { Ok(()) } else { Err(Problem::not_operator()) }
}

impl<'a> ApiExtractor<'a> for OperatorOrAccount {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        required_account::register(registry);
        register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![required_account::SCHEME, SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
        if is_of_operator(request, state) {
            return Ok(Self::Operator);
        }
        let RequiredAccount(signed_in) = RequiredAccount::from_request(request, body, options).await?;
        Ok(Self::Account(signed_in.account.id))
    }
}

impl<'a> ApiExtractor<'a> for Operator {
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
        let state = request.data::<AppState>().ok_or_else(Problem::internal)?;
        ensure_operator(request, state)?;
        Ok(Self)
    }
}

/// Adds the security scheme of the operator's token to the contract.
pub(super) fn register(registry: &mut Registry) {
    let description = "`ADMIN_TOKEN`. Where it is unset, requests of the server's own machine need no token.";
    register_bearer(registry, SCHEME, description, None);
}
