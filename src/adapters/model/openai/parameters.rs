//! The parts of a request that some servers refuse.

/// The parts of a request that some servers refuse.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate parameter")]
pub(super) struct Parameters {
    pub(super) stream: bool,
    pub(super) stream_options: bool,
    pub(super) temperature: bool,
    pub(super) max_tokens: bool,
    pub(super) max_completion_tokens: bool,
    /// The limit of the answer, in tokens, under either name.
    pub(super) limit: Option<u32>,
    /// Whether the request has a system message.
    pub(super) system: bool,
    /// Whether the conversation begins with a message of the assistant.
    pub(super) starts_with_assistant: bool,
}
