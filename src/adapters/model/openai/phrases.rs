//! Phrases of the error texts of providers and servers, with their meanings. The statuses and codes of errors differ
//! between providers and change; the phrases are more stable.

/// The meaning of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The prompt is longer than the context window.
    TooLong,
    /// The prompt is longer than the context window, whose size in tokens follows the phrase.
    TooLongFor,
    /// The account has no credit left, or its budget is used up.
    NoCredit,
    /// The key is wrong, revoked or expired.
    InvalidKey,
    /// A filter or guardrail refuses the content.
    Filtered,
    /// The provider has no model of this name.
    UnknownModel,
    /// The model's prompt template requires alternating roles, the user's first.
    RolesMustAlternate,
    /// The model's prompt template has no system role.
    NoSystemRole,
}

use Meaning::{Filtered, InvalidKey, NoCredit, NoSystemRole, RolesMustAlternate, TooLong, TooLongFor, UnknownModel};

/// The phrases in lower case, with their meanings and the providers that use them. The first match counts, so longer
/// phrases come first.
pub(super) const PHRASES: &[(&str, Meaning, &str)] = &[
    // Credit and budgets.
    ("insufficient_quota", NoCredit, "OpenAI"),
    ("billing_hard_limit", NoCredit, "OpenAI, Azure"),
    ("billing_not_active", NoCredit, "OpenAI"),
    ("budget_exceeded", NoCredit, "LiteLLM"),
    ("budget has been exceeded", NoCredit, "LiteLLM"),
    ("exceededbudget", NoCredit, "LiteLLM"),
    ("exceeded budget", NoCredit, "LiteLLM"),
    ("insufficient balance", NoCredit, "DeepSeek, Zhipu"),
    ("insufficient_balance", NoCredit, "MiniMax"),
    ("insufficient credit", NoCredit, "OpenRouter"),
    ("insufficient_credit", NoCredit, "OpenRouter, Together"),
    ("insufficient funds", NoCredit, "gateways"),
    ("credit balance is too low", NoCredit, "Anthropic"),
    ("credit limit exceeded", NoCredit, "Together"),
    ("used all available credits", NoCredit, "xAI"),
    ("spending limit", NoCredit, "xAI, Fireworks"),
    ("exceeded_current_quota", NoCredit, "Moonshot"),
    ("exceeded your monthly included credits", NoCredit, "Hugging Face"),
    ("daily free allocation", NoCredit, "Cloudflare Workers AI"),
    ("arrearage", NoCredit, "DashScope"),
    ("usage limit exceeded", NoCredit, "Portkey"),
    // Keys.
    ("api_key_invalid", InvalidKey, "Google"),
    ("api key not valid", InvalidKey, "Google"),
    ("api key expired", InvalidKey, "Google"),
    ("api key was reported as leaked", InvalidKey, "Google"),
    ("access_token_expired", InvalidKey, "Google"),
    ("invalid_api_key", InvalidKey, "OpenAI, Groq"),
    ("incorrect api key", InvalidKey, "OpenAI, xAI"),
    ("invalid api key", InvalidKey, "DashScope, Mistral"),
    ("invalid api-key", InvalidKey, "DashScope"),
    ("invalid x-api-key", InvalidKey, "Anthropic"),
    ("invalid_authentication", InvalidKey, "Moonshot"),
    ("authentication_error", InvalidKey, "Anthropic, DeepSeek"),
    ("authentication fails", InvalidKey, "DeepSeek"),
    ("authentication error", InvalidKey, "LiteLLM"),
    ("token_not_found_in_db", InvalidKey, "LiteLLM"),
    ("api key has been revoked", InvalidKey, "gateways"),
    ("api key has been disabled", InvalidKey, "gateways"),
    ("api key is revoked", InvalidKey, "gateways"),
    // Filters and guardrails.
    ("content_filter", Filtered, "OpenAI, Azure"),
    ("content_policy", Filtered, "OpenAI, LiteLLM"),
    ("contentpolicyviolation", Filtered, "LiteLLM"),
    ("content management policy", Filtered, "Azure"),
    ("responsibleaipolicyviolation", Filtered, "Azure"),
    ("guardrail", Filtered, "LiteLLM, Portkey, Bedrock"),
    ("inappropriate content", Filtered, "DashScope"),
    ("data_inspection_failed", Filtered, "DashScope"),
    ("datainspectionfailed", Filtered, "DashScope"),
    ("content exists risk", Filtered, "DeepSeek"),
    ("considered high risk", Filtered, "Moonshot"),
    ("requires moderation", Filtered, "OpenRouter"),
    ("moderation_blocked", Filtered, "OpenAI"),
    ("was flagged", Filtered, "OpenRouter, OpenAI"),
    ("prohibited_content", Filtered, "Google"),
    ("prohibited content", Filtered, "gateways"),
    ("prompt blocked", Filtered, "Cloudflare AI Gateway"),
    ("sensitive content", Filtered, "Volcengine"),
    ("sensitive_content", Filtered, "Volcengine"),
    ("usage policy", Filtered, "Anthropic, OpenAI"),
    ("usage policies", Filtered, "OpenAI"),
    ("safety system", Filtered, "OpenAI"),
    // Templates of local models.
    ("roles must alternate", RolesMustAlternate, "templates of Gemma, Mistral, Llama 2"),
    ("must alternate between", RolesMustAlternate, "Mistral, Anthropic, Perplexity"),
    ("should alternate", RolesMustAlternate, "Perplexity"),
    ("alternating user/assistant", RolesMustAlternate, "Perplexity"),
    ("only user and assistant roles", RolesMustAlternate, "templates of Mistral"),
    ("must start with a user", RolesMustAlternate, "templates of Mistral, Cohere"),
    ("must start with user", RolesMustAlternate, "templates"),
    ("first message must", RolesMustAlternate, "Anthropic, Perplexity"),
    ("system role not supported", NoSystemRole, "the template of Gemma"),
    ("system role is not supported", NoSystemRole, "templates"),
    ("system message is not supported", NoSystemRole, "templates"),
    ("developer instruction is not enabled", NoSystemRole, "Google, for Gemma"),
    // Prompts that are too long, with the size of the context window.
    ("maximum context length is", TooLongFor, "OpenAI, vLLM, DeepSeek, OpenRouter"),
    ("maximum context length of", TooLongFor, "SGLang"),
    ("maximum model length of", TooLongFor, "vLLM"),
    ("maximum prompt length is", TooLongFor, "xAI"),
    ("model's context length (", TooLongFor, "SGLang"),
    ("model maximum context length:", TooLongFor, "Fireworks"),
    ("too large for model with", TooLongFor, "Mistral"),
    ("exceed max_seq_len of", TooLongFor, "TabbyAPI"),
    ("`inputs` must have less than", TooLongFor, "Text Generation Inference"),
    ("`max_new_tokens` must be <=", TooLongFor, "Text Generation Inference, Together"),
    ("maximum number of tokens allowed (", TooLongFor, "Google"),
    ("model's configured limit of", TooLongFor, "OpenAI"),
    ("exceed the configured limit of", TooLongFor, "OpenAI"),
    ("context window limit (", TooLongFor, "Cloudflare Workers AI"),
    ("loaded with context length of only", TooLongFor, "LM Studio"),
    ("model token limit:", TooLongFor, "Moonshot"),
    ("in the prompt cannot exceed", TooLongFor, "Cohere"),
    ("max size:", TooLongFor, "GitHub Models"),
    ("available context size (", TooLongFor, "llama.cpp"),
    // Prompts that are too long, without a number.
    ("context_length", TooLong, "OpenAI"),
    ("context length", TooLong, "vLLM, Ollama, LM Studio"),
    ("context window", TooLong, "OpenAI, MiniMax"),
    ("contextwindow", TooLong, "LiteLLM"),
    ("context limit", TooLong, "Anthropic"),
    ("context size", TooLong, "llama.cpp"),
    ("exceed_context_size", TooLong, "llama.cpp"),
    ("maximum context", TooLong, "several"),
    ("input is too large to process", TooLong, "llama.cpp"),
    ("prompt is too long", TooLong, "Anthropic, Fireworks"),
    ("range of input length", TooLong, "DashScope"),
    ("input is too long", TooLong, "Bedrock"),
    ("input too long", TooLong, "Volcengine"),
    ("prompt too long", TooLong, "several"),
    ("prompt exceeds max length", TooLong, "Zhipu"),
    ("too many tokens", TooLong, "Cohere"),
    ("too many input tokens", TooLong, "Bedrock"),
    ("reduce the length of the messages", TooLong, "Groq, vLLM"),
    ("max_seq_len", TooLong, "TabbyAPI"),
    ("string_above_max_length", TooLong, "OpenAI"),
    ("tokens_limit_reached", TooLong, "GitHub Models"),
    ("prompt_tokens_exceeded", TooLong, "GitHub Copilot"),
    // Models.
    ("model_not_found", UnknownModel, "OpenAI, Groq"),
    ("model_not_supported", UnknownModel, "GitHub Copilot"),
    ("invalid model", UnknownModel, "Mistral, LiteLLM"),
    ("unknown model", UnknownModel, "several"),
    ("unsupported model", UnknownModel, "several"),
    ("is not a valid model", UnknownModel, "OpenRouter"),
    ("model not exist", UnknownModel, "DeepSeek"),
    ("no such model", UnknownModel, "several"),
    ("server is pinned to", UnknownModel, "Transformers"),
];

