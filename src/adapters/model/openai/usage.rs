//! What an answer took, in the figures of different servers: tokens, and sometimes US dollars.

use serde_json::Value;

use crate::domain::cost::{TokenUsage, pico_dollars};

/// No turn takes more; a larger figure is a fault, not a figure.
const MOST_TOKENS: u64 = 1_000_000_000;

/// No turn costs more, in US dollars; a larger figure is a fault.
const MOST_DOLLARS: f64 = 10_000.0;

/// The figures of a `usage` object; none rather than wrong ones when they don't make sense.
pub(super) fn read_tokens(usage: &Value) -> Option<TokenUsage> {
    let given = |names: [&str; 2]| names.iter().find_map(|name| usage.get(name).filter(|figure| !figure.is_null()));
    let prompt = given(["prompt_tokens", "input_tokens"]);
    let completion = given(["completion_tokens", "output_tokens"]);
    prompt.or(completion)?;
    Some(TokenUsage { prompt: tokens(prompt)?, completion: tokens(completion)? })
}

/// A whole number of tokens, which some servers write as a float. An absent figure is 0.
fn tokens(figure: Option<&Value>) -> Option<u64> {
    let Some(figure) = figure else { return Some(0) };
    let whole = figure.as_u64().or_else(|| {
        let float = figure.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e15).contains(float))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and within the range")]
        Some(float as u64)
    });
    whole.filter(|tokens| *tokens <= MOST_TOKENS)
}

/// Whether tokens were spent on thinking before the answer.
pub(super) fn has_reasoning(usage: &Value) -> bool {
    let details = usage.get("completion_tokens_details");
    details.and_then(|details| details.get("reasoning_tokens")).and_then(Value::as_u64).is_some_and(|tokens| tokens > 0)
}

/// The cost that a gateway reports as `usage.cost` (OpenRouter), in pico-dollars. Zero is what gateways report of models
/// whose price they don't have, so it says nothing.
pub(super) fn read_cost(usage: &Value) -> Option<u64> {
    usage.get("cost").and_then(Value::as_f64).and_then(cost)
}

/// The cost in the text of a header such as LiteLLM's `x-litellm-response-cost`, in pico-dollars.
pub(super) fn parse_cost(text: &str) -> Option<u64> {
    text.trim().parse().ok().and_then(cost)
}

fn cost(dollars: f64) -> Option<u64> {
    (dollars > 0.0 && dollars <= MOST_DOLLARS).then(|| pico_dollars(dollars))
}

/// The larger of each figure: servers repeat them in each piece, growing, or with zeros at the end.
pub(super) fn largest(before: Option<TokenUsage>, now: TokenUsage) -> TokenUsage {
    let before = before.unwrap_or_default();
    TokenUsage { prompt: before.prompt.max(now.prompt), completion: before.completion.max(now.completion) }
}

/// The figures of an ended answer: none where they cannot be true, as no text is made of no tokens.
pub(super) fn credible(usage: Option<TokenUsage>, has_text: bool) -> Option<TokenUsage> {
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
    fn figures_of_different_servers_are_understood() {
        assert_eq!(read_tokens(&json!({"prompt_tokens": 1, "completion_tokens": 2})), Some(usage(1, 2)));
        assert_eq!(read_tokens(&json!({"prompt_tokens": 7.0, "completion_tokens": 3.0})), Some(usage(7, 3)));
        assert_eq!(read_tokens(&json!({"input_tokens": 7, "output_tokens": 3})), Some(usage(7, 3)));
        assert_eq!(read_tokens(&json!({"prompt_tokens": 7, "completion_tokens": null})), Some(usage(7, 0)));
    }

    #[test]
    fn figures_that_make_no_sense_are_none() {
        let senseless = [
            json!(null),
            json!([]),
            json!({}),
            json!("many"),
            json!({"prompt_tokens": -1}),
            json!({"prompt_tokens": "9"}),
        ];
        assert!(senseless.iter().all(|figures| read_tokens(figures).is_none()));
        for figure in [json!(1.5), json!(9e18), json!(-7.0), json!({}), json!(u64::MAX)] {
            assert_eq!(read_tokens(&json!({"prompt_tokens": figure, "completion_tokens": 1})), None);
        }
    }

    #[test]
    fn zeros_erase_nothing_and_count_for_no_text() {
        assert_eq!(largest(Some(usage(7, 3)), TokenUsage::default()), TokenUsage { prompt: 7, completion: 3 });
        assert_eq!(largest(Some(usage(7, 1)), TokenUsage { prompt: 7, completion: 2 }).completion, 2);
        assert_eq!(
            (credible(Some(usage(0, 0)), true), credible(Some(usage(0, 3)), true), credible(Some(usage(7, 0)), true)),
            (None, None, None)
        );
        assert_eq!((credible(Some(usage(0, 0)), false), credible(Some(usage(7, 0)), false)), (None, Some(usage(7, 0))));
    }

    #[test]
    fn costs_are_dollars_that_make_sense() {
        assert_eq!(read_cost(&json!({"cost": 0.00014})), Some(140_000_000));
        assert_eq!(parse_cost(" 3.5e-05 "), Some(35_000_000));
        for text in ["", "0.0", "-1", "NaN", "inf", "1e9", "None"] {
            assert_eq!(parse_cost(text), None, "{text}");
        }
    }
}
