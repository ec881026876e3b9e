//! The line of a turn that the benches write.

use al_chat::adapters::session_log::ChatLine;

/// Returns the line of a streamed turn that was answered.
pub(crate) fn answered(request_id: &str) -> ChatLine<'_> {
    ChatLine {
        user_id: None,
        chat_id: None,
        request_id,
        session_id: Some("session_20261121_093000_k3vq8mzt5wxnp2ra"),
        username: "ada",
        is_guest: false,
        api_key: None,
        model: "gpt-4o-mini",
        response_model: None,
        requested_model: "gpt-4o-mini",
        site: None,
        persona: None,
        prompt_tokens: 14,
        completion_tokens: 9,
        total_tokens: 23,
        usage_source: "provider",
        cost_usd: Some(0.000_007_5),
        latency_ms: 812.345,
        model_ms: 809.871,
        first_word_ms: Some(812.0),
        stream: true,
        attempts: 1,
        status: 200,
        code: None,
        finish: "complete",
        credential_source: "papita_api",
        key_lookup: Some("hit"),
        key_age_seconds: Some(213.421),
        calls: Vec::new(),
        guard_question: None,
        guard_question_ms: None,
        message_chars: 28,
        answer_chars: 30,
        recorded_at: None,
        content_key: None,
        sealed: None,
        message: None,
        answer: None,
    }
}
