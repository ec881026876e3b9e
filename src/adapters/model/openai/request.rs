//! The body of a request, in the form of chat completions.

use serde::Serialize;

use super::{messages::Messages, traits::Traits};
use crate::adapters::model::Question;

/// What a model that reasons is given for its thoughts besides the limit of its answer, in tokens. Mostly it needs far
/// fewer; but when they run out, there is no answer, and its price all the same.
const REASONING_ALLOWANCE: u32 = 4096;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// What a request has that some servers refuse.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate parameter")]
pub(super) struct Parameters {
    pub(super) stream: bool,
    pub(super) stream_options: bool,
    pub(super) temperature: bool,
    pub(super) max_tokens: bool,
    pub(super) max_completion_tokens: bool,
    /// The limit of the answer, in tokens.
    pub(super) limit: Option<u32>,
    /// Whether there is a system message.
    pub(super) system: bool,
    /// Whether the conversation begins with the assistant.
    pub(super) starts_with_assistant: bool,
}

impl<'a> Request<'a> {
    /// The request for a question, without what its model is known to refuse.
    pub(super) fn new(question: &Question<'a>, traits: Traits) -> Self {
        let stream = question.stream && !traits.form.no_stream;
        let reasons = question.reasons || traits.reasons;
        let allowance = if reasons { REASONING_ALLOWANCE } else { 0 };
        let limit = question.answer_limit.map(|limit| limit.saturating_add(allowance));
        let limit = limit.filter(|limit| traits.form.refused_limit.is_none_or(|refused| *limit < refused));
        // Models of OpenAI's that reason refuse the usual name of the limit, which is all that many other servers know.
        let by_new_name = (question.reasons && !traits.form.no_max_completion_tokens) || traits.form.no_max_tokens;
        Self {
            model: question.model,
            messages: Messages::new(question, traits.form),
            stream: stream.then_some(true),
            stream_options: (stream && !traits.form.no_stream_options).then_some(StreamOptions { include_usage: true }),
            temperature: question.temperature.filter(|_| !traits.form.no_temperature),
            max_tokens: limit.filter(|_| !by_new_name && !traits.form.no_max_tokens),
            max_completion_tokens: limit.filter(|_| by_new_name && !traits.form.no_max_completion_tokens),
        }
    }

