//! How much of a long conversation a model is given.

use crate::domain::{
    chat::{Message, Role},
    cost::estimate,
    known_models::Abilities,
    persona::Persona,
};

/// So many tokens of the window are kept for the answer at the most; few answers are longer.
const LONGEST_ANSWER: u64 = 4096;

/// So many bytes of images go along with earlier messages at the most. With one of the question's own, a request stays
/// below the 50 MB that OpenAI takes.
const IMAGE_BYTES: usize = 16 << 20;

/// How many tokens a prompt may have, as estimated, for a model that reads so many at once.
///
/// A quarter of the window, though not more than an answer ever takes, is kept for the answer. And a quarter of the
/// rest for the estimate, which is up to that much too low in languages that it doesn't know: what a full window loses
/// by it is its oldest part, while a prompt too long would be refused again at each turn.
#[must_use]
pub fn budget(window: u64) -> u64 {
    let rest = window - LONGEST_ANSWER.min(window / 4);
    rest - rest.div_ceil(4)
}

/// A prompt that is filled from its end, so that of the history no more has to be read than fits. It has whole turns
/// of it, the newest ones: each begins with what the visitor said, and has all that was answered.
#[derive(Clone, Debug)]
pub struct Fitting {
    question: Message,
    /// Newest first.
    history: Vec<Message>,
    /// How many messages of the history are whole turns; to those behind, what the visitor said is still to come.
    whole: usize,
    /// Turns of the history that there may still be.
    turns: usize,
    /// Tokens left; none once a message did not fit, or there are turns enough.
    left: Option<u64>,
    /// Bytes left for the images of earlier messages.
    image_bytes: usize,
    /// Tokens that an image takes up, if the model sees.
    image: Option<u64>,
}

impl Fitting {
    /// A conversation of what is kept in any case, the question, for a model that is told who it is besides.
    #[must_use]
    pub fn new(persona: Option<&Persona>, question: Message, model: Abilities) -> Self {
        let instruction = persona.map_or(0, |persona| estimate::instruction_tokens(&persona.prompt));
        let kept = estimate::prompt_tokens([&question], model.image).saturating_add(instruction);
        let turns = persona.and_then(|persona| persona.turns).unwrap_or(usize::MAX);
        let left = if turns > 0 { budget(model.window).checked_sub(kept) } else { None };
        Self { question, turns, history: Vec::new(), whole: 0, left, image_bytes: IMAGE_BYTES, image: model.image }
    }

