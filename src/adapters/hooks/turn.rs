//! The turn about which a hook is asked.

use serde::Serialize;

/// The turn about which a hook is asked: fields of each request to a guard or a context hook.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HookTurn<'a> {
    /// The id of the turn's request.
    pub request_id: &'a str,
    /// The session that the client named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a str>,
    /// The id of the site whose page the visitor uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<&'a str>,
    /// The id of the persona that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<&'a str>,
}

impl HookTurn<'static> {
    /// The turn that `al-chat check` names: none of a visitor.
    pub const CHECK: Self = Self { request_id: "al-chat check", session_id: None, site: None, persona: None };
}
