//! A streamed answer, read as strictly as its contract is written: what a lenient reader would forgive fails the test.

use std::{collections::VecDeque, mem};

use reqwest::{Response, StatusCode, header::HeaderMap};
use serde_json::Value;
use tokio::time::timeout;

use crate::{client::Answer, document::Asked, house::PATIENCE};

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: u64,
    pub name: String,
    /// Always an object.
    pub data: Value,
}

/// An open stream, or whatever else was answered; dropping it closes the connection.
#[derive(Debug)]
pub struct Events {
    pub status: StatusCode,
    pub headers: HeaderMap,
    asked: Asked,
    response: Response,
    /// What has arrived and is not read yet.
    arrived: Vec<u8>,
    /// The lines of the event that is being read.
    fields: Vec<String>,
    /// Read past while looking for a comment.
    passed: VecDeque<Event>,
    comments: usize,
    last_id: Option<u64>,
}

enum Part {
    Event(Event),
    Comment,
}

impl Events {
    /// The events of this response. The first must follow the one with this id, if there is one.
    pub fn of(asked: Asked, response: Response, last_id: Option<u64>) -> Self {
        Self {
            asked,
            status: response.status(),
            headers: response.headers().clone(),
            response,
            arrived: Vec::new(),
            fields: Vec::new(),
            passed: VecDeque::new(),
            comments: 0,
            last_id,
        }
    }

    /// The next event; none at the stream's end. Fails when the connection breaks.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.passed.pop_front() {
            return Some(event);
        }
        loop {
            match self.part().await? {
                Part::Event(event) => return Some(event),
                Part::Comment => {}
            }
        }
    }

    /// The comments read so far, which keep a silent connection alive.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// Waits for one more comment. Events that come before it are still there to be read.
    pub async fn next_comment(&mut self) {
        loop {
            match self.part().await.expect("a comment before the stream's end") {
                Part::Event(event) => self.passed.push_back(event),
                Part::Comment => return,
            }
        }
    }

    /// The text of the start and of this many pieces.
    pub async fn pieces(&mut self, count: usize) -> String {
        let mut text = String::new();
        for number in 0..=count {
            let event = self.next().await.expect("one more event");
            assert_eq!(event.name, if number == 0 { "start" } else { "delta" });
            text += event.data["content"].as_str().unwrap_or_default();
        }
        text
    }

    /// All further events.
    pub async fn rest(mut self) -> Vec<Event> {
        let mut rest = Vec::new();
        while let Some(event) = self.next().await {
            rest.push(event);
        }
        rest
    }

    /// The text of all further `delta` events, and the `done` or `error` that must be the last event.
    pub async fn text_and_end(self) -> (String, Event) {
        let mut events = self.rest().await;
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
        id.to_str().expect("a header of text").to_owned()
    }

    /// The answer as it is, read to its end; for one that is no stream.
    pub async fn into_answer(self) -> Answer {
        let Self { status, headers, asked, response, .. } = self;
        let text = timeout(PATIENCE, response.text()).await.expect("the answer ends in time").expect("a whole answer");
        asked.assert_described(status, &headers, &text);
        Answer { status, headers, text }
    }

    async fn part(&mut self) -> Option<Part> {
        timeout(PATIENCE, self.read_part()).await.expect("something on the stream in time")
    }

    /// The next event or comment; none at the stream's end.
    async fn read_part(&mut self) -> Option<Part> {
        self.assert_streams();
        loop {
            if let Some(part) = self.take_part() {
                return Some(part);
            }
            let Some(chunk) = self.response.chunk().await.expect("the connection holds") else {
                let line = String::from_utf8_lossy(&self.arrived);
                assert!(self.fields.is_empty() && line.is_empty(), "the stream ends amid {:?} {line:?}", self.fields);
                return None;
            };
            self.arrived.extend_from_slice(&chunk);
        }
    }

    fn assert_streams(&self) {
        let kind = self.headers.get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
        assert!(kind.starts_with(b"text/event-stream"), "{} is not a stream: {:?}", self.status, self.headers);
        self.asked.assert_described_stream(self.status, &self.headers);
    }

    /// The first part that has arrived whole. A comment may stand anywhere, and a blank line may follow it.
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
        let length = self.arrived.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<_> = self.arrived.drain(..=length).collect();
        line.pop();
        Some(String::from_utf8(line).expect("a stream of text"))
    }

    fn take_event(&mut self) -> Event {
        let event = parse(&mem::take(&mut self.fields));
        self.asked.assert_described_event(event.id, &event.name, &event.data);
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
        let (key, value) = field.split_once(": ").unwrap_or_else(|| panic!("{field:?} is no field"));
        let place = match key {
            "id" => &mut id,
            "event" => &mut name,
            "data" => &mut data,
            _ => panic!("{field:?} is an unknown field"),
        };
        assert!(place.replace(value).is_none(), "a second {key} in {fields:?}");
    }
    let (Some(id), Some(name), Some(data)) = (id, name, data) else { panic!("no id, event or data in {fields:?}") };
    let id = id.parse().unwrap_or_else(|_| panic!("an id that does not count: {id:?}"));
    let data: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("data that is not JSON: {data:?}"));
    assert!(data.is_object(), "data that is no object: {data}");
    Event { id, name: name.to_owned(), data }
}
