use std::{pin::Pin, time::Duration};

use eventsource_stream::{Event, Eventsource as _};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream::unfold};

use crate::{
    Client, Error, TurnError,
    generated::ByteStream,
    replayed_text::ReplayedText,
    types::{ChatAnswer, ChatDelta, ChatRequest, ChatStart, ErrorBody, SendMessageRequest, TurnStopped},
};

/// Pauses before further connections, in milliseconds; each event that is new starts the list anew.
const PAUSES: [u64; 5] = [200, 500, 1000, 2000, 4000];

/// On an open stream something arrives every 15 seconds, at least a comment.
const MAX_SILENCE: Duration = Duration::from_secs(45);

type Events = Pin<Box<dyn Stream<Item = Result<Event, String>> + Send>>;

/// An event of a turn that goes well.
#[derive(Clone, Debug)]
pub enum TurnEvent {
    /// The turn has begun.
    Start(ChatStart),
    /// The next piece of the answer.
    Delta(ChatDelta),
    /// The whole answer; the last event.
    Done(Box<ChatAnswer>),
}

/// The options of a turn: its session, its `Idempotency-Key`, and how long a connection may be silent.
#[derive(Clone, Debug, Default)]
pub struct TurnOptions {
    /// The session of the turn, which `start_session` returns.
    pub session_id: Option<String>,
    /// Identifies the turn: the server answers a repeated key once. A new UUID, if there is none.
    pub idempotency_key: Option<String>,
    /// The time after which a connection on which nothing arrives counts as lost; 45 seconds if `None`.
    pub max_silence: Option<Duration>,
}

enum Question {
    Chat(ChatRequest),
    Message(std::num::NonZeroU64, SendMessageRequest),
}

/// A question and its answer, which [`Turn::next`] reads over as many connections as that needs.
pub struct Turn<'a> {
    client: &'a Client,
    question: Question,
    session_id: Option<String>,
    idempotency_key: String,
    max_silence: Duration,
    request_id: Option<String>,
    last_event_id: Option<String>,
    events: Option<Events>,
    has_started: bool,
    replayed: Option<ReplayedText>,
    text: String,
    answer: Option<ChatAnswer>,
    tries: usize,
}

/// Asks a question: the events of its answer, as they arrive.
#[must_use]
pub fn stream_turn(client: &Client, body: ChatRequest, options: TurnOptions) -> Turn<'_> {
    Turn::new(client, Question::Chat(body), options)
}

/// Sends a message to a stored chat: the events of the answer, as they arrive.
#[must_use]
pub fn stream_message(
    client: &Client,
    chat_id: std::num::NonZeroU64,
    body: SendMessageRequest,
    options: TurnOptions,
) -> Turn<'_> {
    Turn::new(client, Question::Message(chat_id, body), options)
}

impl<'a> Turn<'a> {
    fn new(client: &'a Client, question: Question, options: TurnOptions) -> Self {
        Self {
            client,
            question,
            session_id: options.session_id,
            idempotency_key: options.idempotency_key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            max_silence: options.max_silence.unwrap_or(MAX_SILENCE),
            request_id: None,
            last_event_id: None,
            events: None,
            has_started: false,
            replayed: None,
            text: String::new(),
            answer: None,
            tries: 0,
        }
    }

    /// The turn's `Idempotency-Key`. Passed as `idempotency_key` again, also after a restart, it returns the same answer.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }

    /// The turn's id, known from the response on.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole answer, once the turn is done.
    #[must_use]
    pub fn answer(&self) -> Option<&ChatAnswer> {
        self.answer.as_ref()
    }

    /// Stops the turn at the server. Its events then end, and the `finish_reason` is `stopped`.
    ///
    /// # Errors
    ///
    /// If the turn has no id yet, the server refuses, or cannot be reached.
    pub async fn stop(&self) -> Result<TurnStopped, TurnError> {
        let id = self.request_id.as_deref().ok_or(TurnError::NotStarted)?;
        Ok(self.client.chat_stop(id, self.session_id.as_deref()).await?.into_inner())
    }

