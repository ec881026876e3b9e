//! Prompts that fit a model's context window: the question, and as much of the history as there is room for.

use crate::domain::{
    chat::{Image, Message, Role},
    cost::estimate,
    known_models::Abilities,
    persona::Persona,
};

/// The most tokens of the context window that are reserved for the answer; few answers are longer.
const MAX_ANSWER_RESERVE: u64 = 4096;

/// The most bytes of images in the history of a prompt. With the image of the question, a request stays below OpenAI's limit
/// of 50 MB.
const MAX_HISTORY_IMAGE_BYTES: usize = 16 << 20;

/// Returns the most tokens that a prompt may have by estimate, for a context window in tokens.
///
/// A quarter of the window is reserved for the answer, at most `MAX_ANSWER_RESERVE`. A quarter of the rest is reserved for
/// errors of the estimate, which is up to that much too low in some languages. Too small a prompt lacks the oldest messages;
/// too large a one would be refused at each turn.
pub(super) fn budget(window: u64) -> u64 {
    let rest = window - MAX_ANSWER_RESERVE.min(window / 4);
    rest - rest.div_ceil(4)
}

/// Builds a prompt from its end, so that no more of the history has to be read than fits. The prompt has the newest turns of
/// the history, each whole: it begins with the visitor's message and has all answers to it.
#[derive(Clone, Debug)]
pub struct PromptBuilder {
    question: Message,
    /// The messages of the history, newest first.
    history: Vec<Message>,
    /// The number of messages, from the newest, that are whole turns. The visitor's message of the turn after them is missing
    /// yet.
    whole_turns_len: usize,
    /// The number of further turns that are allowed.
    remaining_turns: usize,
    /// The tokens left; `None` after a message did not fit, or when all allowed turns are there.
    remaining_tokens: Option<u64>,
    /// The bytes left for images in the history.
    remaining_image_bytes: usize,
    /// The tokens of an image; `None` for a model without vision.
    image_tokens: Option<u64>,
}

impl PromptBuilder {
    /// Begins a prompt with the question, which is always part of it. The persona's system message takes tokens as well.
    #[must_use]
    pub fn new(persona: Option<&Persona>, question: Message, model: Abilities) -> Self {
        let instruction = persona.map_or(0, |persona| estimate::instruction_tokens(&persona.prompt));
        let required = estimate::prompt_tokens([&question], model.image).saturating_add(instruction);
        let turns = persona.and_then(|persona| persona.turns).unwrap_or(usize::MAX);
        let left = if turns > 0 { budget(model.window).checked_sub(required) } else { None };
        Self {
            question,
            history: Vec::new(),
            whole_turns_len: 0,
            remaining_turns: turns,
            remaining_tokens: left,
            remaining_image_bytes: MAX_HISTORY_IMAGE_BYTES,
            image_tokens: model.image,
        }
    }

    /// Takes tokens for what else the system message has.
    #[must_use]
    pub fn with_reserved(mut self, tokens: u64) -> Self {
        self.remaining_tokens = self.remaining_tokens.and_then(|left| left.checked_sub(tokens));
        self
    }

