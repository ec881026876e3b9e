//! Tokens and cost of a turn.

use std::sync::Arc;

use crate::{
    adapters::model::basic,
    domain::{
        chat::Message,
        cost::{Cost, Prices, TokenUsage, estimate, pico_dollars},
        limits::Amounts,
    },
    services::turn::{
        ending::Ending,
        journal::Journal,
        model_calls::{CallRecord, ModelAbilities},
        request::TurnRequest,
    },
};

/// The most tokens that a model reasons with in a second: hosts of fast chips reach some 3,000, OpenAI's models some 200.
const FASTEST_REASONING: u64 = 3000;

/// Determines the tokens and the cost of turns.
#[derive(Debug)]
pub(in crate::services::turn) struct UsageMeter {
    prices: Prices,
    abilities: Arc<ModelAbilities>,
}

/// Tokens and cost of one turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnUsage {
    /// The tokens of all calls; zero if they are not known.
    pub(super) tokens: TokenUsage,
    pub(super) source: UsageSource,
    /// `None` if the price of the model or the tokens are not known.
    pub(super) cost: Option<Cost>,
}

/// The sources of a turn's number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsageSource {
    /// The model's server reported the number.
    Provider,
    /// The number was estimated from the texts.
    Estimated,
    /// There is no number: no model was called or none answered, or the built-in responder answered.
    None,
}

impl UsageSource {
    /// Returns the name in the session log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}

impl UsageMeter {
    pub(in crate::services::turn) fn new(prices: Prices, abilities: Arc<ModelAbilities>) -> Self {
        Self { prices, abilities }
    }

    /// Returns tokens and cost of a turn that has ended.
    pub(super) fn measure(
        &self,
        request: &TurnRequest,
        calls: &CallRecord<'_>,
        journal: &Journal,
        ending: &Ending,
    ) -> TurnUsage {
        let (tokens, source) = self.tokens(request, calls, journal, ending);
        TurnUsage { tokens: tokens.unwrap_or_default(), source, cost: self.cost_of_calls(calls, tokens) }
    }

    /// Returns the most that the provider may bill beside what is measured, after a call that was cut off: it goes on with a
    /// whole answer, and a model that reasons has shown no tokens of that.
    pub(super) fn most_unmeasured(&self, calls: &CallRecord<'_>, ending: &Ending) -> Amounts {
        if !was_cut_off(calls, ending) || calls.report.usage.is_some() {
            return Amounts::default();
        }
        if !calls.is_streamed {
            return Amounts::MAX;
        }
        if !self.abilities.of(calls.model).reasons {
            return Amounts::default();
        }
        let seconds = calls.started_at.map_or(0, |started_at| started_at.elapsed().as_secs() + 1);
        let reasoning = TokenUsage { prompt: 0, completion: seconds.saturating_mul(FASTEST_REASONING) };
        let cost = self.cost(calls.model, Some(reasoning)).unwrap_or_default();
        Amounts { turns: 0, tokens: reasoning.total(), cost: cost.total() }
    }

    /// Returns the estimated tokens and the cost of a stream that has not ended. `prompt` are the tokens of the latest call's
    /// prompt.
    pub(super) fn estimate_open(&self, calls: &CallRecord<'_>, journal: &Journal, prompt: u64) -> TurnUsage {
        if calls.model == basic::NAME {
            let cost = self.cost(calls.model, None);
            return TurnUsage { tokens: TokenUsage::default(), source: UsageSource::None, cost };
        }
        let mut tokens = calls.earlier.usage;
        tokens += TokenUsage { prompt, completion: journal.estimated_tokens() };
        TurnUsage { tokens, source: UsageSource::Estimated, cost: self.cost(calls.model, Some(tokens)) }
    }

    /// Returns a rough estimate of the tokens of the latest call's prompt, which costs little.
    pub(in crate::services::turn) fn rough_prompt_tokens(&self, request: &TurnRequest, calls: &CallRecord<'_>) -> u64 {
        let image = self.abilities.of(calls.model).image;
        let texts = request.texts_beside_messages(calls.has_context());
        estimate::rough_prompt_tokens(texts, sent_messages(request, calls), image)
    }

    /// Returns the cost of tokens by the price of their model; `None` if the price or the number is not known. The
    /// built-in responder is free.
    fn cost(&self, model: &str, tokens: Option<TokenUsage>) -> Option<Cost> {
        if model == basic::NAME { Some(Cost::default()) } else { self.prices.cost(model, tokens?) }
    }

    /// Returns the cost of a turn whose line in the session log has this cost, in US dollars.
    pub(in crate::services::turn) fn logged_cost(&self, usd: Option<f64>, model: &str, tokens: TokenUsage) -> Cost {
        usd.map_or_else(Cost::default, |usd| self.prices.split(pico_dollars(usd), model, tokens))
    }

    /// Returns the tokens of all calls. Those of the last call are estimated if the model sent text without reporting
    /// tokens, or if the call was cancelled before its first text: the model has then read the question at least.
    fn tokens(
        &self,
        request: &TurnRequest,
        calls: &CallRecord<'_>,
        journal: &Journal,
        ending: &Ending,
    ) -> (Option<TokenUsage>, UsageSource) {
        let (last, source) = match calls.report.usage {
            Some(usage) => (usage, UsageSource::Provider),
            None if calls.model == basic::NAME => return (None, UsageSource::None),
            None if journal.has_text() || was_cut_off(calls, ending) => {
                (self.estimate(request, calls, journal), UsageSource::Estimated)
            }
            None if calls.earlier.usage.total() > 0 => (TokenUsage::default(), UsageSource::Provider),
            None => return (None, UsageSource::None),
        };
        let mut usage = calls.earlier.usage;
        usage += last;
        (Some(usage), source)
    }

    fn estimate(&self, request: &TurnRequest, calls: &CallRecord<'_>, journal: &Journal) -> TokenUsage {
        let image = self.abilities.of(calls.model).image;
        let beside = request.texts_beside_messages(calls.has_context()).map(estimate::instruction_tokens);
        let said = estimate::prompt_tokens(sent_messages(request, calls), image);
        let prompt = beside.fold(said, u64::saturating_add);
        TokenUsage { prompt, completion: journal.estimated_tokens() }
    }

    /// Returns the cost that a gateway reported, or else the cost by the price of the called model, or of the model
    /// that its server names.
    fn cost_of_calls(&self, calls: &CallRecord<'_>, tokens: Option<TokenUsage>) -> Option<Cost> {
        if let Some(reported) = calls.report.cost {
            let total = reported.saturating_add(calls.earlier.cost);
            return Some(self.prices.split(total, calls.model, tokens.unwrap_or_default()));
        }
        let by_reported_name = || self.cost(calls.report.model.as_ref()?, tokens);
        self.cost(calls.model, tokens).or_else(by_reported_name)
    }
}

/// Whether this service cut the last call off, and the call may have cost something.
fn was_cut_off(calls: &CallRecord<'_>, ending: &Ending) -> bool {
    (ending.has_cancelled_call() || calls.ended_by_guard.is_some()) && calls.may_have_cost
}

/// Returns the messages that the latest call sent.
fn sent_messages<'a>(request: &'a TurnRequest, calls: &CallRecord<'_>) -> &'a [Message] {
    let first = request.messages.len().saturating_sub(calls.messages);
    request.messages.get(first..).unwrap_or_default()
}
