//! Answers that arrive as Server-Sent Events.

use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

use super::{
    answer_error::AnswerError,
    chunk::{Chunk, ChunkError, model_name},
    finish,
    limits::Limits,
    provider_error::ProviderError,
    report::AnswerReport,
    sse::{Decoder, Event},
    stream_end::StreamEnd,
    text::TextDecoder,
    transport::transport_error,
    usage,
};
use crate::{
    adapters::model::{ModelError, ModelFailure, Reason},
    domain::chat::Finish,
};

/// The data of the event that ends a stream.
const DONE: &[u8] = b"[DONE]";

/// The time to wait for the token counts after the last text.
const USAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time to wait for the end of the body after the last event.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// An answer that arrives as Server-Sent Events.
#[derive(Debug)]
pub(super) struct StreamedAnswer {
    response: reqwest::Response,
    decoder: Decoder,
    text_decoder: TextDecoder,
    /// A piece of text that was read and not returned yet.
    ready: Option<String>,
    end: StreamEnd,
    /// Whether the first event has been read.
    has_events: bool,
    /// The bytes of text so far.
    length: usize,
    /// Whether the answer is complete.
    is_done: bool,
}

impl StreamedAnswer {
    /// Creates the stream of a response whose first bytes, `start`, have been read.
    pub(super) fn new(mut response: reqwest::Response, start: &[u8]) -> Self {
        let is_framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| response.headers().contains_key(name));
        // The headers are no longer needed, and hold the buffer of 8 KiB into which they were read.
        *response.headers_mut() = HeaderMap::new();
        let mut decoder = Decoder::default();
        decoder.feed(start);
        Self {
            response,
            decoder,
            text_decoder: TextDecoder::default(),
            ready: None,
            end: StreamEnd::new(is_framed),
            has_events: false,
            length: 0,
            is_done: false,
        }
    }

    /// Reads until the first event or comment, so that an error at the start is known before any text is returned.
    pub(super) async fn begin(&mut self, limits: Limits, report: &mut AnswerReport) -> Result<(), AnswerError> {
        loop {
            if self.ready.is_none() {
                self.ready = self.take_text(limits, report)?;
            }
            if self.ready.is_some() || self.is_done || self.has_events || self.decoder.has_comments() {
                return Ok(());
            }
            self.read(limits, report).await?;
        }
    }

    /// Returns the next piece of text; `None` at the end.
    pub(super) async fn next(
        &mut self,
        limits: Limits,
        report: &mut AnswerReport,
    ) -> Result<Option<String>, AnswerError> {
        loop {
            if let Some(text) = self.ready.take() {
                return Ok(Some(text));
            }
            if let Some(text) = self.take_text(limits, report)? {
                return Ok(Some(text));
            }
            if self.is_done {
                let last = self.text_decoder.finish().map(String::from);
                self.length += last.as_ref().map_or(0, String::len);
                return Ok(last);
            }
            self.read(limits, report).await?;
        }
    }

    /// Reads the events that have arrived, up to the first one with text, and returns that text.
    fn take_text(&mut self, limits: Limits, report: &mut AnswerReport) -> Result<Option<String>, AnswerError> {
        while !self.is_done {
            let Some(event) = self.decoder.next() else { break };
            let model = if self.has_events { None } else { model_name(event.data) };
            let chunk = match parse_event(&event)? {
                EventContent::Nothing => continue,
                EventContent::Done => {
                    self.is_done = true;
                    break;
                }
                EventContent::Chunk(chunk) => chunk,
            };
            if let Some(text) = self.add_chunk(chunk, model, report) {
                let is_too_large = self.length > limits.response;
                return if is_too_large { Err(too_large()) } else { Ok(Some(text)) };
            }
        }
        if self.decoder.pending() > limits.response { Err(too_large()) } else { Ok(None) }
    }

    /// Returns the time to wait for the next bytes. A reasoning model sends nothing for long before its first text; the
    /// token counts follow the last text at once.
    fn read_timeout(&self, limits: Limits) -> Duration {
        match (self.length, self.end.has_reason()) {
            (_, true) => limits.idle_timeout.min(USAGE_TIMEOUT),
            (0, false) => limits.first_byte_timeout.max(limits.idle_timeout),
            (_, false) => limits.idle_timeout,
        }
    }

    /// Reads the next bytes, or the end of the body.
    async fn read(&mut self, limits: Limits, report: &mut AnswerReport) -> Result<(), AnswerError> {
        let timeout = self.read_timeout(limits);
        let error = match tokio::time::timeout(timeout, self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.decoder.feed(&bytes);
                return Ok(());
            }
            Ok(Ok(None)) => return self.read_end(report),
            Ok(Err(error)) => transport_error(&error),
            Err(_) => ModelError::from(ModelFailure::Timeout),
        };
        self.is_done = self.end.has_reason();
        if self.is_done { Ok(()) } else { Err(error.into()) }
    }

    /// Handles the regular end of the body. Without `[DONE]`, the answer is complete only if it has a finish reason.
    fn read_end(&mut self, report: &mut AnswerReport) -> Result<(), AnswerError> {
        let last = self.decoder.last().map(|event| (parse_event(&event), model_name(event.data)));
        let (last, model) = last.map_or((None, None), |(content, model)| (Some(content), model));
        match last {
            Some(Ok(EventContent::Chunk(chunk))) => self.ready = self.add_chunk(chunk, model, report),
            Some(Ok(EventContent::Done)) => self.is_done = true,
            Some(Err(ChunkError::Provider(error))) => return Err(AnswerError::Provider(error)),
            // The rest is an incomplete event.
            Some(Ok(EventContent::Nothing) | Err(ChunkError::Unreadable)) | None => {}
        }
        self.is_done |= self.end.is_reached_with_body();
        if self.is_done {
            return Ok(());
        }
        let reason = Reason::new("the stream ended without [DONE] and without a finish_reason");
        Err(ModelError::new(ModelFailure::ConnectionLost, reason).into())
    }

    /// Reads the rest of the response, so that the connection can be reused.
    pub(super) async fn read_out(mut self) {
        let reading = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        // If it takes longer, the connection is closed.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, reading).await;
    }

    /// Adds a piece of the answer. The first piece names the model. Returns the piece's text, if it has any.
    fn add_chunk(&mut self, chunk: Chunk, model: Option<String>, report: &mut AnswerReport) -> Option<String> {
        self.has_events = true;
        report.model = model.or_else(|| report.model.take());
        let content = chunk.into_content();
        if let Some(usage) = content.usage {
            report.usage = Some(usage::largest(report.usage, usage));
        }
        report.cost = content.cost.or(report.cost);
        report.has_reasoned |= content.has_reasoning;
        let has_text = !content.text.is_empty();
        self.end.add(content.finish_reason, has_text);
        let text = has_text.then(|| self.text_decoder.decode(content.text)).filter(|text| !text.is_empty())?;
        self.length += text.len();
        Some(text)
    }

    /// Completes the report. Implausible token counts are removed.
    pub(super) fn complete(&self, report: &mut AnswerReport) {
        report.usage = usage::plausible(report.usage, self.length > 0);
        report.is_cut_by_limit = finish::is_limit(self.end.reason());
    }

    /// Returns the finish reason, or why the answer cannot be used.
    pub(super) fn finish(&self) -> Result<Finish, ModelFailure> {
        finish::interpret(self.end.reason(), self.length > 0)
    }
}

fn too_large() -> AnswerError {
    ModelError::from(ModelFailure::TooLarge).into()
}

/// The content of an event.
enum EventContent {
    /// A comment, or no data.
    Nothing,
    /// The end of the stream.
    Done,
    /// A piece of the answer.
    Chunk(Chunk),
}

/// Parses the data of an event: `[DONE]`, a comment, or the JSON of a piece.
fn parse_event(event: &Event<'_>) -> Result<EventContent, ChunkError> {
    let data = event.data.trim_ascii();
    if event.is_error {
        return Err(ChunkError::Provider(ProviderError::parse(data)));
    }
    match data {
        DONE => Ok(EventContent::Done),
        // Some servers send comments as data.
        [] | [b':', ..] => Ok(EventContent::Nothing),
        data => Chunk::parse(data).map(EventContent::Chunk),
    }
}
