//! An answer that comes in pieces, as Server-Sent Events.

use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

use super::{
    Limits, ModelError, ModelFailure, NoAnswer, Reason, Report,
    chunk::{Chunk, NoChunk, model_name},
    finish,
    provider_error::ProviderError,
    sse::{Decoder, Event},
    text::Joiner,
    transport_error, usage,
};
use crate::domain::chat::Finish;

/// The data of the event that ends a stream.
const DONE: &[u8] = b"[DONE]";

/// How long to wait for figures when the last word is there.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How long to wait for the end of a body behind its last event.
const READING_OUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Streamed {
    response: reqwest::Response,
    decoder: Decoder,
    joiner: Joiner,
    /// A piece of text that was read and not given out yet.
    ready: Option<String>,
    end: End,
    /// Whether the first event has been read.
    has_events: bool,
    /// Bytes of text so far.
    length: usize,
    is_done: bool,
}

/// What is known of the answer's end.
#[derive(Debug)]
struct End {
    /// Why the answer ends, as the model said last.
    reason: Option<String>,
    /// Whether text came after such a reason: then it says nothing by itself.
    was_revoked: bool,
    /// Whether a broken body can be told from one that has ended in order.
    is_framed: bool,
}

impl End {
    /// Whether the model has said why its answer ends, and can be believed: then the answer is complete, however its
    /// connection ends.
    fn is_said(&self) -> bool {
        self.reason.is_some() && !self.was_revoked
    }

    /// Whether the orderly end of the body is the answer's: one whose model has said so too early is believed where a
    /// broken body would have been noticed.
    fn is_reached_with_body(&self) -> bool {
        self.is_said() || (self.was_revoked && self.is_framed)
    }

    /// Takes in what a piece of the answer says of its end.
    fn take_in(&mut self, reason: Option<String>, has_text: bool) {
        if has_text && self.reason.take().is_some() {
            self.was_revoked = true;
        }
        if reason.is_some() {
            self.reason = reason;
        }
    }
}

