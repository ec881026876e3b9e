//! The guard within the limits of a turn: its time, and the tokens that are counted.

use serde_json::json;

use crate::{
    fakes::{
        hook::{FakeHook, HookBehaviour, pass},
        model::{Behaviour, Ending, Gate, Script},
    },
    guard::start_guarded,
};

const ON: (&str, &str) = ("GUARD_ANSWERS", "on");

#[tokio::test]
async fn a_turn_that_ends_during_a_judgement_blames_the_guard() {
    let (gate, guard) = (Gate::new(), FakeHook::start().await);
    guard.behave(HookBehaviour::held(&gate, "answer", |_| pass()));
    let times = [("GUARD_TIMEOUT", "1m"), ("TURN_TIMEOUT", "300ms"), ("STREAM_TIMEOUT", "300ms")];
    let (model, setup, service) = start_guarded(&guard, &[&[ON][..], &times].concat()).await;
    service.client.chat("hello").await.assert_error(503, "guard_unavailable");
    let (text, end) = service.client.stream_chat("hello").await.text_and_end().await;
    assert_eq!((text.as_str(), &end.data["code"]), ("", &json!("guard_unavailable")));
    for line in setup.wait_for_log_lines("chat", 2).await {
        let fields = ["code", "guard_question", "guard_answer", "guard_answer_parts"].map(|field| line[field].clone());
        assert_eq!(json!(fields), json!(["guard_unavailable", "pass", "failed", 1]), "{line}");
        assert!(line["guard_answer_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
        assert!(line["completion_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{line}");
    }
    // A model that is silent is not the guard's fault.
    model.set_behaviour(Behaviour::Silent);
    service.client.chat("hello").await.assert_error(504, "model_timeout");
}

#[tokio::test]
async fn tokens_of_a_judged_stream_are_estimated_as_of_any() {
    // Pieces of half a word, and more of them than tokens.
    let pieces = ["un", "der", "st", "and", "ing ", "is ", "go", "od. "].repeat(20).into_iter().map(str::to_owned);
    let script = Script { pieces: pieces.collect(), ending: Ending::CutOff, ..Script::default() };
    let guard = FakeHook::start().await;
    let mut tokens = Vec::new();
    for answers in ["off", "on"] {
        let (model, setup, service) = start_guarded(&guard, &[(ON.0, answers)]).await;
        model.set_behaviour(Behaviour::Stream(script.clone()));
        service.client.stream_chat("hello").await.text_and_end().await;
        let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
        assert_eq!(line["usage_source"], "estimated", "{line}");
        tokens.push(line["completion_tokens"].clone());
    }
    assert_eq!(tokens[0], tokens[1]);
}
