//! What a model's server was seen to accept and refuse, so that no request is refused twice for the same reason.
//!
//! It lasts until the process ends: a server may have been configured anew by then.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{phrases::Meaning, provider_error::ProviderError, request::Parameters};

/// What was learned about one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) form: Form,
    /// It thinks in tokens of its own before it answers.
    pub(super) reasons: bool,
    /// Tokens it reads at once.
    pub(super) window: Option<u64>,
}

/// What a model's server refuses of the form of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate fact about a server")]
pub(super) struct Form {
    /// It refuses `stream_options`.
    pub(super) no_stream_options: bool,
    /// It answers as a whole only.
    pub(super) no_stream: bool,
    /// It refuses `temperature`.
    pub(super) no_temperature: bool,
    /// It refuses `max_tokens`.
    pub(super) no_max_tokens: bool,
    /// It refuses `max_completion_tokens`.
    pub(super) no_max_completion_tokens: bool,
    /// Its conversations begin with the user.
    pub(super) starts_with_user: bool,
    /// It has no system message.
    pub(super) no_system_role: bool,
    /// The smallest limit of an answer that was too large for it, in tokens.
    pub(super) refused_limit: Option<u32>,
}

impl Form {
    /// The form with what this refusal adds, if another request can avoid it; the parameters are those of the request.
    pub(super) fn after_refusal(self, error: &ProviderError, sent: Parameters) -> Option<Self> {
        let mut form = self;
        match error.template_problem() {
            // Some templates say of a system message, too, that roles must alternate.
            Some(Meaning::RolesMustAlternate) if sent.starts_with_assistant => form.starts_with_user = true,
            Some(_) => form.no_system_role |= sent.system,
            None => form.refuse_parameters(error, sent),
        }
        (form != self).then_some(form)
    }

    /// The refusals of both.
    pub(super) fn joined(self, other: Self) -> Self {
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

    fn refuse_parameters(&mut self, error: &ProviderError, sent: Parameters) {
        if sent.limit.is_some() && error.is_about_too_large_limit() {
            self.refused_limit = sent.limit;
        } else if sent.stream_options && error.is_about("stream_options") {
            self.no_stream_options = true;
        } else if sent.temperature && error.is_about("temperature") {
            self.no_temperature = true;
        } else if sent.max_tokens && error.is_about("max_tokens") {
            // OpenAI names the other one as the remedy.
            self.no_max_tokens = true;
        } else if sent.max_completion_tokens && error.is_about("max_completion_tokens") {
            self.no_max_completion_tokens = true;
        } else if sent.stream && error.is_about("stream") {
            self.no_stream = true;
        }
    }
}

/// What was learned about each model. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct LearnedTraits(Arc<RwLock<HashMap<String, Traits>>>);

impl LearnedTraits {
    pub(super) fn of(&self, model: &str) -> Traits {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(model).copied().unwrap_or_default()
    }

    /// Changes what is known of a model.
    pub(super) fn update(&self, model: &str, change: impl FnOnce(&mut Traits)) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(model.to_owned()).or_default());
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

    fn after(message: &str) -> Option<Form> {
        let error = ProviderError::read(format!(r#"{{"error":{{"message":"{message}"}}}}"#).as_bytes());
        Form::default().after_refusal(&error, SENT)
    }

    #[test]
    fn parameters_that_are_refused_are_left_out() {
        let stream_options = after("Unrecognized request argument supplied: stream_options");
        assert_eq!(stream_options, Some(Form { no_stream_options: true, ..Form::default() }));
        let max_tokens = after("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.");
        assert_eq!(max_tokens, Some(Form { no_max_tokens: true, ..Form::default() }));
        let temperature = after("Unsupported value: 'temperature' does not support 0.9 with this model.");
        assert_eq!(temperature, Some(Form { no_temperature: true, ..Form::default() }));
        assert_eq!(after("Streaming is not supported"), Some(Form { no_stream: true, ..Form::default() }));
        assert_eq!(after("max_completion_tokens is unknown"), None, "it was not sent");
        assert_eq!(after("something else"), None);
    }

    #[test]
    fn templates_that_refuse_roles_are_heeded() {
        let alternate = after("Conversation roles must alternate user/assistant/user/assistant/...");
        assert_eq!(alternate, Some(Form { starts_with_user: true, ..Form::default() }));
        let no_system = after("System role not supported");
        assert_eq!(no_system, Some(Form { no_system_role: true, ..Form::default() }));
    }

    #[test]
    fn what_is_known_already_teaches_nothing() {
        let error = ProviderError::read(br#"{"error":"System role not supported"}"#);
        let known = Form { no_system_role: true, ..Form::default() };
        assert_eq!(known.after_refusal(&error, SENT), None);
    }

    #[test]
    fn what_one_request_can_avoid_depends_on_what_it_had() {
        let error = ProviderError::read(br#"{"error":"Conversation roles must alternate user/assistant"}"#);
        let sent = Parameters { starts_with_assistant: false, ..SENT };
        let no_system = Form { no_system_role: true, ..Form::default() };
        assert_eq!(Form::default().after_refusal(&error, sent), Some(no_system));
        assert_eq!(Form::default().after_refusal(&error, Parameters { system: false, ..sent }), None);
    }

    #[test]
    fn a_limit_that_is_too_large_leaves_smaller_ones() {
        let form = after("max_tokens must be less than or equal to 1000");
        assert_eq!(form, Some(Form { refused_limit: Some(4096), ..Form::default() }));
    }

    #[test]
    fn models_are_told_apart_and_what_is_learned_is_joined() {
        let learned = LearnedTraits::default();
        learned.update("m", |traits| traits.reasons = true);
        assert!(learned.of("m").reasons && !learned.of("other").reasons);
        let (one, other) =
            (Form { no_stream: true, ..Form::default() }, Form { refused_limit: Some(9), ..Form::default() });
        assert_eq!(one.joined(other), Form { no_stream: true, refused_limit: Some(9), ..Form::default() });
    }
}
