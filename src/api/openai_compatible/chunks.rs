//! The events of a stream in OpenAI's form: chunks of a completion, and `[DONE]`.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::{
    answer::{AnswerRole, CompletionUsage, FinishReason, completion_id},
    error::error_body,
};
use crate::{
    api::{problem::Problem, turn::EventFormat},
    services::turn::{Event, EventKind, Reader, TurnSummary},
};

/// The last event of a stream. A stream that fails ends without it.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// The form of the events in OpenAI's form.
pub(super) struct CompletionChunks {
    /// The time of the stream, in seconds since 1970.
    created: i64,
    /// Whether the numbers of tokens follow the answer.
    includes_usage: bool,
    /// The model that was called, from the start event on.
    model: String,
}

/// A piece of a completion.
#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [ChunkChoice<'a>],
    /// `None` if the client did not ask for the numbers of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<ChunkUsage>,
}

/// The field for the numbers of tokens in a chunk of a stream that ends with them.
#[derive(Serialize)]
#[serde(untagged)]
enum ChunkUsage {
    /// `null`, in each chunk but the last.
    NotYet,
    /// The numbers, in the last chunk.
    Tokens(CompletionUsage),
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<bool>,
    finish_reason: Option<FinishReason>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<AnswerRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl CompletionChunks {
    pub(super) fn new(created: i64, includes_usage: bool) -> Self {
        Self { created, includes_usage, model: String::new() }
    }

    fn write_chunk(
        &self,
        choices: &[ChunkChoice<'_>],
        usage: Option<CompletionUsage>,
        reader: &Reader,
        bytes: &mut BytesMut,
    ) {
        let chunk = Chunk {
            id: &completion_id(reader.request_id()),
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage: self.includes_usage.then(|| usage.map_or(ChunkUsage::NotYet, ChunkUsage::Tokens)),
        };
        write(bytes, &chunk);
    }

    fn write_choice(
        &self,
        delta: Delta<'_>,
        finish_reason: Option<FinishReason>,
        reader: &Reader,
        bytes: &mut BytesMut,
    ) {
        self.write_chunk(&[ChunkChoice { index: 0, delta, logprobs: None, finish_reason }], None, reader, bytes);
    }

    fn write_end(&mut self, summary: TurnSummary, reader: &Reader, bytes: &mut BytesMut) {
        self.model = summary.model;
        self.write_choice(Delta::default(), Some(summary.finish.into()), reader, bytes);
        if self.includes_usage {
            self.write_chunk(&[], Some(summary.usage.into()), reader, bytes);
        }
        bytes.put(DONE);
    }
}

impl EventFormat for CompletionChunks {
    fn write(&mut self, Event { kind, .. }: Event, reader: &Reader, bytes: &mut BytesMut) {
        match kind {
            EventKind::Start { model } => {
                self.model = model;
                let delta = Delta { role: Some(AnswerRole::Assistant), content: Some("") };
                self.write_choice(delta, None, reader, bytes);
            }
            EventKind::Delta(text) => {
                self.write_choice(Delta { role: None, content: Some(&text) }, None, reader, bytes);
            }
            EventKind::End(Ok(summary)) => self.write_end(summary, reader, bytes),
            EventKind::End(Err(failure)) => write(bytes, &error_body(&mut Problem::from(failure))),
        }
    }
}

fn write(bytes: &mut BytesMut, data: &impl Serialize) {
    bytes.put(&b"data: "[..]);
    // Neither writing to memory nor encoding these types fails, and compact JSON has no line breaks.
    let _ = serde_json::to_writer(bytes.writer(), data);
    bytes.put(&b"\n\n"[..]);
}