impl Streamed {
    /// The stream of this response, of which the start has been read.
    pub(super) fn new(mut response: reqwest::Response, start: &[u8]) -> Self {
        let is_framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| response.headers().contains_key(name));
        // They have been read, and would keep the 8 KiB that the head was read into.
        *response.headers_mut() = HeaderMap::new();
        let mut decoder = Decoder::default();
        decoder.feed(start);
        Self {
            response,
            decoder,
            joiner: Joiner::default(),
            ready: None,
            end: End { reason: None, was_revoked: false, is_framed },
            has_events: false,
            length: 0,
            is_done: false,
        }
    }

    /// Reads until there is an event or a comment, so that an error at the start is known before anything is passed on.
    pub(super) async fn begin(&mut self, limits: Limits, report: &mut Report) -> Result<(), NoAnswer> {
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

    /// The next piece of text; `None` when there is no more.
    pub(super) async fn next(&mut self, limits: Limits, report: &mut Report) -> Result<Option<String>, NoAnswer> {
        loop {
            if let Some(text) = self.ready.take() {
                return Ok(Some(text));
            }
            if let Some(text) = self.take_text(limits, report)? {
                return Ok(Some(text));
            }
            if self.is_done {
                let cut = self.joiner.finish().map(String::from);
                self.length += cut.as_ref().map_or(0, String::len);
                return Ok(cut);
            }
            self.read(limits, report).await?;
        }
    }

    /// The text of the events that are there, up to the first that has any.
    fn take_text(&mut self, limits: Limits, report: &mut Report) -> Result<Option<String>, NoAnswer> {
        while !self.is_done {
            let Some(event) = self.decoder.next() else { break };
            let model = if self.has_events { None } else { model_name(event.data) };
            let chunk = match read_event(&event)? {
                Content::Nothing => continue,
                Content::Done => {
                    self.is_done = true;
                    break;
                }
                Content::Chunk(chunk) => chunk,
            };
            if let Some(text) = self.take_in(chunk, model, report) {
                let is_too_large = self.length > limits.response;
                return if is_too_large { Err(too_large()) } else { Ok(Some(text)) };
            }
        }
        if self.decoder.pending() > limits.response { Err(too_large()) } else { Ok(None) }
    }

    /// A model that thinks is silent before its first word for longer than between two; and what comes after its last,
    /// the figures, comes at once.
    fn patience(&self, limits: Limits) -> Duration {
        match (self.length, self.end.is_said()) {
            (_, true) => limits.idle_timeout.min(LAST_WAIT),
            (0, false) => limits.first_byte_timeout.max(limits.idle_timeout),
            (_, false) => limits.idle_timeout,
        }
    }

    /// Reads on, up to the end.
    async fn read(&mut self, limits: Limits, report: &mut Report) -> Result<(), NoAnswer> {
        let patience = self.patience(limits);
        let broken = match tokio::time::timeout(patience, self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.decoder.feed(&bytes);
                return Ok(());
            }
            Ok(Ok(None)) => return self.read_end(report),
            Ok(Err(error)) => transport_error(&error),
            Err(_) => ModelError::from(ModelFailure::Timeout),
        };
        self.is_done = self.end.is_said();
        if self.is_done { Ok(()) } else { Err(broken.into()) }
    }

    /// The body has ended in order, as far as can be told. Without `[DONE]` the answer is complete only if the model
    /// said why it ends.
    fn read_end(&mut self, report: &mut Report) -> Result<(), NoAnswer> {
        let last = self.decoder.last().map(|event| (read_event(&event), model_name(event.data)));
        let (last, model) = last.map_or((None, None), |(content, model)| (Some(content), model));
        match last {
            Some(Ok(Content::Chunk(chunk))) => self.ready = self.take_in(chunk, model, report),
            Some(Ok(Content::Done)) => self.is_done = true,
            Some(Err(NoChunk::Error(error))) => return Err(NoAnswer::Error(error)),
            // The rest of an event that was cut off.
            Some(Ok(Content::Nothing) | Err(NoChunk::Unreadable)) | None => {}
        }
        self.is_done |= self.end.is_reached_with_body();
        if self.is_done {
            return Ok(());
        }
        let reason = Reason::new("the stream ended without [DONE] and without a finish_reason");
        Err(ModelError::new(ModelFailure::ConnectionLost, reason).into())
    }

    /// Reads what comes behind the end, so that the connection can be used for the next question.
    pub(super) async fn read_out(mut self) {
        let reading = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        // A server that takes longer has its connection closed.
        let _ = tokio::time::timeout(READING_OUT, reading).await;
    }

    /// Takes in a piece of the answer, the first of which names the model. Returns its text, if it has any.
    fn take_in(&mut self, chunk: Chunk, model: Option<String>, report: &mut Report) -> Option<String> {
        self.has_events = true;
        report.model = model.or_else(|| report.model.take());
        let parts = chunk.into_parts();
        if let Some(usage) = parts.usage {
            report.usage = Some(usage::largest(report.usage, usage));
        }
        report.cost = parts.cost.or(report.cost);
        report.has_reasoned |= parts.has_reasoning;
        let has_text = !parts.text.is_empty();
        self.end.take_in(parts.finish_reason, has_text);
        let text = has_text.then(|| self.joiner.join(parts.text)).filter(|text| !text.is_empty())?;
        self.length += text.len();
        Some(text)
    }

    /// Completes the report: figures stay only where they can be true.
    pub(super) fn complete(&self, report: &mut Report) {
        report.usage = usage::credible(report.usage, self.length > 0);
        report.is_cut_by_limit = finish::is_limit(self.end.reason.as_deref());
    }

    /// The way the answer ended, or why it is of no use.
    pub(super) fn finish(&self) -> Result<Finish, ModelFailure> {
        finish::read(self.end.reason.as_deref(), self.length > 0)
    }
}

fn too_large() -> NoAnswer {
    ModelError::from(ModelFailure::TooLarge).into()
}

/// What the data of an event is.
enum Content {
    /// A comment, or nothing at all.
    Nothing,
    Done,
    Chunk(Chunk),
}

fn read_event(event: &Event<'_>) -> Result<Content, NoChunk> {
    let data = event.data.trim_ascii();
    if event.is_error {
        return Err(NoChunk::Error(ProviderError::read(data)));
    }
    match data {
        DONE => Ok(Content::Done),
        // Some servers put their comments into data lines.
        [] | [b':', ..] => Ok(Content::Nothing),
        data => Chunk::read(data).map(Content::Chunk),
    }
}
