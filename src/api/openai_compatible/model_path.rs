//! Names of models in paths. They may have slashes, as `persona/amaya` has, and not all SDKs escape these.

use poem::{
    Request,
    http::{Uri, uri::PathAndQuery},
};

/// The path of a model, without its name.
const MODELS: &str = "/v1/models/";

/// Escapes the slashes in the name of a model in the path of a request. Other requests are not changed.
pub(in crate::api) fn escape_model(mut request: Request) -> Request {
    if let Some(escaped) = escaped(request.uri()) {
        *request.uri_mut() = escaped;
    }
    request
}

fn escaped(uri: &Uri) -> Option<Uri> {
    let name = uri.path().strip_prefix(MODELS).filter(|name| name.contains('/'))?;
    let path = format!("{MODELS}{}", name.replace('/', "%2F"));
    let path = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slashes_in_the_name_of_a_model_are_escaped() {
        let escaped = |uri: &str| escaped(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(escaped("/v1/models/persona/amaya").as_deref(), Some("/v1/models/persona%2Famaya"));
        assert_eq!(escaped("/v1/models/a/b/c?d=/e").as_deref(), Some("/v1/models/a%2Fb%2Fc?d=/e"));
        for other in ["/v1/models", "/v1/models/", "/v1/models/gpt-4o-mini", "/v1/models/persona%2Famaya", "/v1/chat/a"]
        {
            assert_eq!(escaped(other), None, "{other}");
        }
    }
}
