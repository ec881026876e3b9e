//! What clients were answered, to be compared with the session log and the totals.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::support::{client::HttpResponse, events::Event};

/// The code of a turn that the model has answered, but whose line could not be written.
const UNLOGGED: &str = "session_log_unavailable";

/// The answers to requests for turns.
#[derive(Debug, Default)]
pub struct ClientTally(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// The tokens of answered turns by the ids of the requests that started them.
    answered: BTreeMap<String, u64>,
    /// The status and the code of failed requests by their ids.
    failed: BTreeMap<String, (u16, String)>,
    /// The number of requests whose connection broke before the end of the answer. Each may have a line, or none.
    broken: usize,
}

impl ClientTally {
    /// Notes a whole answer, or that its connection broke.
    pub fn add(&self, answer: Result<HttpResponse, reqwest::Error>) {
        let Ok(answer) = answer else { return self.add_broken() };
        let (status, body) = (answer.status.as_u16(), answer.json());
        if status == 200 {
            self.add_answered(&body);
        } else {
            self.add_failed(&body, status);
        }
    }

    /// Notes the last event of a stream.
    pub fn add_end(&self, end: &Event) {
        if end.name == "done" { self.add_answered(&end.data) } else { self.add_failed(&end.data, 0) }
    }

    /// Notes that the connection of a stream was closed before its end.
    pub fn add_broken(&self) {
        self.answers().broken += 1;
    }

    fn add_answered(&self, body: &Value) {
        let tokens = body["usage"]["total_tokens"].as_u64().expect("tokens");
        let before = self.answers().answered.insert(text(&body["request_id"]), tokens);
        assert!(before.is_none_or(|before| before == tokens), "the repetition of a request has other tokens: {body}");
    }

    /// Notes a failure. `status`: 0 in a stream, which has none.
    fn add_failed(&self, body: &Value, status: u16) {
        self.answers().failed.insert(text(&body["request_id"]), (status, text(&body["code"])));
    }

    /// Compares with the `chat` lines of the log and the answer to `GET /api/openai/usage`, and returns what differs. `unlogged`
    /// is the number of tokens of each turn that could not be logged.
    pub fn compare(&self, lines: &[Value], usage: &Value, unlogged: u64) -> Result<(), String> {
        let answers = self.answers();
        let mut by_id = HashMap::new();
        for line in lines {
            if by_id.insert(line["request_id"].as_str().expect("an id"), line).is_some() {
                return Err(format!("a turn has two lines: {line}"));
            }
        }
        for (id, tokens) in &answers.answered {
            match by_id.remove(id.as_str()) {
                Some(line) if line["status"] == 200 && line["total_tokens"] == *tokens => {}
                line => {
                    return Err(format!("the client got {tokens} tokens in turn {id}, which has the line {line:?}"));
                }
            }
        }
        let (mut failed_tokens, mut without_line) = (0, 0);
        for (id, (status, code)) in &answers.failed {
            match by_id.remove(id.as_str()) {
                None if code == UNLOGGED => without_line += 1,
                Some(line) if line["code"] == *code && (*status == 0 || line["status"] == *status) => {
                    failed_tokens += tokens(line);
                }
                line => {
                    return Err(format!("the client got {status} {code} for turn {id}, which has the line {line:?}"));
                }
            }
        }
        if by_id.len() > answers.broken {
            return Err(format!("{} connections broke, but no client knows of {by_id:?}", answers.broken));
        }
        // Turns whose end the client does not know.
        let unknown = by_id.values().filter(|line| line["status"] == 200).count();
        let unknown_tokens = by_id.values().map(|line| tokens(line)).sum::<u64>();
        let count = answers.answered.len() + unknown;
        let sum = answers.answered.values().sum::<u64>() + failed_tokens + unknown_tokens + without_line * unlogged;
        if usage["request_count"] == count && usage["total_tokens"] == sum {
            Ok(())
        } else {
            Err(format!("clients got {count} answers with {sum} tokens, but the totals are {usage}: {answers:?}"))
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tokens(line: &Value) -> u64 {
    line["total_tokens"].as_u64().expect("tokens")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}
