//! Responses of local model servers, as they were recorded. `recorded/README.md` lists the servers.

use super::Dialect;
use crate::fakes::scripted_model::ScriptedResponse;

/// Returns the response in a file of the folder `recorded`.
macro_rules! recorded {
    ($name:literal) => {
        ScriptedResponse::recorded(include_bytes!(concat!("recorded/", $name, ".http")))
    };
}

#[tokio::test]
async fn recorded_answers_of_llama_cpp_are_read() {
    let dialect = Dialect::open(&[]).await;
    let text = "Blessings on your kindness! I'm here to support you and your business. Just what you need! I'll do \
                everything to help with your business.";
    let stream = dialect.stream(&[recorded!("llama-cpp-stream")]).await;
    assert_eq!((stream.text.as_str(), stream.finish()), (text, "complete"));
    assert_eq!(stream.usage(), (33, 33, "provider"));
    let whole = dialect.whole(&[recorded!("llama-cpp-whole")]).await;
    let text = "Hello! I'm here to help with whatever you need. How can I assist you today?";
    assert_eq!((whole.text.as_str(), whole.finish()), (text, "complete"));
    assert_eq!(whole.usage(), (33, 20, "provider"));
    assert_eq!(whole.line["response_model"], "smollm2");
}

#[tokio::test]
async fn a_recorded_refusal_of_llama_cpp_means_too_long() {
    let dialect = Dialect::open(&[]).await;
    let refused = dialect.whole(&[recorded!("llama-cpp-too-long")]).await;
    assert_eq!((refused.status, refused.code()), (400, "prompt_too_long"));
}

#[tokio::test]
async fn recorded_answers_of_transformers_are_read() {
    let dialect = Dialect::open(&[]).await;
    let stream = dialect.stream(&[recorded!("transformers-stream")]).await;
    assert_eq!((stream.text.as_str(), stream.finish()), ("The capital of France is Paris.", "complete"));
    assert_eq!(stream.usage(), (37, 8, "provider"));
    let whole = dialect.whole(&[recorded!("transformers-whole")]).await;
    assert_eq!((whole.text.as_str(), whole.finish()), ("The capital of France is Paris.", "complete"));
    assert_eq!(whole.usage(), (37, 8, "provider"));
}

#[tokio::test]
async fn transformers_with_another_model_has_no_such_model() {
    let dialect = Dialect::open(&[]).await;
    let refused = dialect.whole(&[recorded!("transformers-other-model")]).await;
    assert_eq!((refused.status, refused.code()), (400, "model_not_found"));
}
