//! Sums over turns.

use std::{fmt, ops::AddAssign};

use serde::Serialize;

use crate::domain::cost::{TokenUsage, dollars};

/// Sums over any turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The tokens of the prompts.
    pub prompt_tokens: u64,
    /// The tokens of the answers.
    pub completion_tokens: u64,
    /// The cost in pico-dollars, as far as prices are known.
    pub cost_pico_usd: u64,
}

impl Sums {
    /// Returns the sums of answered turns; the cost is in pico-dollars.
    pub(super) fn of_answered(answered: u64, usage: TokenUsage, cost_pico_usd: u64) -> Self {
        let TokenUsage { prompt, completion } = usage;
        Self { turns: answered, errors: 0, prompt_tokens: prompt, completion_tokens: completion, cost_pico_usd }
    }

    /// Returns the sums as a text, of which all turns were answered.
    pub(super) fn answered(&self) -> String {
        self.to_string().replacen(" turn", " answered turn", 1)
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.turns += other.turns;
        self.errors += other.errors;
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
        self.cost_pico_usd = self.cost_pico_usd.saturating_add(other.cost_pico_usd);
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turns, prompt_tokens, completion_tokens, cost_pico_usd, .. } = *self;
        let name = if turns == 1 { "turn" } else { "turns" };
        write!(f, "{turns} {name}, {prompt_tokens} + {completion_tokens} tokens, ${}", dollars(cost_pico_usd))
    }
}

/// Returns by how much a cost in pico-dollars may differ from the same one in JSON or in metrics: written there as a number, a
/// sum of more than 9,000 US dollars loses its last digits.
pub(super) fn cost_tolerance(cost: u64) -> u64 {
    cost >> 50
}
