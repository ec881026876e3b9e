//! Reading of one answer, streamed or whole.

use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use super::{
    answer_error::AnswerError, limits::Limits, report::AnswerReport, sse, streamed::StreamedAnswer,
    transport::transport_error, usage, whole,
};
use crate::{
    adapters::model::{ModelError, ModelFailure},
    domain::chat::Finish,
    foundation::http_client::read_rest,
};

/// The header in which LiteLLM reports the cost of an answer, in US dollars.
const COST_HEADER: &str = "x-litellm-response-cost";

/// An answer of a model that is being read. Dropping it closes the connection.
#[derive(Debug)]
pub struct AnswerStream {
    /// The unread part of the answer; `None` after its end.
    source: Option<AnswerSource>,
    limits: Limits,
    report: AnswerReport,
    finish: Finish,
}

/// The two forms of an answer.
#[derive(Debug)]
enum AnswerSource {
    /// A whole answer: its text, or why it cannot be used.
    Whole(Result<String, ModelFailure>),
    /// A streamed answer.
    Stream(Box<StreamedAnswer>),
}

impl AnswerStream {
    /// Starts to read the answer in a response. `stream` says whether a stream was requested. The first bytes decide
    /// how the response is read: content types are often wrong, and some servers ignore `stream`. Fails if the response
    /// begins with an error.
    pub(super) async fn open(
        mut response: reqwest::Response,
        limits: Limits,
        stream: bool,
        deadline: Instant,
    ) -> Result<Self, AnswerError> {
        let cost = response.headers().get(COST_HEADER).and_then(|value| usage::parse_cost_header(value.to_str().ok()?));
        let report = AnswerReport { cost, ..AnswerReport::default() };
        let mut this = Self { source: None, limits, report, finish: Finish::Complete };
        let start = read_start(&mut response, limits, deadline).await?;
        this.source = Some(if sse::is_event_stream(&start).unwrap_or_else(|| is_named_event_stream(&response)) {
            let mut streamed = StreamedAnswer::new(response, &start);
            let begun = timeout_at(deadline, streamed.begin(limits, &mut this.report)).await;
            begun.map_err(|_| ModelError::from(ModelFailure::Timeout))??;
            AnswerSource::Stream(Box::new(streamed))
        } else {
            // The caller limits the time for a whole answer.
            let idle = stream.then_some(limits.idle_timeout);
            let body = read_rest(start, response, limits.response, idle).await.map_err(ModelError::from)?;
            let answer = whole::parse_answer(&body, &mut this.report)?;
            AnswerSource::Whole(answer.map(|(text, finish)| {
                this.finish = finish;
                text
            }))
        });
        Ok(this)
    }

    /// Records whether the limit that was sent included tokens for reasoning.
    pub(super) fn with_reasoning_allowance(mut self, had_allowance: bool) -> Self {
        self.report.had_reasoning_allowance = had_allowance;
        self
    }

    /// Whether the answer has already failed and will have no text.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.source, Some(AnswerSource::Whole(Err(_))))
    }

    /// Returns the next piece of text, never an empty one, or `None` when the answer is complete. Must not be called
    /// after a failure.
    pub async fn next(&mut self) -> Result<Option<String>, ModelError> {
        if let Some(AnswerSource::Stream(stream)) = &mut self.source {
            let text = stream.next(self.limits, &mut self.report).await?;
            if text.is_none() {
                self.finish = stream.finish()?;
            }
            return Ok(text);
        }
        match self.source.take() {
            Some(AnswerSource::Whole(answer)) => Ok(Some(answer?)),
            _ => Ok(None),
        }
    }

    /// Reads the rest of a complete answer's response, so that the connection can be reused.
    pub async fn read_out(self) {
        if let Some(AnswerSource::Stream(stream)) = self.source {
            stream.read_out().await;
        }
    }

    /// Returns the facts that the server has reported so far. Implausible token counts are left out.
    #[must_use]
    pub fn report(&self) -> AnswerReport {
        let mut report = self.report.clone();
        if let Some(AnswerSource::Stream(stream)) = &self.source {
            stream.complete(&mut report);
        }
        report
    }

    /// Returns the finish reason. It is final when the answer is complete.
    #[must_use]
    pub fn finish(&self) -> Finish {
        self.finish
    }
}

/// Reads the first bytes, as many as it takes to tell a stream from a whole answer.
async fn read_start(
    response: &mut reqwest::Response,
    limits: Limits,
    deadline: Instant,
) -> Result<Vec<u8>, ModelError> {
    let mut start = Vec::new();
    while sse::is_event_stream(&start).is_none() {
        let chunk = timeout_at(deadline, response.chunk()).await.map_err(|_| ModelFailure::Timeout)?;
        let Some(chunk) = chunk.map_err(|error| transport_error(&error))? else { break };
        start.extend_from_slice(&chunk);
        if start.len() > limits.response {
            return Err(ModelFailure::TooLarge.into());
        }
    }
    Ok(start)
}

/// Whether the `Content-Type` is that of an event stream.
fn is_named_event_stream(response: &reqwest::Response) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}
