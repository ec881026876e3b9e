//! Uses the service as another team would: `AL_CHAT_URL` and `CUTTING_PROXY_URL` say where it is.

use std::{env, mem::discriminant};

use al_chat_client::{
    Client, Error, Turn, TurnError, TurnEvent, TurnOptions, connect, stream_message, stream_turn,
    types::{self, ChatAnswer, ChatRequest, ErrorCode, FinishReason, HealthStatus, MessageSender, TurnStatus},
};

/// What the fake model says to a question of these words, in which some programs see ends of lines.
const WORDS: &str = "one \u{2028} two \u{85} three \r four ü five 😀 six";
const PASSWORD: &str = "Correct-Horse-77";

fn client() -> Client {
    connect(&env::var("AL_CHAT_URL").unwrap(), None).unwrap()
}

fn question(message: &str) -> ChatRequest {
    ChatRequest { message: Some(message.to_owned()), ..Default::default() }
}

/// Reads a turn to its end, and checks that its events are in order and whole.
async fn read(turn: &mut Turn<'_>) -> ChatAnswer {
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
async fn failure(turn: &mut Turn<'_>) -> TurnError {
    loop {
        match turn.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the turn has an answer: {}", turn.text()),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn a_session_with_a_turn_that_is_read_twice() {
    let client = client();
    assert_eq!(client.get_health().await.unwrap().status, HealthStatus::Healthy);
    let session_id = client.start_session().await.unwrap().into_inner().session_id;
    let options = TurnOptions { session_id: Some(session_id.clone()), ..Default::default() };
    let mut turn = stream_turn(&client, question(WORDS), options);
    let answer = read(&mut turn).await;
    assert!(answer.message.contains(WORDS), "{}", answer.message);
    assert_eq!((answer.finish_reason, answer.session_id.as_ref()), (FinishReason::Complete, Some(&session_id)));

    let again = client.chat(Some(turn.idempotency_key()), Some(&session_id), &question(WORDS)).await.unwrap();
    assert_eq!((&again.request_id, &again.message), (&answer.request_id, &answer.message));
    let stop = types::StopSessionRequest { session_id: Some(session_id.clone()), ..Default::default() };
    assert_eq!(client.stop_session(None, Some(&stop)).await.unwrap().session_id, Some(session_id));
}

#[tokio::test]
async fn a_turn_whose_connection_breaks() {
    let proxy = env::var("CUTTING_PROXY_URL").unwrap();
    let client = connect(&proxy, None).unwrap();
    for question_of_words in [WORDS.to_owned(), format!("forgotten {WORDS}")] {
        let before = cuts(&proxy).await;
        let answer = read(&mut stream_turn(&client, question(&question_of_words), TurnOptions::default())).await;
        assert!(answer.message.contains(WORDS), "{}", answer.message);
        assert_eq!(cuts(&proxy).await - before, 2);
    }
}

async fn cuts(proxy: &str) -> u64 {
    reqwest::get(format!("{proxy}/cuts")).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_turn_that_is_stopped() {
    let client = client();
    let mut turn = stream_turn(&client, question("endless"), TurnOptions::default());
    assert!(matches!(turn.stop().await, Err(TurnError::NotStarted)));
    while turn.text().matches("on").count() < 3 {
        turn.next().await.unwrap();
    }
    assert_eq!(turn.stop().await.unwrap().status, TurnStatus::Stopped);
    while turn.next().await.unwrap().is_some() {}
    assert_eq!(turn.answer().unwrap().finish_reason, FinishReason::Stopped);
    assert_eq!(turn.stop().await.unwrap().status, TurnStatus::Ended);
}

#[tokio::test]
async fn errors_by_their_type() {
    let client = client();
    let refused = failure(&mut stream_turn(&client, ChatRequest::default(), TurnOptions::default())).await;
    let TurnError::Failed { body, status } = refused else { panic!("{refused}") };
    assert_eq!((body.code, status), (ErrorCode::MessageRequired, Some(400)));

    let mut cut_off = stream_turn(&client, question("cut off"), TurnOptions::default());
    let failed = failure(&mut cut_off).await;
    let TurnError::Failed { body, status } = failed else { panic!("{failed}") };
    assert_eq!((body.code, status), (ErrorCode::ModelConnectionLost, None));
    assert!(cut_off.text().starts_with("You said: "));

    let login = types::LoginRequest { username: "nobody".to_owned(), password: PASSWORD.to_owned() };
    let Err(Error::ErrorResponse(unknown)) = client.login(&login).await else { panic!("nobody has logged in") };
    assert_eq!(unknown.code, ErrorCode::WrongLogin);

    let nowhere = connect("http://127.0.0.1:1", None).unwrap();
    let lost = failure(&mut stream_turn(&nowhere, question("Hello!"), TurnOptions::default())).await;
    assert!(matches!(lost, TurnError::ConnectionLost(_)), "{lost}");
}

#[tokio::test]
async fn an_account_with_a_chat() {
    let client = client();
    let name = format!("rs-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let email = format!("{name}@example.org");
    let account = types::RegisterRequest { username: name.clone(), email, password: PASSWORD.to_owned() };
    assert_eq!(client.register(&account).await.unwrap().username, name);
    let login = types::LoginRequest { username: name, password: PASSWORD.to_owned() };
    let token = client.login(&login).await.unwrap().into_inner().access_token;
    let member = connect(&env::var("AL_CHAT_URL").unwrap(), Some(&token)).unwrap();

    let create = types::CreateChatRequest { title: Some("From Rust".to_owned()), ..Default::default() };
    let chat = member.create_chat(Some(&create)).await.unwrap().into_inner();
    let body = types::SendMessageRequest { text: Some("Hello!".to_owned()), ..Default::default() };
    let said = member.send_message(chat.id, None, None, &body).await.unwrap().into_inner();
    assert_eq!((said.user_message.sender, said.ai_response.sender), (MessageSender::User, MessageSender::Bot));
    let answer = read(&mut stream_message(&member, chat.id, body, TurnOptions::default())).await;
    let stored = member.get_chat(chat.id).await.unwrap().into_inner();
    assert_eq!(stored.messages.len(), 4);
    assert_eq!(stored.messages.last().map(|message| message.id), answer.ai_response_id);
    assert_eq!(member.list_chats(None, None).await.unwrap().len(), 1);
}