    /// Returns the next event, and nothing after [`TurnEvent::Done`]. The first call sends the question.
    ///
    /// # Errors
    ///
    /// If the server refuses the turn, the turn fails, or no further connection succeeds.
    pub async fn next(&mut self) -> Result<Option<TurnEvent>, TurnError> {
        while self.answer.is_none() {
            match self.receive().await {
                Ok(None) => {}
                Ok(Some(new)) => {
                    self.tries = 0;
                    return Ok(Some(new));
                }
                Err(TurnError::ConnectionLost(reason)) => {
                    self.events = None;
                    let Some(pause) = PAUSES.get(self.tries) else { return Err(TurnError::ConnectionLost(reason)) };
                    self.tries += 1;
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Reads one event of the connection, after making one if there is none. Returns what is new to the reader.
    async fn receive(&mut self) -> Result<Option<TurnEvent>, TurnError> {
        if self.events.is_none() {
            let opened = tokio::time::timeout(self.max_silence, self.open()).await;
            self.events = Some(opened.map_err(|_| lost("the server did not respond"))??);
        }
        let Some(events) = &mut self.events else { return Err(lost("there is no stream")) };
        let Some(event) = events.next().await else { return Err(lost("it ended before the answer did")) };
        let event = event.map_err(TurnError::ConnectionLost)?;
        let new = self.apply(&event)?;
        self.last_event_id = Some(event.id);
        Ok(new)
    }

    /// Opens a stream: the rest of the answer, or all of it if the server has no rest to return.
    async fn open(&mut self) -> Result<Events, TurnError> {
        if let Some(id) = &self.request_id {
            let last = self.last_event_id.as_deref();
            match self.client.chat_events(id, last, self.session_id.as_deref()).await {
                Ok(response) => return Ok(events_of(response.into_inner(), self.max_silence)),
                Err(error) => match error.status().map(|status| status.as_u16()) {
                    // The key finds the turn, if it is still known.
                    Some(204 | 400 | 404) => {}
                    _ => return Err(self.passing(error)),
                },
            }
        }
        let response = self.ask().await.map_err(|error| self.passing(error))?;
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        self.request_id = id.map(str::to_owned);
        self.last_event_id = None;
        self.replayed = (!self.text.is_empty()).then(|| ReplayedText::new(&self.text));
        Ok(events_of(response.into_inner(), self.max_silence))
    }

    /// A turn that has begun can be read when the server, or a proxy before it, has restarted.
    fn passing(&self, error: Error<ErrorBody>) -> TurnError {
        let is_passing = error.status().is_some_and(|status| status.is_server_error());
        if is_passing && self.request_id.is_some() { lost(&error.to_string()) } else { error.into() }
    }

    async fn ask(&self) -> Result<crate::ResponseValue<ByteStream>, Error<ErrorBody>> {
        let key = Some(self.idempotency_key.as_str());
        let session_id = self.session_id.as_deref();
        match &self.question {
            Question::Chat(body) => self.client.chat_stream(key, session_id, body).await,
            Question::Message(chat_id, body) => self.client.send_message_stream(*chat_id, key, session_id, body).await,
        }
    }

    /// Returns what is new to the reader, if anything is.
    fn apply(&mut self, event: &Event) -> Result<Option<TurnEvent>, TurnError> {
        Ok(match event.event.as_str() {
            "start" => {
                let start: ChatStart = read(event)?;
                self.request_id = Some(start.request_id.clone());
                let is_repeated = std::mem::replace(&mut self.has_started, true);
                (!is_repeated).then_some(TurnEvent::Start(start))
            }
            "delta" => {
                let delta: ChatDelta = read(event)?;
                let content = match &mut self.replayed {
                    Some(replayed) => replayed.new_part(&delta.content)?.to_owned(),
                    None => delta.content,
                };
                self.replayed.take_if(|replayed| replayed.is_over());
                self.text.push_str(&content);
                (!content.is_empty()).then_some(TurnEvent::Delta(ChatDelta { content }))
            }
            "done" if self.replayed.is_some() => return Err(TurnError::OtherAnswer),
            "done" => {
                let answer: ChatAnswer = read(event)?;
                self.answer = Some(answer.clone());
                Some(TurnEvent::Done(Box::new(answer)))
            }
            "error" => return Err(TurnError::Failed { body: Box::new(read(event)?), status: None }),
            _ => None,
        })
    }
}

fn lost(reason: &str) -> TurnError {
    TurnError::ConnectionLost(reason.to_owned())
}

/// The events of a response. Comments are none, but they end a silence.
fn events_of(bytes: ByteStream, max_silence: Duration) -> Events {
    let bytes = bytes.into_inner();
    let in_time = unfold(Some(bytes), move |bytes| async move {
        let mut bytes = bytes?;
        match tokio::time::timeout(max_silence, bytes.next()).await {
            Ok(piece) => Some((piece?.map_err(|error| error.to_string()), Some(bytes))),
            Err(_) => Some((Err("nothing arrived any more".to_owned()), None)),
        }
    });
    Box::pin(in_time.eventsource().map(|event| event.map_err(|error| error.to_string())))
}

/// Reads the data of an event; if it is damaged, it is read again over another connection.
fn read<T: serde::de::DeserializeOwned>(event: &Event) -> Result<T, TurnError> {
    serde_json::from_str(&event.data).map_err(|error| TurnError::ConnectionLost(error.to_string()))
}
