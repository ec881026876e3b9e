//! The check of a bearer where it makes no difference who sends the request.

use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::identity::Identity;

/// The proof that a request has no `Authorization` header, or one that is valid. Anonymous visitors need nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct CheckedBearer {
    /// Whether it is the API key of a server.
    pub(super) is_of_server: bool,
}

impl<'a> ApiExtractor<'a> for CheckedBearer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Identity as ApiExtractor<'_>>::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        <Identity as ApiExtractor<'_>>::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let is_of_server = matches!(Identity::of(request).await?, Identity::ApiKey(_));
        Ok(Self { is_of_server })
    }
}
