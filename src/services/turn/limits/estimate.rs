//! The most that a turn can use, before the model is asked.

use std::sync::Arc;

use crate::{
    adapters::model::REASONING_ALLOWANCE,
    domain::{
        cost::{Prices, TokenUsage},
        known_models::Abilities,
        limits::Amounts,
    },
    foundation::config::Config,
    services::turn::{answer_limits::AnswerLimits, model_calls::ModelAbilities, request::TurnRequest},
};

/// The most tokens of a message besides its text: its role, and what separates it from the others.
const MESSAGE_TOKENS: u64 = 8;

/// How many times the tokens of a large photograph, which the table of models has, an image takes up at most: a wide one has
/// eight of OpenAI's tiles instead of four.
const LARGEST_IMAGE: u64 = 2;

/// Computes the most that turns can use.
#[derive(Debug)]
pub(super) struct Estimator {
    prices: Prices,
    abilities: Arc<ModelAbilities>,
    answer_limits: AnswerLimits,
}

impl Estimator {
    pub(super) fn new(config: &Config, abilities: Arc<ModelAbilities>) -> Self {
        Self { prices: Prices::of(&config.model), abilities, answer_limits: AnswerLimits::new(config) }
    }

    /// Returns the most that a turn can use: its prompt, as far as the model can read it, and the longest answer. A price that is
    /// not known counts as none.
    pub(super) fn most(&self, request: &TurnRequest, model: &str) -> Amounts {
        let abilities = self.abilities.of(model);
        let prompt = prompt_tokens(request, abilities.image);
        let usage = TokenUsage {
            prompt: prompt.min(abilities.largest_window.unwrap_or(u64::MAX)),
            completion: self.answer_tokens(request, abilities),
        };
        let cost = self.prices.cost(model, usage).unwrap_or_default();
        Amounts { turns: 1, tokens: usage.total(), cost: cost.total() }
    }

    fn answer_tokens(&self, request: &TurnRequest, abilities: Abilities) -> u64 {
        let limit = self.answer_limits.of(request).tokens(abilities.window).map(u64::from);
        match limit {
            Some(limit) if abilities.reasons => limit + u64::from(REASONING_ALLOWANCE),
            Some(limit) => limit,
            None => abilities.longest_answer(),
        }
    }
}

/// Returns the most tokens of a prompt. `image` are those of an image; `None` for a model without vision. A token has at least one
/// byte; one for each is too many for most texts, but turns that run at once can't spend more than what is reserved, and counting
/// would take longer than the whole admission.
fn prompt_tokens(request: &TurnRequest, image: Option<u64>) -> u64 {
    let messages = &request.messages;
    let texts = request.texts_beside_messages(true).chain(messages.iter().map(|message| message.content.as_str()));
    let tokens = texts.map(|text| text.len() as u64 + MESSAGE_TOKENS).fold(0, u64::saturating_add);
    let images = messages.iter().map(|message| message.images.len() as u64).sum::<u64>();
    tokens.saturating_add(images.saturating_mul(image.unwrap_or_default().saturating_mul(LARGEST_IMAGE)))
}
