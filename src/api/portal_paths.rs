//! The paths of the portal's endpoints.

/// The portal's paths, and whether what is done there is about the visitor.
const PATHS: [(&str, bool); 4] =
    [("/chat", true), ("/chat_history", true), ("/clear_chat", true), ("/api_status", false)];

/// Whether a path is one of the portal's: errors there say `"success": false`, and what is answered depends on who asks,
/// so that it is for nobody else.
pub(super) fn is_portals(path: &str) -> bool {
    PATHS.iter().any(|(own, _)| *own == path)
}

/// Whether what is done there is about the visitor.
pub(super) fn is_personal(path: &str) -> bool {
    PATHS.contains(&(path, true))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_paths_are_those_of_the_contract() {
        let contract: Value = serde_json::from_str(&crate::api::contract()).unwrap();
        let paths = contract["paths"].as_object().unwrap().iter();
        let is_portals = |operations: &Value| operations.to_string().contains(r#""tags":["Portal"]"#);
        let of_contract = paths.filter(|(_, it)| is_portals(it)).map(|(path, _)| path.as_str()).collect::<Vec<_>>();
        let mut own = PATHS.map(|(path, _)| path);
        own.sort_unstable();
        assert_eq!(of_contract, own);
    }
}
