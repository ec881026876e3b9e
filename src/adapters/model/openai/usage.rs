//! The token counts and costs that servers report with an answer.

use serde_json::Value;

use crate::domain::cost::{TokenUsage, pico_dollars};

/// The largest plausible number of tokens of an answer.
const MAX_TOKENS: u64 = 1_000_000_000;

/// The largest plausible cost of an answer, in US dollars.
const MAX_DOLLARS: f64 = 10_000.0;

/// Parses the token counts of a `usage` object, with OpenAI's or Anthropic's field names. Returns `None` if there are
/// none or one of them is not a plausible whole number.
pub(super) fn parse_tokens(usage: &Value) -> Option<TokenUsage> {
    let given = |names: [&str; 2]| names.iter().find_map(|name| usage.get(name).filter(|figure| !figure.is_null()));
    let prompt = given(["prompt_tokens", "input_tokens"]);
    let completion = given(["completion_tokens", "output_tokens"]);
    prompt.or(completion)?;
    Some(TokenUsage { prompt: tokens(prompt)?, completion: tokens(completion)? })
}

/// Parses a whole number of tokens, which some servers send as a float. A missing count is 0.
fn tokens(figure: Option<&Value>) -> Option<u64> {
    let Some(figure) = figure else { return Some(0) };
    let whole = figure.as_u64().or_else(|| {
        let float = figure.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e15).contains(float))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and within the range")]
        Some(float as u64)
    });
    whole.filter(|tokens| *tokens <= MAX_TOKENS)
}

/// Whether a `usage` object counts tokens of reasoning.
pub(super) fn has_reasoning(usage: &Value) -> bool {
    let details = usage.get("completion_tokens_details");
    details.and_then(|details| details.get("reasoning_tokens")).and_then(Value::as_u64).is_some_and(|tokens| tokens > 0)
}

/// Parses the field `cost` of a `usage` object (OpenRouter), and returns it in pico-dollars. Zero is ignored: gateways
/// report it for models whose price is unknown to them.
pub(super) fn parse_cost_field(usage: &Value) -> Option<u64> {
    usage.get("cost").and_then(Value::as_f64).and_then(cost)
}

/// Parses the cost in US dollars in a header such as LiteLLM's `x-litellm-response-cost`, and returns it in
/// pico-dollars.
pub(super) fn parse_cost_header(text: &str) -> Option<u64> {
    text.trim().parse().ok().and_then(cost)
}

/// Converts US dollars to pico-dollars; `None` for zero and implausible values.
fn cost(dollars: f64) -> Option<u64> {
    (dollars > 0.0 && dollars <= MAX_DOLLARS).then(|| pico_dollars(dollars))
}

/// Returns the larger of each count. Servers repeat the counts in each piece, growing, or with zeros in the last one.
pub(super) fn largest(before: Option<TokenUsage>, now: TokenUsage) -> TokenUsage {
    let before = before.unwrap_or_default();
    TokenUsage { prompt: before.prompt.max(now.prompt), completion: before.completion.max(now.completion) }
}

/// Returns the token counts of a complete answer if they are plausible: an answer with text has tokens of both kinds.
pub(super) fn plausible(usage: Option<TokenUsage>, has_text: bool) -> Option<TokenUsage> {
    usage.filter(|usage| if has_text { usage.prompt > 0 && usage.completion > 0 } else { usage.total() > 0 })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const fn usage(prompt: u64, completion: u64) -> TokenUsage {
        TokenUsage { prompt, completion }
    }

    #[test]
    fn token_counts_of_different_servers_are_parsed() {
        assert_eq!(parse_tokens(&json!({"prompt_tokens": 1, "completion_tokens": 2})), Some(usage(1, 2)));
        assert_eq!(parse_tokens(&json!({"prompt_tokens": 7.0, "completion_tokens": 3.0})), Some(usage(7, 3)));
        assert_eq!(parse_tokens(&json!({"input_tokens": 7, "output_tokens": 3})), Some(usage(7, 3)));
        assert_eq!(parse_tokens(&json!({"prompt_tokens": 7, "completion_tokens": null})), Some(usage(7, 0)));
    }

    #[test]
    fn invalid_token_counts_are_ignored() {
        let senseless = [
            json!(null),
            json!([]),
            json!({}),
            json!("many"),
            json!({"prompt_tokens": -1}),
            json!({"prompt_tokens": "9"}),
        ];
        assert!(senseless.iter().all(|figures| parse_tokens(figures).is_none()));
        for figure in [json!(1.5), json!(9e18), json!(-7.0), json!({}), json!(u64::MAX)] {
            assert_eq!(parse_tokens(&json!({"prompt_tokens": figure, "completion_tokens": 1})), None);
        }
    }

    #[test]
    fn zeros_do_not_replace_counts() {
        assert_eq!(largest(Some(usage(7, 3)), TokenUsage::default()), TokenUsage { prompt: 7, completion: 3 });
        assert_eq!(largest(Some(usage(7, 1)), TokenUsage { prompt: 7, completion: 2 }).completion, 2);
        assert_eq!(
            (
                plausible(Some(usage(0, 0)), true),
                plausible(Some(usage(0, 3)), true),
                plausible(Some(usage(7, 0)), true)
            ),
            (None, None, None)
        );
        assert_eq!(
            (plausible(Some(usage(0, 0)), false), plausible(Some(usage(7, 0)), false)),
            (None, Some(usage(7, 0)))
        );
    }

    #[test]
    fn implausible_costs_are_ignored() {
        assert_eq!(parse_cost_field(&json!({"cost": 0.00014})), Some(140_000_000));
        assert_eq!(parse_cost_header(" 3.5e-05 "), Some(35_000_000));
        for text in ["", "0.0", "-1", "NaN", "inf", "1e9", "None"] {
            assert_eq!(parse_cost_header(text), None, "{text}");
        }
    }
}
