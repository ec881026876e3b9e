//! The API key of a request that must have one.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{
    bearer::Bearer,
    identity::{API_KEY_SCHEME, Identity, authenticate_server, register_api_key},
};
use crate::{api::problem::Problem, domain::errors::bearers};

/// The server that sends a request, at an address for servers: always [`Identity::ApiKey`]. A request without a valid API key
/// fails with status 401, also one with another kind of bearer.
#[derive(Debug)]
pub(in crate::api) struct RequiredApiKey(pub(in crate::api) Identity);

impl<'a> ApiExtractor<'a> for RequiredApiKey {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_api_key(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![API_KEY_SCHEME]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        match Bearer::of(request)? {
            Some(Bearer::ApiKey(key)) => Ok(Self(Identity::ApiKey(authenticate_server(request, key)?))),
            Some(Bearer::AccountToken(_) | Bearer::Ticket(_)) | None => {
                Err(Problem::of_auth(&bearers::API_KEY_REQUIRED).into())
            }
        }
    }
}
