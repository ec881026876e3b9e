//! Token counts and costs in responses.

use serde_json::{Value, json};

use super::{DONE, Dialect, event, piece};
use crate::fakes::scripted_model::ScriptedResponse;

fn whole_with(usage: &Value) -> ScriptedResponse {
    let choice = json!({"message": {"content": "Hello world"}, "finish_reason": "stop"});
    ScriptedResponse::whole(json!({"choices": [choice], "usage": usage}).to_string())
}

#[tokio::test]
async fn implausible_token_counts_are_replaced_by_estimates() {
    let dialect = Dialect::open(&[]).await;
    for usage in [
        json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        json!({"prompt_tokens": 7, "completion_tokens": 0}),
        json!({"prompt_tokens": 0, "completion_tokens": 3}),
        json!({"prompt_tokens": 7.5, "completion_tokens": 3}),
    ] {
        let whole = dialect.whole(&[whole_with(&usage)]).await;
        assert_eq!(whole.usage(), (8, 2, "estimated"), "{usage}");
    }
}

#[tokio::test]
async fn token_counts_are_found_in_every_known_field() {
    let dialect = Dialect::open(&[]).await;
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3});
    let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0});
    let one = json!({"prompt_tokens": 7, "completion_tokens": 1});
    let float = json!({"prompt_tokens": 7.0, "completion_tokens": 3.0});
    let text = |usage: &Value| event(&json!({"choices": [{"delta": {"content": "Hello world"}}], "usage": usage}));
    let stop = |usage: &Value| event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}));
    let in_choice = json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": usage}]});
    let at_groq = json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": usage}});
    let rows = [
        ("zeros behind", [text(&usage), stop(&zeros)]),
        ("growing", [text(&one), stop(&usage)]),
        ("floats", [text(&Value::Null), stop(&float)]),
        ("in the choice", [text(&Value::Null), event(&in_choice)]),
        ("at Groq", [text(&Value::Null), event(&at_groq)]),
    ];
    for (what, events) in rows {
        let streamed = dialect.stream(&[ScriptedResponse::stream(events.into_iter().chain([DONE.to_owned()]))]).await;
        assert_eq!(streamed.usage(), (7, 3, "provider"), "{what}");
    }
}

#[tokio::test]
async fn token_counts_after_the_last_text_are_used() {
    let dialect = Dialect::open(&[]).await;
    let last = event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}));
    let events = [piece("Hello", Value::Null), piece("", "stop"), last, DONE.to_owned()];
    assert_eq!(dialect.stream(&[ScriptedResponse::stream(events)]).await.usage(), (7, 3, "provider"));
}

#[tokio::test]
async fn a_cost_reported_by_a_gateway_is_used() {
    let dialect = Dialect::open(&[]).await;
    let cost = |outcome: &super::Outcome| outcome.line["cost_usd"].as_f64().expect("a cost");
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.5});
    assert!((cost(&dialect.whole(&[whole_with(&usage)]).await) - 0.5).abs() < 1e-9);
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100});
    let header = |cost| whole_with(&usage).with("x-litellm-response-cost", cost);
    assert!((cost(&dialect.whole(&[header("0.25")]).await) - 0.25).abs() < 1e-9);
    // A gateway reports zero for a model without a known price.
    let listed = (1000.0 * 0.15 + 100.0 * 0.60) / 1e6;
    for nothing in ["0.0", "None", "-1"] {
        assert!((cost(&dialect.whole(&[header(nothing)]).await) - listed).abs() < 1e-9, "{nothing}");
    }
    let totals = dialect.service.client.get("/api/openai/usage").await.assert_ok();
    let total = totals["estimated_cost_usd"].as_f64().expect("a total");
    assert!((total - (0.75 + 3.0 * listed)).abs() < 1e-9, "{totals}");
}
