//! An answer on its way.

use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use super::{Limits, ModelError, ModelFailure, NoAnswer, sse, streamed::Streamed, transport_error, usage, whole};
use crate::{
    domain::{chat::Finish, cost::TokenUsage},
    foundation::http_client::{ReadFailure, read_rest},
};

/// The header in which LiteLLM reports the cost of an answer, in US dollars.
const COST_HEADER: &str = "x-litellm-response-cost";

/// An answer on its way.
#[derive(Debug)]
pub struct Answering {
    /// Where it comes from; none once it is over.
    source: Option<Source>,
    limits: Limits,
    report: Report,
    finish: Finish,
}

/// What a server says of its answer besides the text. Complete when the answer is, or has failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The tokens it took, if that was said and can be true.
    pub usage: Option<TokenUsage>,
    /// The cost that a gateway reports, in pico-dollars.
    pub cost: Option<u64>,
    /// The name of the model that answers, as its server gives it.
    pub model: Option<String>,
    /// Whether the model thought before it answered.
    pub has_reasoned: bool,
    /// Whether a limit of tokens ended the answer.
    pub is_cut_by_limit: bool,
    /// Whether the limit had room for thoughts besides the answer.
    pub had_room_for_thoughts: bool,
}

#[derive(Debug)]
enum Source {
    /// An answer that came whole: its text, or why it is of no use.
    Whole(Result<String, ModelFailure>),
    Stream(Box<Streamed>),
}

impl Answering {
    /// Takes up the answer in a response to a question for a stream or a whole. The first bytes say what it is, since
    /// content types are often wrong and some servers answer as they like. Fails if it is an error, known by now.
    pub(super) async fn open(
        mut response: reqwest::Response,
        limits: Limits,
        stream: bool,
        deadline: Instant,
    ) -> Result<Self, NoAnswer> {
        let cost = response.headers().get(COST_HEADER).and_then(|value| usage::parse_cost(value.to_str().ok()?));
        let report = Report { cost, ..Report::default() };
        let mut this = Self { source: None, limits, report, finish: Finish::Complete };
        let start = read_start(&mut response, limits, deadline).await?;
        this.source = Some(if sse::is_event_stream(&start).unwrap_or_else(|| is_named_event_stream(&response)) {
            let mut streamed = Streamed::new(response, &start);
            let begun = timeout_at(deadline, streamed.begin(limits, &mut this.report)).await;
            begun.map_err(|_| ModelError::from(ModelFailure::Timeout))??;
            Source::Stream(Box::new(streamed))
        } else {
            // Whoever asked for the whole limits the time for it.
            let idle = stream.then_some(limits.idle_timeout);
            let body = read_rest(start, response, limits.response, idle).await.map_err(ModelError::from)?;
            let answer = whole::read_answer(&body, &mut this.report)?;
            Source::Whole(answer.map(|(text, finish)| {
                this.finish = finish;
                text
            }))
        });
        Ok(this)
    }

    /// The same, of a request whose limit had room for thoughts or not.
    pub(super) fn with_room_for_thoughts(mut self, had_room: bool) -> Self {
        self.report.had_room_for_thoughts = had_room;
        self
    }

    /// Whether it is known by now that there will be no text.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.source, Some(Source::Whole(Err(_))))
    }

    /// The next piece of text, never an empty one; `None` when the answer is complete. Not to be called after a failure.
    pub async fn next(&mut self) -> Result<Option<String>, ModelError> {
        if let Some(Source::Stream(stream)) = &mut self.source {
            let text = stream.next(self.limits, &mut self.report).await?;
            if text.is_none() {
                self.finish = stream.finish()?;
            }
            return Ok(text);
        }
        match self.source.take() {
            Some(Source::Whole(answer)) => Ok(Some(answer?)),
            _ => Ok(None),
        }
    }

    /// Lets the connection of a complete answer be used for the next question.
    pub async fn read_out(self) {
        if let Some(Source::Stream(stream)) = self.source {
            stream.read_out().await;
        }
    }

    /// What the server has said of the answer by now; figures only where they can be true.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        if let Some(Source::Stream(stream)) = &self.source {
            stream.complete(&mut report);
        }
        report
    }

    /// How it ended; known when the answer is complete.
    #[must_use]
    pub fn finish(&self) -> Finish {
        self.finish
    }
}

/// The first bytes, as many as it takes to see what they are.
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

fn is_named_event_stream(response: &reqwest::Response) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

impl From<ReadFailure> for ModelError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::TooLarge => ModelFailure::TooLarge.into(),
            ReadFailure::Idle => ModelFailure::Timeout.into(),
            ReadFailure::Lost(error) => transport_error(&error),
        }
    }
}
