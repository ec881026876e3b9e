//! What a turn is expected to use, before the model is asked.

use std::sync::Arc;

use crate::{
    adapters::model::REASONING_ALLOWANCE,
    domain::{
        chat::Message,
        cost::{Prices, TokenUsage},
        limits::Amounts,
        persona::Persona,
    },
    foundation::config::Config,
    services::turn::{answer_limits::AnswerLimits, model_calls::ModelAbilities, request::TurnRequest},
};

/// The bytes of a text that are a token here. Most texts have more, so that the estimate is rather too high. An exact one
/// would take longer than the whole admission.
const BYTES_PER_TOKEN: u64 = 3;

/// The tokens of an answer whose length nothing limits. Hardly any is longer.
const UNLIMITED_ANSWER_TOKENS: u64 = 4096;

/// The tokens of reasoning and answer of a model that reasons, where nothing limits them: as many as OpenAI recommends to
/// reserve.
const UNLIMITED_REASONING_TOKENS: u64 = 25_000;

/// The tokens of a message besides its text.
const MESSAGE_TOKENS: u64 = 4;

/// Estimates what turns use.
#[derive(Debug)]
pub(super) struct Estimator {
    prices: Prices,
    abilities: Arc<ModelAbilities>,
    answer_limits: AnswerLimits,
}

impl Estimator {
    pub(super) fn new(config: &Config, abilities: Arc<ModelAbilities>) -> Self {
        Self { prices: Prices::new(&config.model.prices), abilities, answer_limits: AnswerLimits::new(config) }
    }

    /// Returns what a turn is expected to use: its prompt, as far as the model can read it, and an answer of the greatest
    /// length. A price that is not known counts as none.
    pub(super) fn expected(&self, request: &TurnRequest, model: &str) -> Amounts {
        let persona = request.persona.as_deref();
        let most = self.abilities.largest_window(model).unwrap_or(u64::MAX);
        let usage = TokenUsage {
            prompt: self.prompt_tokens(persona, &request.messages, model).min(most),
            completion: self.answer_tokens(request, model),
        };
        let cost = self.prices.cost(model, usage).unwrap_or_default();
        Amounts { turns: 1, tokens: usage.total(), cost: cost.total() }
    }

    fn prompt_tokens(&self, persona: Option<&Persona>, messages: &[Message], model: &str) -> u64 {
        let texts = persona.map(|persona| persona.prompt.as_str()).into_iter();
        let texts = texts.chain(messages.iter().map(|message| message.content.as_str()));
        let tokens =
            texts.map(|text| text.len() as u64 / BYTES_PER_TOKEN + MESSAGE_TOKENS).fold(0, u64::saturating_add);
        let images = messages.iter().filter(|message| message.image.is_some()).count() as u64;
        if images == 0 {
            return tokens;
        }
        tokens.saturating_add(images.saturating_mul(self.abilities.of(model).image.unwrap_or_default()))
    }

    fn answer_tokens(&self, request: &TurnRequest, model: &str) -> u64 {
        let limit = self.answer_limits.of(request).tokens(self.abilities.of(model).window).map(u64::from);
        if self.abilities.reasons(model) {
            limit.map_or(UNLIMITED_REASONING_TOKENS, |limit| limit + u64::from(REASONING_ALLOWANCE))
        } else {
            limit.unwrap_or(UNLIMITED_ANSWER_TOKENS)
        }
    }
}
