//! Token usage, prices and costs.

pub mod estimate;
pub mod token_count;

use std::{collections::HashMap, ops::AddAssign};

use crate::foundation::config::{self, pico_per_token};

/// Numbers of tokens, of one turn or a sum of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of the answer.
    pub completion: u64,
}

impl TokenUsage {
    /// Returns the sum of both.
    #[must_use]
    pub fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
    }
}

/// A cost in pico-dollars (10⁻¹² US dollars). Sums of token prices are exact integers in this unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The cost of the prompt.
    pub prompt: u64,
    /// The cost of the answer.
    pub completion: u64,
}

impl Cost {
    /// Returns the sum of both, in pico-dollars.
    #[must_use]
    pub fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
    }
}

/// Converts dollars to pico-dollars, rounded; 0 for a negative amount.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub fn pico_dollars(dollars: f64) -> u64 {
    (dollars * 1e12).round() as u64
}

/// Converts pico-dollars to dollars, for display and JSON.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shown, never summed")]
pub fn dollars(pico: u64) -> f64 {
    pico as f64 / 1e12
}

/// The price of a model, in pico-dollars per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    prompt: u64,
    completion: u64,
}

/// A table of prices by model name.
#[derive(Clone, Debug)]
pub struct Prices(HashMap<String, Rate>);

impl Prices {
    /// Creates the table: OpenAI's list prices, replaced or extended by `overrides` (model, pico-dollars per prompt token and
    /// per completion token).
    #[must_use]
    pub fn new(overrides: &[(String, u64, u64)]) -> Self {
        let lines = include_str!("openai_prices.csv").lines();
        let mut this = Self(lines.filter_map(parse_line).collect());
        this.extend(overrides);
        this
    }

    fn extend<'a>(&mut self, prices: impl IntoIterator<Item = &'a (String, u64, u64)>) {
        let rate = |(model, prompt, completion): &(String, u64, u64)| {
            (model.clone(), Rate { prompt: *prompt, completion: *completion })
        };
        self.0.extend(prices.into_iter().map(rate));
    }

    /// Creates the table with the prices that the settings and the configuration file state. A listed model without a price has
    /// that of the name that it has at its provider.
    #[must_use]
    pub fn of(settings: &config::Model) -> Self {
        // The name at a provider may be that of another listed model, whose own price says nothing about this one.
        let is_listed = |name: &str| settings.listed.iter().any(|model| model.name == name);
        let mut this = Self::new(&[]);
        this.extend(settings.prices.iter().filter(|(name, ..)| !is_listed(name)));
        let by_upstream_name = settings.listed.iter().filter_map(|model| {
            let rate = this.rate(model.upstream_name.as_deref()?)?;
            Some((model.name.clone(), rate))
        });
        let by_upstream_name = by_upstream_name.collect::<Vec<_>>();
        this.0.extend(by_upstream_name);
        this.extend(&settings.prices);
        this
    }

    /// Splits a reported total, in pico-dollars, into the costs of prompt and answer: in proportion to the model's prices, or
    /// to the tokens if the model has no known price.
    #[must_use]
    pub fn split(&self, total: u64, model: &str, usage: TokenUsage) -> Cost {
        let cost = self.cost(model, usage).filter(|cost| cost.total() > 0);
        let parts = cost.unwrap_or(Cost { prompt: usage.prompt, completion: usage.completion });
        let prompt = u128::from(total) * u128::from(parts.prompt) / u128::from(parts.total().max(1));
        let prompt = u64::try_from(prompt).unwrap_or(u64::MAX);
        Cost { prompt, completion: total - prompt.min(total) }
    }

    /// Returns the cost of tokens of a model; `None` if the price is unknown. A date at the end of the name is ignored unless the
    /// table lists it.
    #[must_use]
    pub fn cost(&self, model: &str, usage: TokenUsage) -> Option<Cost> {
        let rate = self.rate(model)?;
        Some(Cost {
            prompt: usage.prompt.saturating_mul(rate.prompt),
            completion: usage.completion.saturating_mul(rate.completion),
        })
    }

    fn rate(&self, model: &str) -> Option<Rate> {
        self.0.get(model).or_else(|| self.0.get(without_date(model)?)).copied()
    }
}

fn parse_line(line: &str) -> Option<(String, Rate)> {
    let mut fields = line.split(',');
    let model = fields.next()?.to_owned();
    let prompt = pico_per_token(fields.next()?)?;
    let completion = pico_per_token(fields.next()?)?;
    Some((model, Rate { prompt, completion }))
}

/// Removes the date from a model's name: `gpt-4o-mini` for `gpt-4o-mini-2024-07-18`. Returns `None` for a name without one.
fn without_date(model: &str) -> Option<&str> {
    let (name, date) = model.split_at_checked(model.len().checked_sub("-2024-07-18".len())?)?;
    let dated = date.bytes().enumerate().all(|(index, c)| match index {
        0 | 5 | 8 => c == b'-',
        _ => c.is_ascii_digit(),
    });
    dated.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLION: TokenUsage = TokenUsage { prompt: 1_000_000, completion: 1_000_000 };

    fn price(prices: &Prices, model: &str) -> Option<f64> {
        prices.cost(model, MILLION).map(|cost| dollars(cost.total()))
    }

    #[test]
    fn all_lines_of_the_table_are_parsed() {
        let lines = include_str!("openai_prices.csv").lines();
        let models = lines.filter(|line| !line.starts_with('#')).count();
        assert_eq!(Prices::new(&[]).0.len(), models);
    }

    #[test]
    fn dated_names_have_the_models_price_unless_listed() {
        let prices = Prices::new(&[]);
        assert_eq!(price(&prices, "gpt-4o-mini"), Some(0.75));
        assert_eq!(price(&prices, "gpt-4o-mini-2024-07-18"), Some(0.75));
        assert_eq!(price(&prices, "gpt-4o-2024-05-13"), Some(20.0));
        assert_eq!(price(&prices, "llama3"), None);
        assert_eq!(price(&prices, "é2024-07-18"), None);
    }

    #[test]
    fn reported_costs_are_split_without_loss() {
        let prices = Prices::new(&[("m".into(), 1, 3)]);
        let usage = TokenUsage { prompt: 10, completion: 10 };
        assert_eq!(prices.split(1000, "m", usage), Cost { prompt: 250, completion: 750 });
        assert_eq!(prices.split(1000, "unknown", usage), Cost { prompt: 500, completion: 500 });
        assert_eq!(prices.split(7, "unknown", TokenUsage::default()), Cost { prompt: 0, completion: 7 });
    }

    #[test]
    fn overrides_replace_and_add() {
        let prices = Prices::new(&[("gpt-4o".into(), 1_000_000, 0), ("llama3".into(), 0, 0)]);
        assert_eq!(price(&prices, "gpt-4o"), Some(1.0));
        assert_eq!(price(&prices, "llama3"), Some(0.0));
    }
}
