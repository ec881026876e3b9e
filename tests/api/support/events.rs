//! A reader of event streams that fails on every deviation from the contract.

use std::{collections::VecDeque, mem};

use reqwest::{Response, StatusCode, header::HeaderMap};
use serde_json::Value;
use tokio::time::timeout;

use crate::support::{client::HttpResponse, contract_check::RequestLine, service::TEST_TIMEOUT};

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: u64,
    pub name: String,
    /// The data, a JSON object.
    pub data: Value,
}

/// A response read as a stream of events. Dropping it closes the connection.
#[derive(Debug)]
pub struct Events {
    pub status: StatusCode,
    pub headers: HeaderMap,
    request_line: RequestLine,
    response: Response,
    /// The received bytes that are not parsed yet.
    buffer: Vec<u8>,
    /// The lines of the event that is being parsed.
    fields: Vec<String>,
    /// Events that arrived while `next_comment` waited for a comment.
    queued: VecDeque<Event>,
    comments: usize,
    last_id: Option<u64>,
}

enum Part {
    Event(Event),
    Comment,
}

impl Events {
    /// Returns a reader of this response. With `last_id`, the first event must have the ID after it.
    pub fn of(request_line: RequestLine, response: Response, last_id: Option<u64>) -> Self {
        Self {
            request_line,
            status: response.status(),
            headers: response.headers().clone(),
            response,
            buffer: Vec::new(),
            fields: Vec::new(),
            queued: VecDeque::new(),
            comments: 0,
            last_id,
        }
    }

    /// Returns the next event; `None` at the end of the stream. Fails if the connection breaks.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.queued.pop_front() {
            return Some(event);
        }
        loop {
            match self.next_part().await? {
                Part::Event(event) => return Some(event),
                Part::Comment => {}
            }
        }
    }

    /// Returns the number of comments read so far. The service sends comments as keep-alives.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// Waits for one more comment. Events that arrive before it are returned by `next` later.
    pub async fn next_comment(&mut self) {
        loop {
            match self.next_part().await.expect("a comment before the stream's end") {
                Part::Event(event) => self.queued.push_back(event),
                Part::Comment => return,
            }
        }
    }

    /// Reads the `start` event and `count` deltas, and returns their text.
    pub async fn read_deltas(&mut self, count: usize) -> String {
        let mut text = String::new();
        for number in 0..=count {
            let event = self.next().await.expect("one more event");
            assert_eq!(event.name, if number == 0 { "start" } else { "delta" });
            text += event.data["content"].as_str().unwrap_or_default();
        }
        text
    }

    /// Returns all further events.
    pub async fn remaining(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// Returns the text of all further `delta` events, and the last event, which must be `done` or `error`.
    pub async fn text_and_end(self) -> (String, Event) {
        let mut events = self.remaining().await;
        let end = events.pop().expect("a last event");
        assert!(is_end(&end), "the stream ends with {end:?}");
        let mut text = String::new();
        for event in events {
            assert!(!is_end(&event), "more events after {event:?}");
            if event.name == "delta" {
                text += event.data["content"].as_str().expect("a delta has text");
            }
        }
        (text, end)
    }

    pub fn request_id(&self) -> String {
        let id = self.headers.get("x-request-id").expect("a request id");
        id.to_str().expect("a header in UTF-8").to_owned()
    }

    /// Reads a response that is not a stream to its end.
    pub async fn into_response(self) -> HttpResponse {
        let Self { status, headers, request_line, response, .. } = self;
        let text =
            timeout(TEST_TIMEOUT, response.text()).await.expect("the answer ends in time").expect("a whole answer");
        request_line.assert_described(status, &headers, &text);
        HttpResponse { status, headers, text }
    }

    async fn next_part(&mut self) -> Option<Part> {
        timeout(TEST_TIMEOUT, self.read_part()).await.expect("an event or a comment in time")
    }

    /// Returns the next event or comment; `None` at the end of the stream.
    async fn read_part(&mut self) -> Option<Part> {
        self.assert_is_stream();
        loop {
            if let Some(part) = self.take_part() {
                return Some(part);
            }
            let Some(chunk) = self.response.chunk().await.expect("an unbroken connection") else {
                let line = String::from_utf8_lossy(&self.buffer);
                assert!(
                    self.fields.is_empty() && line.is_empty(),
                    "the stream ends within an event: {:?} {line:?}",
                    self.fields
                );
                return None;
            };
            self.buffer.extend_from_slice(&chunk);
        }
    }

    fn assert_is_stream(&self) {
        let kind = self.headers.get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
        assert!(kind.starts_with(b"text/event-stream"), "{} is not a stream: {:?}", self.status, self.headers);
        self.request_line.assert_described_stream(self.status, &self.headers);
    }

    /// Takes the first complete event or comment from the buffer. Comments may stand between the lines of an event.
    fn take_part(&mut self) -> Option<Part> {
        loop {
            let line = self.take_line()?;
            if line.starts_with(':') {
                self.comments += 1;
                return Some(Part::Comment);
            }
            if !line.is_empty() {
                self.fields.push(line);
            } else if !self.fields.is_empty() {
                return Some(Part::Event(self.take_event()));
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let length = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<_> = self.buffer.drain(..=length).collect();
        line.pop();
        Some(String::from_utf8(line).expect("a stream in UTF-8"))
    }

    fn take_event(&mut self) -> Event {
        let event = parse(&mem::take(&mut self.fields));
        self.request_line.assert_described_event(event.id, &event.name, &event.data);
        if let Some(last) = self.last_id {
            assert_eq!(event.id, last + 1, "{event:?} does not follow");
        }
        self.last_id = Some(event.id);
        event
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event.name.as_str(), "done" | "error")
}

fn parse(fields: &[String]) -> Event {
    let (mut id, mut name, mut data) = (None, None, None);
    for field in fields {
        let (key, value) = field.split_once(": ").unwrap_or_else(|| panic!("{field:?} is not a field"));
        let slot = match key {
            "id" => &mut id,
            "event" => &mut name,
            "data" => &mut data,
            _ => panic!("{field:?} is an unknown field"),
        };
        assert!(slot.replace(value).is_none(), "a second {key} in {fields:?}");
    }
    let (Some(id), Some(name), Some(data)) = (id, name, data) else { panic!("no id, event or data in {fields:?}") };
    let id = id.parse().unwrap_or_else(|_| panic!("an ID that is not a number: {id:?}"));
    let data: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("data that is not JSON: {data:?}"));
    assert!(data.is_object(), "data that is not an object: {data}");
    Event { id, name: name.to_owned(), data }
}
