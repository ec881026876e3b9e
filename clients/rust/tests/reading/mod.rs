//! Reading of turns in the tests: servers from the environment, and texts of whole streams.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{env, mem::discriminant};

use al_chat_client::{
    Client, Turn, TurnError, TurnEvent, connect,
    types::{ChatAnswer, ChatRequest, LoginRequest, RegisterRequest},
};

/// A question that the fake model repeats in its answer, with characters that some programs take for ends of lines.
pub const WORDS: &str = "one \u{2028} two \u{85} three \r four ü five 😀 six";
pub const PASSWORD: &str = "Correct-Horse-77";

pub fn client() -> Client {
    connect(&env::var("AL_CHAT_URL").unwrap(), None).unwrap()
}

pub fn question(message: &str) -> ChatRequest {
    ChatRequest { message: Some(message.to_owned()), ..Default::default() }
}

/// Reads a turn to its end, and checks that its events are in order and whole.
pub async fn read(turn: &mut Turn<'_>) -> ChatAnswer {
    let mut text = String::new();
    let mut kinds = Vec::new();
    while let Some(event) = turn.next().await.unwrap() {
        kinds.push(discriminant(&event));
        if let TurnEvent::Delta(piece) = event {
            text.push_str(&piece.content);
        }
    }
    kinds.dedup();
    assert_eq!(kinds.len(), 3, "start, pieces, done");
    let answer = turn.answer().unwrap().clone();
    assert_eq!((text.as_str(), turn.text()), (answer.message.as_str(), answer.message.as_str()));
    assert_eq!(turn.request_id(), Some(answer.request_id.as_str()));
    answer
}

/// Reads a turn that fails.
pub async fn failure(turn: &mut Turn<'_>) -> TurnError {
    loop {
        match turn.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the turn has an answer: {}", turn.text()),
            Err(error) => return error,
        }
    }
}

/// Registers an account, and returns a client of a server that has its token.
pub async fn member(base_url: &str) -> Client {
    let client = client();
    let username = format!("rs-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let (email, password) = (format!("{username}@example.org"), PASSWORD.to_owned());
    let account = RegisterRequest { username: username.clone(), email, password: password.clone() };
    assert_eq!(client.register(&account).await.unwrap().username, username);
    let token = client.login(&LoginRequest { username, password }).await.unwrap().into_inner().access_token;
    connect(base_url, Some(&token)).unwrap()
}