/// Returns the first phrase in a text with one of the wanted meanings: its meaning, and the number that follows it. The
/// text is in lower case.
pub(super) fn find(words: &str, wanted: impl Fn(Meaning) -> bool) -> Option<(Meaning, Option<u64>)> {
    PHRASES.iter().filter(|(_, meaning, _)| wanted(*meaning)).find_map(|(phrase, meaning, _)| {
        let at = words.find(phrase)?;
        let number = leading_number(&words[at + phrase.len()..]);
        (*meaning != TooLongFor || number.is_some()).then_some((*meaning, number))
    })
}

/// Parses the number at the start of a text, with or without thousands separators.
fn leading_number(text: &str) -> Option<u64> {
    let text = text.trim_start_matches([' ', '`', '\'']);
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ',' | '_');
    let number = &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())];
    number.trim_end_matches([',', '_']).replace([',', '_'], "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phrase_is_hidden_by_a_shorter_one() {
        for (at, (phrase, meaning, source)) in PHRASES.iter().enumerate() {
            assert_eq!(*phrase, phrase.to_lowercase());
            assert!(!source.is_empty());
            let hidden = PHRASES[..at].iter().find(|(before, other, _)| other == meaning && phrase.contains(before));
            assert_eq!(hidden, None, "{phrase} is never found");
        }
    }

    #[test]
    fn the_number_after_a_phrase_is_parsed() {
        let long = |words| find(words, |meaning| matches!(meaning, TooLong | TooLongFor));
        let vllm = "this model's maximum context length is 4096 tokens. however, you requested 5000 tokens";
        assert_eq!(long(vllm), Some((TooLongFor, Some(4096))));
        let tgi = "`inputs` tokens + `max_new_tokens` must be <= 2048. given: 5012";
        assert_eq!(long(tgi), Some((TooLongFor, Some(2048))));
        assert_eq!(long("the maximum context length is reached").map(|found| found.0), Some(TooLong));
        assert_eq!(long("maximum context length is 131,072, but"), Some((TooLongFor, Some(131_072))));
        assert_eq!(long("hello"), None);
    }
}