    /// Whether there may be room for another message.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.left.is_some()
    }

    /// Whether an image of so many bytes would have room with the next message, so that it need not be read otherwise.
    #[must_use]
    pub fn has_room_for_image(&self, bytes: usize) -> bool {
        self.image.is_some() && bytes <= self.image_bytes
    }

    /// Takes in the message that was said before all those it has, if there is room: where one had none, there is none
    /// for older ones. Returns whether there may be room for another. A blank message is left out.
    pub fn offer(&mut self, mut message: Message) -> bool {
        if message.is_blank() {
            return self.has_room();
        }
        self.limit_images(&mut message);
        let tokens = estimate::message_tokens(&message, self.image);
        self.left = self.left.and_then(|left| left.checked_sub(tokens));
        if self.has_room() {
            let begins_turn = message.role == Role::User;
            self.history.push(message);
            if begins_turn {
                self.whole = self.history.len();
                self.turns -= 1;
                self.left = self.left.filter(|_| self.turns > 0);
            }
        }
        self.has_room()
    }

    /// The conversation as the model is asked it: the history from its oldest turn on, and the question.
    #[must_use]
    pub fn into_messages(mut self) -> Vec<Message> {
        self.history.truncate(self.whole);
        let mut messages = Vec::with_capacity(self.history.len() + 1);
        messages.extend(self.history.into_iter().rev());
        messages.push(self.question);
        messages
    }

    /// Of an image for which there is no room, words remain; and then no older one has room either.
    fn limit_images(&mut self, message: &mut Message) {
        let Some(image) = &message.image else { return };
        let left = self.image_bytes.checked_sub(image.data_len());
        self.image_bytes = left.unwrap_or_default();
        if left.is_none() {
            message.content = message.in_words().to_string();
            message.image = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::chat::{Image, InWords};

    const SMALL: Abilities = Abilities { window: 200, image: Some(40), reasons: false };

    fn said(role: Role, content: &str) -> Message {
        Message::new(role, content)
    }

    fn shown(content: &str, url: &str) -> Message {
        Message { image: Some(Image::parse(url).unwrap()), ..said(Role::User, content) }
    }

    /// An image of its own that is about so large.
    fn megabytes(size: usize) -> String {
        format!("data:image/png;base64,{}", "A".repeat(size << 20))
    }

    fn amaya() -> Persona {
        Persona { prompt: "You are Amaya.".to_owned(), ..Persona::default() }
    }

    fn prompt_tokens<'a>(messages: impl IntoIterator<Item = &'a Message>, model: Abilities) -> u64 {
        estimate::prompt_tokens(messages, model.image) + estimate::instruction_tokens(&amaya().prompt)
    }

    /// What is asked after this history, oldest first.
    fn fit(history: &[Message], model: Abilities) -> Vec<Message> {
        let mut fitting = Fitting::new(Some(&amaya()), said(Role::User, "And now?"), model);
        for message in history.iter().rev() {
            if !fitting.offer(message.clone()) {
                break;
            }
        }
        fitting.into_messages()
    }

    fn contents(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.content.as_str()).collect()
    }

    #[test]
    fn what_fits_is_kept_in_its_order() {
        let history = [said(Role::User, "One?"), said(Role::Assistant, "One."), said(Role::User, "Two?")];
        assert_eq!(contents(&fit(&history, SMALL)), ["One?", "One.", "Two?", "And now?"]);
    }

    #[test]
    fn a_turn_that_does_not_fit_is_left_out_with_all_before_it() {
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
        let mut fitting = Fitting::new(None, question.clone(), SMALL);
        assert!(!fitting.has_room());
        assert!(!fitting.offer(said(Role::User, "Hi")));
        assert_eq!(fitting.into_messages(), [question]);
    }

    #[test]
    fn a_persona_may_be_told_its_last_turns_only() {
        let history = [
            said(Role::User, "One?"),
            said(Role::Assistant, "One."),
            said(Role::User, "Two?"),
            said(Role::Assistant, "Two."),
        ];
        let fitted = |turns| {
            let amaya = Persona { turns, ..amaya() };
            let mut fitting = Fitting::new(Some(&amaya), said(Role::User, "And now?"), SMALL);
            for message in history.iter().rev() {
                fitting.offer(message.clone());
            }
            fitting.into_messages().len() - 1
        };
        assert_eq!([None, Some(2), Some(1), Some(0)].map(fitted), [4, 4, 2, 0]);
    }

    #[test]
    fn an_image_takes_its_room() {
        let history = vec![shown("Look.", "https://a.example/cat.png"); 9];
        assert_eq!(fit(&history, SMALL).len(), 2 + 1);
        assert_eq!(fit(&history, Abilities { image: None, ..SMALL }).len(), 5 + 1);
    }

    #[test]
    fn images_of_earlier_messages_are_limited_and_the_newest_ones_kept() {
        let history = [
            shown("Small.", "data:image/png;base64,AAAA"),
            shown("Address.", "https://a.example/cat.png"),
            shown("Ten.", &megabytes(10)),
            shown("Nine.", &megabytes(9)),
        ];
        let model = Abilities { window: 128_000, image: Some(1500), reasons: false };
        let mut fitting = Fitting::new(None, shown("Sixteen.", &megabytes(15)), model);
        assert!(history.iter().rev().all(|message| fitting.offer(message.clone())));
        let messages = fitting.into_messages();
        let is_shown = messages.iter().map(|message| message.image.is_some()).collect::<Vec<_>>();
        assert_eq!(is_shown, [false, true, false, true, true]);
        assert_eq!(messages[2].content, format!("Ten.\n\n{}", InWords::UNSEEN));
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
            reasons: false,
        })
    }

    proptest! {
        #[test]
        fn the_question_is_kept_and_the_rest_is_the_end_of_the_history(
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
        fn nothing_of_the_history_is_kept_above_the_budget(history in any_history(), model in any_model()) {
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
        fn older_history_never_costs_newer(older in any_history(), newer in any_history(), model in any_model()) {
            let without = fit(&newer, model);
            let with = fit(&[older, newer].concat(), model);
            prop_assert!(with.ends_with(&without));
        }

        #[test]
        fn who_offers_on_after_there_is_no_room_changes_nothing(history in any_history(), model in any_model()) {
            let mut fitting = Fitting::new(Some(&amaya()), said(Role::User, "And now?"), model);
            for message in history.iter().rev() {
                fitting.offer(message.clone());
            }
            prop_assert_eq!(fitting.into_messages(), fit(&history, model));
        }
    }
}
