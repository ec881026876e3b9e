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
}

impl Form {
    /// The form with what this refusal adds, if another request can avoid it; the parameters are those of the request.
    pub(super) fn after_refusal(self, error: &ProviderError, sent: Parameters) -> Option<Self> {
        let mut form = self;
        match error.template_problem() {
            Some(Meaning::NoSystemRole) => form.no_system_role = true,
            Some(_) => form.starts_with_user = true,
            None => form.refuse_parameters(error, sent),
        }
        (form != self).then_some(form)
    }

    fn refuse_parameters(&mut self, error: &ProviderError, sent: Parameters) {
        if sent.stream_options && error.is_about("stream_options") {
            self.no_stream_options = true;
        } else if sent.temperature && error.is_about("temperature") {
            self.no_temperature = true;
        } else if sent.max_tokens && error.is_about("max_tokens") {
            // OpenAI names the other one as the remedy.
            self.no_max_tokens = true;
        } else if sent.max_completion_tokens && error.is_about("max_completion_tokens") {
            self.no_max_completion_tokens = true;
        } else if sent.stream && (error.is_about("stream") || error.is_about("streaming")) {
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

    /// Changes what is known of a model. Returns whether that was new.
    pub(super) fn update(&self, model: &str, change: impl FnOnce(&mut Traits)) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(model).copied().unwrap_or_default();
        let mut traits = before;
        change(&mut traits);
        if traits != before {
            all.insert(model.to_owned(), traits);
        }
        traits != before
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
    fn only_news_are_news() {
        let learned = LearnedTraits::default();
        assert!(learned.update("m", |traits| traits.reasons = true));
        assert!(!learned.update("m", |traits| traits.reasons = true));
        assert!(learned.of("m").reasons && !learned.of("other").reasons);
    }
}
