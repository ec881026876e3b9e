//! The paths of the portal's endpoints.

/// The paths of the portal's endpoints, and whether each concerns a visitor.
const PATHS: [(&str, bool); 4] =
    [("/chat", true), ("/chat_history", true), ("/clear_chat", true), ("/api_status", false)];

/// Whether a path is one of the portal's. Its error bodies contain `"success": false`, and its responses are not cached,
/// since they depend on the visitor.
pub(super) fn is_portals(path: &str) -> bool {
    PATHS.iter().any(|(own, _)| *own == path)
}

/// Whether the endpoint of a path concerns a visitor, and so sets the visitor's cookie.
pub(super) fn is_personal(path: &str) -> bool {
    PATHS.contains(&(path, true))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_paths_of_the_portal_are_those_of_the_contract() {
        let contract: Value = serde_json::from_str(&crate::api::contract()).unwrap();
        let paths = contract["paths"].as_object().unwrap().iter();
        let is_portals = |operations: &Value| operations.to_string().contains(r#""tags":["Portal"]"#);
        let of_contract = paths.filter(|(_, it)| is_portals(it)).map(|(path, _)| path.as_str()).collect::<Vec<_>>();
        let mut own = PATHS.map(|(path, _)| path);
        own.sort_unstable();
        assert_eq!(of_contract, own);
    }
}
