//! The body of a chat completions request.

use serde::Serialize;

use super::{learned::LearnedModel, messages::Messages, parameters::Parameters, sampling::Sampling};
use crate::{adapters::model::ModelRequest, foundation::config::ExtraFields};

/// The tokens for reasoning that are added to the limit of an answer. Most answers need far fewer. If they are not
/// enough, there is no answer, and the tokens are billed all the same.
pub const REASONING_ALLOWANCE: u32 = 4096;

/// The body of a chat completions request.
#[derive(Serialize)]
pub(super) struct RequestBody<'a> {
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
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    sampling: Option<Sampling<'a>>,
}

/// The options of a stream: token counts at its end.
#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> RequestBody<'a> {
    /// Creates the body of a request, without the parts that the model's server is known to refuse. `fixed` are the fields that
    /// the settings add to each request.
    pub(super) fn new(request: &ModelRequest<'a>, model: LearnedModel, fixed: &ExtraFields) -> Self {
        let stream = request.stream && !model.restrictions.no_stream;
        let reasons = request.reasons || model.reasons;
        let allowance = if reasons { REASONING_ALLOWANCE } else { 0 };
        let limit = request.answer_limit.map(|limit| limit.saturating_add(allowance));
        let limit = limit.filter(|limit| model.restrictions.refused_limit.is_none_or(|refused| *limit < refused));
        // OpenAI's reasoning models refuse `max_tokens`; many other servers support only that name.
        let has_new_name =
            (request.reasons && !model.restrictions.no_max_completion_tokens) || model.restrictions.no_max_tokens;
        Self {
            model: request.model,
            messages: Messages::new(request, model.restrictions),
            stream: stream.then_some(true),
            stream_options: (stream && !model.restrictions.no_stream_options)
                .then_some(StreamOptions { include_usage: true }),
            temperature: request.temperature.filter(|_| !model.restrictions.no_temperature),
            max_tokens: limit.filter(|_| !has_new_name),
            max_completion_tokens: limit.filter(|_| has_new_name && !model.restrictions.no_max_completion_tokens),
            sampling: request.options.map(|options| Sampling::new(options, fixed)),
        }
    }

    /// Returns the parts of this request that some servers refuse.
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
    use crate::{
        adapters::model::openai::restrictions::Restrictions,
        domain::chat::{Image, Message, MessageText, Role},
    };

    /// A request without a persona.
    fn plain(messages: &[Message]) -> ModelRequest<'_> {
        ModelRequest {
            model: "m",
            instruction: None,
            messages,
            with_images: false,
            temperature: None,
            options: None,
            answer_limit: None,
            reasons: false,
            stream: false,
            span: None,
        }
    }

    fn body_for(request: &ModelRequest<'_>, model: LearnedModel) -> Value {
        serde_json::to_value(RequestBody::new(request, model, &ExtraFields::default())).unwrap()
    }

    fn body(messages: &[Message], with_images: bool, stream: bool) -> Value {
        body_for(&ModelRequest { with_images, stream, ..plain(messages) }, LearnedModel::default())
    }

    fn restricted(restrictions: Restrictions) -> LearnedModel {
        LearnedModel { restrictions, ..LearnedModel::default() }
    }

    fn said(role: Role, content: &str) -> Message {
        Message::new(role, content)
    }

    #[test]
    fn the_limits_name_depends_on_the_model() {
        let (instruction, temperature) = (Some("Be \"kind\"."), Some(0.9));
        let request = ModelRequest { instruction, temperature, answer_limit: Some(200), ..plain(&[]) };
        let messages = json!([{"role": "system", "content": "Be \"kind\"."}]);
        let asked = json!({"model": "m", "messages": messages, "temperature": 0.9, "max_tokens": 200});
        assert_eq!(body_for(&request, LearnedModel::default()), asked);
        let reasoning = body_for(&ModelRequest { reasons: true, ..request }, LearnedModel::default());
        assert_eq!((&reasoning["max_completion_tokens"], reasoning.get("max_tokens")), (&json!(200 + 4096), None));
    }

    #[test]
    fn refused_parameters_are_omitted_or_renamed() {
        let request = ModelRequest { temperature: Some(0.9), answer_limit: Some(200), stream: true, ..plain(&[]) };
        let refused = Restrictions {
            no_stream_options: true,
            no_temperature: true,
            no_max_tokens: true,
            ..Restrictions::default()
        };
        let asked = json!({"model": "m", "messages": [], "stream": true, "max_completion_tokens": 200});
        assert_eq!(body_for(&request, restricted(refused)), asked);
        let neither = Restrictions { no_max_completion_tokens: true, no_stream: true, ..refused };
        assert_eq!(body_for(&request, restricted(neither)), json!({"model": "m", "messages": []}));
        let learned = LearnedModel { reasons: true, ..LearnedModel::default() };
        assert_eq!(body_for(&request, learned)["max_tokens"], 200 + 4096, "other servers support max_tokens");
        let old_name = restricted(Restrictions { no_max_completion_tokens: true, ..Restrictions::default() });
        assert_eq!(body_for(&ModelRequest { reasons: true, ..request }, old_name)["max_tokens"], 200 + 4096);
    }

    #[test]
    fn messages_without_images_are_strings() {
        let messages = [said(Role::Assistant, "Be \"kind\"."), said(Role::User, "é\n")];
        let expected = json!([{"role": "assistant", "content": "Be \"kind\"."}, {"role": "user", "content": "é\n"}]);
        assert_eq!(body(&messages, false, false), json!({"model": "m", "messages": expected}));
        let streamed =
            json!({"model": "m", "messages": expected, "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(body(&messages, true, true), streamed);
    }

    #[test]
    fn consecutive_messages_of_one_role_are_joined() {
        let messages =
            [said(Role::User, "a"), said(Role::User, "b"), said(Role::Assistant, "c"), said(Role::User, "d")];
        let contents = json!([
            {"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}
        ]);
        assert_eq!(body(&messages, false, false)["messages"], contents);
        let shown =
            [said(Role::User, "a"), said(Role::User, "b").with_images(Image::parse("https://a.example/cat.png"))];
        let part = json!({"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}});
        let text = |text| json!({"type": "text", "text": text});
        assert_eq!(body(&shown, true, false)["messages"][0]["content"], json!([text("a"), text("b"), part]));
        let unseen = format!("a\n\nb\n\n{}", MessageText::IMAGE_PLACEHOLDER);
        assert_eq!(body(&shown, false, false)["messages"][0]["content"], json!(unseen));
    }

    #[test]
    fn refused_roles_are_not_sent() {
        let messages = [said(Role::Assistant, "Welcome!"), said(Role::User, "a")];
        let request = ModelRequest { instruction: Some("Be kind."), ..plain(&messages) };
        let model =
            restricted(Restrictions { starts_with_user: true, no_system_role: true, ..Restrictions::default() });
        let asked = json!([{"role": "user", "content": "Be kind.\n\na"}]);
        assert_eq!(body_for(&request, model)["messages"], asked);
        let only_system = restricted(Restrictions { no_system_role: true, ..Restrictions::default() });
        let asked = json!([{"role": "assistant", "content": "Welcome!"}, {"role": "user", "content": "Be kind.\n\na"}]);
        assert_eq!(body_for(&request, only_system)["messages"], asked);
    }

    #[test]
    fn an_image_is_a_part_or_a_line_of_text() {
        let url = "data:image/png;base64,iVBORw0KGgo=";
        let shown = |content| [Message::new(Role::User, content).with_images(Image::parse(url))];
        let content = |content, with_images| body(&shown(content), with_images, false)["messages"][0]["content"].take();
        let part = json!({"type": "image_url", "image_url": {"url": url}});
        assert_eq!(content("Who is it?", true), json!([{"type": "text", "text": "Who is it?"}, part]));
        assert_eq!(content(" ", true), json!([part]));
        assert_eq!(content("Who is it?", false), json!(format!("Who is it?\n\n{}", MessageText::IMAGE_PLACEHOLDER)));
        assert_eq!(content("", false), json!(MessageText::IMAGE_PLACEHOLDER));
    }
}