    /// Whether another message may fit.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.remaining_tokens.is_some()
    }

    /// Whether an image of this size fits with the next message. If not, it need not be read.
    #[must_use]
    pub fn has_room_for_image(&self, bytes: usize) -> bool {
        self.image_tokens.is_some() && bytes <= self.remaining_image_bytes
    }

    /// Adds the message before all messages so far, if it fits; after one that doesn't, no older one is added. A blank message
    /// is skipped. Returns whether another message may fit.
    pub fn offer(&mut self, mut message: Message) -> bool {
        if message.is_blank() {
            return self.has_room();
        }
        self.limit_images(&mut message);
        let tokens = estimate::message_tokens(&message, self.image_tokens);
        self.remaining_tokens = self.remaining_tokens.and_then(|left| left.checked_sub(tokens));
        if self.has_room() {
            let begins_turn = message.role == Role::User;
            self.history.push(message);
            if begins_turn {
                self.whole_turns_len = self.history.len();
                self.remaining_turns -= 1;
                self.remaining_tokens = self.remaining_tokens.filter(|_| self.remaining_turns > 0);
            }
        }
        self.has_room()
    }

    /// Returns the messages of the prompt: the history from its oldest turn, then the question.
    #[must_use]
    pub fn into_messages(mut self) -> Vec<Message> {
        self.history.truncate(self.whole_turns_len);
        let mut messages = Vec::with_capacity(self.history.len() + 1);
        messages.extend(self.history.into_iter().rev());
        messages.push(self.question);
        messages
    }

    /// Replaces the images of a message by words if they don't fit. After that, no older image fits.
    fn limit_images(&mut self, message: &mut Message) {
        if message.images.is_empty() {
            return;
        }
        let bytes = message.images.iter().map(Image::data_len).fold(0, usize::saturating_add);
        let left = self.remaining_image_bytes.checked_sub(bytes);
        self.remaining_image_bytes = left.unwrap_or_default();
        if left.is_none() {
            message.content = message.as_text().to_string();
            message.images.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::chat::MessageText;

    const SMALL: Abilities = Abilities { window: 200, image: Some(40), ..Abilities::UNKNOWN };

    fn said(role: Role, content: &str) -> Message {
        Message::new(role, content)
    }

    fn shown(content: &str, url: &str) -> Message {
        said(Role::User, content).with_images(Image::parse(url))
    }

    /// Returns the data URL of an image of about `size` MiB.
    fn megabytes(size: usize) -> String {
        format!("data:image/png;base64,{}", "A".repeat(size << 20))
    }

    fn amaya() -> Persona {
        Persona { prompt: "You are Amaya.".to_owned(), ..Persona::default() }
    }

    fn prompt_tokens<'a>(messages: impl IntoIterator<Item = &'a Message>, model: Abilities) -> u64 {
        estimate::prompt_tokens(messages, model.image) + estimate::instruction_tokens(&amaya().prompt)
    }

    /// Returns the prompt after a history, which is given from the oldest message.
    fn fit(history: &[Message], model: Abilities) -> Vec<Message> {
        let mut builder = PromptBuilder::new(Some(&amaya()), said(Role::User, "And now?"), model);
        for message in history.iter().rev() {
            if !builder.offer(message.clone()) {
                break;
            }
        }
        builder.into_messages()
    }

    fn contents(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.content.as_str()).collect()
    }

    #[test]
    fn messages_that_fit_stay_in_order() {
        let history = [said(Role::User, "One?"), said(Role::Assistant, "One."), said(Role::User, "Two?")];
        assert_eq!(contents(&fit(&history, SMALL)), ["One?", "One.", "Two?", "And now?"]);
    }

    #[test]
    fn a_turn_that_does_not_fit_ends_the_history() {
        let long = "word ".repeat(200);
        let history = [
            said(Role::User, "Short?"),
            said(Role::Assistant, "Short."),
            said(Role::User, &long),
            said(Role::Assistant, "An answer that would fit."),
            said(Role::User, "Last?"),
        ];
        assert_eq!(contents(&fit(&history, SMALL)), ["Last?", "And now?"]);
    }

    #[test]
    fn an_answer_without_its_question_is_left_out() {
        let history = [said(Role::Assistant, "Welcome!"), said(Role::User, " "), said(Role::Assistant, "Sorry?")];
        assert_eq!(contents(&fit(&history, SMALL)), ["And now?"]);
    }

    #[test]
    fn a_question_longer_than_the_window_is_asked_alone() {
        let question = said(Role::User, &"word ".repeat(500));
        let mut builder = PromptBuilder::new(None, question.clone(), SMALL);
        assert!(!builder.has_room());
        assert!(!builder.offer(said(Role::User, "Hi")));
        assert_eq!(builder.into_messages(), [question]);
    }

    #[test]
    fn a_persona_limits_the_number_of_turns() {
        let history = [
            said(Role::User, "One?"),
            said(Role::Assistant, "One."),
            said(Role::User, "Two?"),
            said(Role::Assistant, "Two."),
        ];
        let fitted = |turns| {
            let amaya = Persona { turns, ..amaya() };
            let mut builder = PromptBuilder::new(Some(&amaya), said(Role::User, "And now?"), SMALL);
            for message in history.iter().rev() {
                builder.offer(message.clone());
            }
            builder.into_messages().len() - 1
        };
        assert_eq!([None, Some(2), Some(1), Some(0)].map(fitted), [4, 4, 2, 0]);
    }

    #[test]
    fn an_image_takes_tokens() {
        let history = vec![shown("Look.", "https://a.example/cat.png"); 9];
        assert_eq!(fit(&history, SMALL).len(), 2 + 1);
        assert_eq!(fit(&history, Abilities { image: None, ..SMALL }).len(), 5 + 1);
    }

    #[test]
    fn images_of_the_history_are_limited_newest_first() {
        let history = [
            shown("Small.", "data:image/png;base64,AAAA"),
            shown("Address.", "https://a.example/cat.png"),
            shown("Ten.", &megabytes(10)),
            shown("Nine.", &megabytes(9)),
        ];
        let model = Abilities { window: 128_000, image: Some(1500), ..Abilities::UNKNOWN };
        let mut builder = PromptBuilder::new(None, shown("Sixteen.", &megabytes(15)), model);
        assert!(history.iter().rev().all(|message| builder.offer(message.clone())));
        let messages = builder.into_messages();
        let is_shown = messages.iter().map(|message| !message.images.is_empty()).collect::<Vec<_>>();
        assert_eq!(is_shown, [false, true, false, true, true]);
        assert_eq!(messages[2].content, format!("Ten.\n\n{}", MessageText::IMAGE_PLACEHOLDER));
    }

    #[test]
    fn the_budget_leaves_room_for_the_answer_and_for_errors() {
        assert_eq!(budget(0), 0);
        assert_eq!(budget(8192), 4608);
        assert_eq!(budget(128_000), 92_928);
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let role = prop_oneof![Just(Role::User), Just(Role::Assistant)];
        (role, "[a-z ]{0,60}", prop::bool::weighted(0.2)).prop_map(|(role, content, shows)| {
            if shows { shown(&content, "https://a.example/cat.png") } else { said(role, &content) }
        })
    }

    fn any_history() -> impl Strategy<Value = Vec<Message>> {
        prop::collection::vec(any_message(), 0..20)
    }

    fn any_model() -> impl Strategy<Value = Abilities> {
        (0_u64..800, prop::option::of(1_u64..100)).prop_map(|(window, image)| Abilities {
            window,
            image,
            ..Abilities::UNKNOWN
        })
    }

    proptest! {
        #[test]
        fn a_prompt_is_the_end_of_the_history_and_the_question(
            history in any_history(), model in any_model(),
        ) {
            let messages = fit(&history, model);
            prop_assert_eq!(&messages[messages.len() - 1].content, "And now?");
            let kept = &messages[..messages.len() - 1];
            let said = history.into_iter().filter(|message| !message.is_blank()).collect::<Vec<_>>();
            prop_assert!(said.ends_with(kept));
            prop_assert!(kept.first().is_none_or(|first| first.role == Role::User));
        }

        #[test]
        fn no_history_is_added_above_the_budget(history in any_history(), model in any_model()) {
            let messages = fit(&history, model);
            let tokens = prompt_tokens(&messages, model);
            prop_assert!(messages.len() == 1 || tokens <= budget(model.window), "{} tokens", tokens);
        }

        #[test]
        fn the_next_older_turn_would_not_have_fitted(history in any_history(), model in any_model()) {
            let messages = fit(&history, model);
            let said = history.into_iter().filter(|message| !message.is_blank()).collect::<Vec<_>>();
            let left_out = &said[..said.len() - (messages.len() - 1)];
            if let Some(start) = left_out.iter().rposition(|message| message.role == Role::User) {
                let all = messages.iter().chain(&left_out[start..]);
                prop_assert!(prompt_tokens(all, model) > budget(model.window));
            }
        }

        #[test]
        fn older_messages_never_replace_newer_ones(older in any_history(), newer in any_history(), model in any_model()) {
            let without = fit(&newer, model);
            let with = fit(&[older, newer].concat(), model);
            prop_assert!(with.ends_with(&without));
        }

        #[test]
        fn messages_after_the_first_that_does_not_fit_are_ignored(history in any_history(), model in any_model()) {
            let mut builder = PromptBuilder::new(Some(&amaya()), said(Role::User, "And now?"), model);
            for message in history.iter().rev() {
                builder.offer(message.clone());
            }
            prop_assert_eq!(builder.into_messages(), fit(&history, model));
        }
    }
}
