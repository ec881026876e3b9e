//! A client of the chat completions API of OpenAI, as OpenAI, Azure-style proxies, Ollama, vLLM, llama.cpp, the
//! Transformers server and the gateways in front of them implement it.
//!
//! The format is read leniently: unknown fields and finish reasons are accepted. The result is strict: a part of an
//! answer never counts as a complete one, and an error is recognised in any place.

mod answer_error;
mod answer_stream;
mod chunk;
mod client;
mod failed_call;
mod finish;
mod learned;
mod limits;
mod loaded;
mod messages;
mod parameters;
mod phrases;
mod provider_error;
mod report;
mod request;
mod restrictions;
mod retry_after;
mod sampling;
mod sse;
mod stream_end;
mod streamed;
mod text;
mod transport;
mod usage;
mod whole;

pub use self::{answer_stream::AnswerStream, client::OpenAi, report::AnswerReport, request::REASONING_ALLOWANCE};
