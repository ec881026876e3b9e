//! The media type of JSON.

/// The media type of JSON bodies.
pub(in crate::api) const MEDIA_TYPE: &str = "application/json";

/// Whether a media type is `application/json` or ends in `+json`, with any parameters.
pub(in crate::api) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == MEDIA_TYPE || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_compared_without_case_and_parameters() {
        for media_type in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(media_type), "{media_type}");
        }
        for media_type in ["text/plain", "application/jsonp", "text/json+x", ""] {
            assert!(!is_json(media_type), "{media_type}");
        }
    }
}
