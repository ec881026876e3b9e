//! Uses the service as another team would: `AL_CHAT_URL` says where it is.

mod reading;

use std::env;

use al_chat_client::{
    Error, TurnError, TurnOptions, stream_message, stream_turn,
    types::{self, ChatRequest, ErrorCode, FinishReason, HealthStatus, MessageSender, TurnStatus},
};
use reading::{PASSWORD, WORDS, client, failure, member, question, read};

#[tokio::test]
async fn a_session_with_a_turn_that_is_read_twice() {
    let client = client();
    assert_eq!(client.get_health().await.unwrap().status, HealthStatus::Healthy);
    let session_id = client.start_session().await.unwrap().into_inner().session_id;
    let options = TurnOptions { session_id: Some(session_id.clone()), ..Default::default() };
    let mut turn = stream_turn(&client, question(WORDS), options);
    let answer = read(&mut turn).await;
    assert!(answer.message.contains(WORDS), "{}", answer.message);
    assert!(answer.finish_reason == FinishReason::Complete);
    assert_eq!(answer.session_id.as_ref(), Some(&session_id));

    let again = client.chat(Some(turn.idempotency_key()), Some(&session_id), &question(WORDS)).await.unwrap();
    assert_eq!((&again.request_id, &again.message), (&answer.request_id, &answer.message));
    let stop = types::StopSessionRequest { session_id: Some(session_id.clone()), ..Default::default() };
    assert_eq!(client.stop_session(None, Some(&stop)).await.unwrap().session_id, Some(session_id));
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
    assert!(turn.answer().unwrap().finish_reason == FinishReason::Stopped);
    assert_eq!(turn.stop().await.unwrap().status, TurnStatus::Ended);
}

#[tokio::test]
async fn errors_by_their_type() {
    let client = client();
    let refused = failure(&mut stream_turn(&client, ChatRequest::default(), TurnOptions::default())).await;
    let TurnError::Failed { body, status } = refused else { panic!("{refused}") };
    assert!(body.code == ErrorCode::MessageRequired && status == Some(400), "{body:?}");

    let mut cut_off = stream_turn(&client, question("cut off"), TurnOptions::default());
    let failed = failure(&mut cut_off).await;
    let TurnError::Failed { body, status } = failed else { panic!("{failed}") };
    assert!(body.code == ErrorCode::ModelConnectionLost && status.is_none(), "{body:?}");
    assert!(cut_off.text().starts_with("You said: "));

    let login = types::LoginRequest { username: "nobody".to_owned(), password: PASSWORD.to_owned() };
    let Err(Error::ErrorResponse(unknown)) = client.login(&login).await else { panic!("nobody has logged in") };
    assert!(unknown.code == ErrorCode::WrongLogin, "{:?}", unknown.code);
}

#[tokio::test]
async fn an_account_with_a_chat() {
    let member = member(&env::var("AL_CHAT_URL").unwrap()).await;
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