    pub(super) fn parameters(&self) -> Parameters {
        Parameters {
            stream: self.stream.is_some(),
            stream_options: self.stream_options.is_some(),
            temperature: self.temperature.is_some(),
            max_tokens: self.max_tokens.is_some(),
            max_completion_tokens: self.max_completion_tokens.is_some(),
            limit: self.max_tokens.or(self.max_completion_tokens),
            system: self.messages.has_system(),
            starts_with_assistant: self.messages.starts_with_assistant(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::adapters::model::openai::traits::Form;
    use crate::domain::chat::{Image, Message, MessageText, Role};

    /// The question of a model without a persona.
    fn plain(messages: &[Message]) -> Question<'_> {
        Question {
            model: "m",
            instruction: None,
            messages,
            with_images: false,
            temperature: None,
            answer_limit: None,
            reasons: false,
            stream: false,
        }
    }

    fn written_for(question: &Question<'_>, traits: Traits) -> Value {
        serde_json::to_value(Request::new(question, traits)).unwrap()
    }

    fn written(messages: &[Message], with_images: bool, stream: bool) -> Value {
        written_for(&Question { with_images, stream, ..plain(messages) }, Traits::default())
    }

    fn of_form(form: Form) -> Traits {
        Traits { form, ..Traits::default() }
    }

    fn said(role: Role, content: &str) -> Message {
        Message::new(role, content)
    }

    #[test]
    fn a_persona_comes_first_and_a_limit_has_its_models_name() {
        let (instruction, temperature) = (Some("Be \"kind\"."), Some(0.9));
        let question = Question { instruction, temperature, answer_limit: Some(200), ..plain(&[]) };
        let messages = json!([{"role": "system", "content": "Be \"kind\"."}]);
        let asked = json!({"model": "m", "messages": messages, "temperature": 0.9, "max_tokens": 200});
        assert_eq!(written_for(&question, Traits::default()), asked);
        let reasoning = written_for(&Question { reasons: true, ..question }, Traits::default());
        assert_eq!((&reasoning["max_completion_tokens"], reasoning.get("max_tokens")), (&json!(200 + 4096), None));
    }

    #[test]
    fn what_a_server_refuses_is_left_out_or_renamed() {
        let question = Question { temperature: Some(0.9), answer_limit: Some(200), stream: true, ..plain(&[]) };
        let refused = Form { no_stream_options: true, no_temperature: true, no_max_tokens: true, ..Form::default() };
        let asked = json!({"model": "m", "messages": [], "stream": true, "max_completion_tokens": 200});
        assert_eq!(written_for(&question, of_form(refused)), asked);
        let neither = Form { no_max_completion_tokens: true, no_stream: true, ..refused };
        assert_eq!(written_for(&question, of_form(neither)), json!({"model": "m", "messages": []}));
        let learned = Traits { reasons: true, ..Traits::default() };
        assert_eq!(written_for(&question, learned)["max_tokens"], 200 + 4096, "other servers know the usual name");
        let old_name = of_form(Form { no_max_completion_tokens: true, ..Form::default() });
        assert_eq!(written_for(&Question { reasons: true, ..question }, old_name)["max_tokens"], 200 + 4096);
    }

    #[test]
    fn words_alone_are_plain_texts() {
        let messages = [said(Role::Assistant, "Be \"kind\"."), said(Role::User, "é\n")];
        let expected = json!([{"role": "assistant", "content": "Be \"kind\"."}, {"role": "user", "content": "é\n"}]);
        assert_eq!(written(&messages, false, false), json!({"model": "m", "messages": expected}));
        let streamed =
            json!({"model": "m", "messages": expected, "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(written(&messages, true, true), streamed);
    }

    #[test]
    fn neighbours_of_one_role_are_one_message() {
        let messages =
            [said(Role::User, "a"), said(Role::User, "b"), said(Role::Assistant, "c"), said(Role::User, "d")];
        let contents = json!([
            {"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}
        ]);
        assert_eq!(written(&messages, false, false)["messages"], contents);
        let image = Image::parse("https://a.example/cat.png").ok();
        let shown = [said(Role::User, "a"), Message { image, ..said(Role::User, "b") }];
        let part = json!({"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}});
        let text = |text| json!({"type": "text", "text": text});
        assert_eq!(written(&shown, true, false)["messages"][0]["content"], json!([text("a"), text("b"), part]));
        let unseen = format!("a\n\nb\n\n{}", MessageText::IMAGE_PLACEHOLDER);
        assert_eq!(written(&shown, false, false)["messages"][0]["content"], json!(unseen));
    }

    #[test]
    fn templates_without_some_roles_get_what_they_take() {
        let messages = [said(Role::Assistant, "Welcome!"), said(Role::User, "a")];
        let question = Question { instruction: Some("Be kind."), ..plain(&messages) };
        let traits = of_form(Form { starts_with_user: true, no_system_role: true, ..Form::default() });
        let asked = json!([{"role": "user", "content": "Be kind.\n\na"}]);
        assert_eq!(written_for(&question, traits)["messages"], asked);
        let only_system = of_form(Form { no_system_role: true, ..Form::default() });
        let asked = json!([{"role": "assistant", "content": "Welcome!"}, {"role": "user", "content": "Be kind.\n\na"}]);
        assert_eq!(written_for(&question, only_system)["messages"], asked);
    }

    #[test]
    fn an_image_is_a_part_or_a_line_as_the_model_sees() {
        let url = "data:image/png;base64,iVBORw0KGgo=";
        let image = Image::parse(url).ok();
        let shown = |content| [Message { image: image.clone(), ..Message::new(Role::User, content) }];
        let content =
            |content, with_images| written(&shown(content), with_images, false)["messages"][0]["content"].take();
        let part = json!({"type": "image_url", "image_url": {"url": url}});
        assert_eq!(content("Who is it?", true), json!([{"type": "text", "text": "Who is it?"}, part]));
        assert_eq!(content(" ", true), json!([part]));
        assert_eq!(content("Who is it?", false), json!(format!("Who is it?\n\n{}", MessageText::IMAGE_PLACEHOLDER)));
        assert_eq!(content("", false), json!(MessageText::IMAGE_PLACEHOLDER));
    }
}
