//! The parameters and roles that a model's server refuses, so that no request is refused twice for the same reason.

use super::{parameters::Parameters, phrases::Meaning, provider_error::ProviderError};
use crate::foundation::config::Omission;

/// The parameters and roles that a model's server refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate fact about a server")]
pub(super) struct Restrictions {
    /// The server refuses `stream_options`.
    pub(super) no_stream_options: bool,
    /// The server does not stream.
    pub(super) no_stream: bool,
    /// The server refuses `temperature`.
    pub(super) no_temperature: bool,
    /// The server refuses `max_tokens`.
    pub(super) no_max_tokens: bool,
    /// The server refuses `max_completion_tokens`.
    pub(super) no_max_completion_tokens: bool,
    /// The conversation must begin with a message of the user.
    pub(super) starts_with_user: bool,
    /// The server refuses system messages.
    pub(super) no_system_role: bool,
    /// The smallest limit of an answer that the server refused as too large, in tokens.
    pub(super) refused_limit: Option<u32>,
}

impl Restrictions {
    /// Returns the restrictions of a server that does not know these parameters.
    pub(super) fn stated(omissions: &[Omission]) -> Self {
        let omits = |omission| omissions.contains(&omission);
        Self {
            no_stream_options: omits(Omission::StreamOptions),
            no_temperature: omits(Omission::Temperature),
            no_max_tokens: omits(Omission::MaxTokens),
            no_max_completion_tokens: omits(Omission::MaxCompletionTokens),
            ..Self::default()
        }
    }

    /// Returns the restrictions with the one that a refusal adds; `None` if no other form of the request, which had
    /// these parameters, can avoid the refusal.
    pub(super) fn after_refusal(self, error: &ProviderError, sent: Parameters) -> Option<Self> {
        let mut restrictions = self;
        match error.template_problem() {
            // Some prompt templates also demand alternating roles when they refuse a system message.
            Some(Meaning::RolesMustAlternate) if sent.starts_with_assistant => restrictions.starts_with_user = true,
            Some(_) => restrictions.no_system_role |= sent.system,
            None => restrictions.add_refused_parameter(error, sent),
        }
        (restrictions != self).then_some(restrictions)
    }

    /// Returns the restrictions of both.
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            no_stream_options: self.no_stream_options | other.no_stream_options,
            no_stream: self.no_stream | other.no_stream,
            no_temperature: self.no_temperature | other.no_temperature,
            no_max_tokens: self.no_max_tokens | other.no_max_tokens,
            no_max_completion_tokens: self.no_max_completion_tokens | other.no_max_completion_tokens,
            starts_with_user: self.starts_with_user | other.starts_with_user,
            no_system_role: self.no_system_role | other.no_system_role,
            refused_limit: [self.refused_limit, other.refused_limit].into_iter().flatten().min(),
        }
    }

    /// Adds the parameter that the error refuses.
    fn add_refused_parameter(&mut self, error: &ProviderError, sent: Parameters) {
        if sent.limit.is_some() && error.is_about_too_large_limit() {
            self.refused_limit = sent.limit;
        } else if sent.stream_options && error.is_about("stream_options") {
            self.no_stream_options = true;
        } else if sent.temperature && error.is_about("temperature") {
            self.no_temperature = true;
        } else if sent.max_tokens && error.is_about("max_tokens") {
            // OpenAI's text also names `max_completion_tokens`, as the replacement.
            self.no_max_tokens = true;
        } else if sent.max_completion_tokens && error.is_about("max_completion_tokens") {
            self.no_max_completion_tokens = true;
        } else if sent.stream && error.is_about("stream") {
            self.no_stream = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Parameters = Parameters {
        stream: true,
        stream_options: true,
        temperature: true,
        max_tokens: true,
        max_completion_tokens: false,
        limit: Some(4096),
        system: true,
        starts_with_assistant: true,
    };

    fn after(message: &str) -> Option<Restrictions> {
        let error = ProviderError::parse(format!(r#"{{"error":{{"message":"{message}"}}}}"#).as_bytes());
        Restrictions::default().after_refusal(&error, SENT)
    }

    #[test]
    fn refused_parameters_are_omitted() {
        let stream_options = after("Unrecognized request argument supplied: stream_options");
        assert_eq!(stream_options, Some(Restrictions { no_stream_options: true, ..Restrictions::default() }));
        let max_tokens = after("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.");
        assert_eq!(max_tokens, Some(Restrictions { no_max_tokens: true, ..Restrictions::default() }));
        let temperature = after("Unsupported value: 'temperature' does not support 0.9 with this model.");
        assert_eq!(temperature, Some(Restrictions { no_temperature: true, ..Restrictions::default() }));
        assert_eq!(
            after("Streaming is not supported"),
            Some(Restrictions { no_stream: true, ..Restrictions::default() })
        );
        assert_eq!(after("max_completion_tokens is unknown"), None, "it was not sent");
        assert_eq!(after("something else"), None);
    }

    #[test]
    fn roles_that_templates_refuse_are_avoided() {
        let alternate = after("Conversation roles must alternate user/assistant/user/assistant/...");
        assert_eq!(alternate, Some(Restrictions { starts_with_user: true, ..Restrictions::default() }));
        let no_system = after("System role not supported");
        assert_eq!(no_system, Some(Restrictions { no_system_role: true, ..Restrictions::default() }));
    }

    #[test]
    fn a_known_restriction_changes_nothing() {
        let error = ProviderError::parse(br#"{"error":"System role not supported"}"#);
        let known = Restrictions { no_system_role: true, ..Restrictions::default() };
        assert_eq!(known.after_refusal(&error, SENT), None);
    }

    #[test]
    fn only_parameters_that_were_sent_are_omitted() {
        let error = ProviderError::parse(br#"{"error":"Conversation roles must alternate user/assistant"}"#);
        let sent = Parameters { starts_with_assistant: false, ..SENT };
        let no_system = Restrictions { no_system_role: true, ..Restrictions::default() };
        assert_eq!(Restrictions::default().after_refusal(&error, sent), Some(no_system));
        assert_eq!(Restrictions::default().after_refusal(&error, Parameters { system: false, ..sent }), None);
    }

    #[test]
    fn a_refused_limit_is_recorded() {
        let restrictions = after("max_tokens must be less than or equal to 1000");
        assert_eq!(restrictions, Some(Restrictions { refused_limit: Some(4096), ..Restrictions::default() }));
    }

    #[test]
    fn restrictions_are_combined() {
        let (one, other) = (
            Restrictions { no_stream: true, ..Restrictions::default() },
            Restrictions { refused_limit: Some(9), ..Restrictions::default() },
        );
        assert_eq!(
            one.union(other),
            Restrictions { no_stream: true, refused_limit: Some(9), ..Restrictions::default() }
        );
    }
}
