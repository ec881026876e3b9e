//! Turns whose connections fail: by way of the proxy that cuts them off, and by the scripts of `clients/scripted_server.py`.

mod reading;

use std::{env, time::Duration};

use al_chat_client::{
    TurnError, TurnEvent, TurnOptions, connect, stream_message, stream_turn,
    types::{ReceivedErrorCode, ReceivedFinishReason, SendMessageRequest},
};
use reading::{WORDS, failure, member, question, read};

async fn number_of_cuts(proxy: &str) -> u64 {
    reqwest::get(format!("{proxy}/cuts")).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn turns_whose_connections_break_twice() {
    let proxy = env::var("CUTTING_PROXY_URL").unwrap();
    let with_key = connect(&proxy, Some(&env::var("CLIENTS_KEY").unwrap())).unwrap();
    let member = member(&proxy).await;
    let chat = member.create_chat(None).await.unwrap();
    for words in [WORDS.to_owned(), format!("forgotten {WORDS}")] {
        let message = SendMessageRequest { text: Some(words.clone()), ..Default::default() };
        let turn = stream_turn(&with_key, question(&words), TurnOptions::default());
        let sent = stream_message(&member, chat.id, message, TurnOptions::default());
        for mut turn in [turn, sent] {
            let before = number_of_cuts(&proxy).await;
            let answer = read(&mut turn).await;
            assert!(answer.message.contains(WORDS), "{}", answer.message);
            assert_eq!(number_of_cuts(&proxy).await - before, 2);
        }
    }
}

/// Reads a turn of the scripted server to its end or its error: its text, and the requests that the server received.
async fn play(script: &str, max_silence: Option<Duration>) -> (Result<String, TurnError>, Vec<String>) {
    let server = env::var("SCRIPTED_SERVER_URL").unwrap();
    let client = connect(&server, None).unwrap();
    let mut turn = stream_turn(&client, question(script), TurnOptions { max_silence, ..Default::default() });
    let mut text = String::new();
    let outcome = loop {
        match turn.next().await {
            Ok(Some(TurnEvent::Delta(piece))) => text.push_str(&piece.content),
            Ok(Some(_)) => {}
            Ok(None) => break Ok(text),
            Err(error) => break Err(error),
        }
    };
    let requests = reqwest::get(format!("{server}/requests/{}", turn.idempotency_key())).await.unwrap();
    (outcome, requests.json().await.unwrap())
}

#[tokio::test]
async fn connections_are_replaced_where_they_must_be() {
    let silence = Some(Duration::from_millis(100));
    for (script, max_silence, requests) in [
        ("no event of the second answer", None, vec!["POST", "GET after 2", "POST", "GET"]),
        ("an error at the second question", None, vec!["POST", "GET after 2", "POST", "GET after 2", "POST"]),
        ("a damaged event", None, vec!["POST", "GET after 2"]),
        ("comments", Some(Duration::from_millis(600)), vec!["POST"]),
        ("silence", silence, vec!["POST", "GET after 2"]),
    ] {
        let (outcome, received) = play(script, max_silence).await;
        assert_eq!(
            (outcome.unwrap().as_str(), received),
            ("One two", requests.iter().map(ToString::to_string).collect())
        );
    }
}

#[tokio::test]
async fn another_answer_is_final() {
    for script in ["another answer", "a shorter answer"] {
        let (outcome, received) = play(script, None).await;
        assert!(matches!(outcome, Err(TurnError::OtherAnswer)), "{script}: {outcome:?}");
        assert_eq!(
            received,
            ["POST", "GET after 2", "POST"].map(|request| match script {
                "a shorter answer" => request.replace('2', "3"),
                _ => request.to_owned(),
            })
        );
    }
}

#[tokio::test]
async fn codes_and_reasons_of_later_versions() {
    for (script, expected) in [("a later code", Some(400)), ("a later code in an event", None)] {
        let (outcome, received) = play(script, None).await;
        let Err(TurnError::Failed { body, status }) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(&body.code, ReceivedErrorCode::Unknown(code) if code == "code_of_a_later_version"));
        assert_eq!((status, received.len()), (expected, 1));
    }
    let client = connect(&env::var("SCRIPTED_SERVER_URL").unwrap(), None).unwrap();
    let mut turn = stream_turn(&client, question("a later reason"), TurnOptions::default());
    let reason = read(&mut turn).await.finish_reason;
    assert!(matches!(reason, ReceivedFinishReason::Unknown(reason) if reason == "reason_of_a_later_version"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_is_tried_six_times() {
    let start = tokio::time::Instant::now();
    let nowhere = connect("http://127.0.0.1:1", None).unwrap();
    let lost = failure(&mut stream_turn(&nowhere, question("Hello!"), TurnOptions::default())).await;
    assert!(matches!(lost, TurnError::ConnectionLost(_)), "{lost}");
    assert!(start.elapsed() >= Duration::from_millis(7700), "all pauses have passed");
}
