//! Asks a question and prints the answer while it arrives: `cargo run --example example -- "When are you open?"`

use std::{env, error::Error, io::Write as _, process::ExitCode};

use al_chat_client::{TurnError, TurnEvent, TurnOptions, connect, stream_turn, types};

#[tokio::main]
async fn main() -> ExitCode {
    match ask().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn ask() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = env::var("AL_CHAT_URL").unwrap_or_else(|_| "http://127.0.0.1:5000".to_owned());
    // An API key, which `al-chat keys create NAME` makes. A server without sites needs none.
    let key = env::var("AL_CHAT_KEY").ok();
    let client = connect(&url, key.as_deref())?;

    let session_id = client.start_session().await.map_err(TurnError::from)?.into_inner().session_id;
    let question = env::args().nth(1).unwrap_or_else(|| "Hello! What can you do?".to_owned());
    let body = types::ChatRequest { message: Some(question), ..Default::default() };
    let options = TurnOptions { session_id: Some(session_id.clone()), ..Default::default() };

    let mut turn = stream_turn(&client, body, options);
    loop {
        match turn.next().await {
            Ok(Some(TurnEvent::Start(_))) => {}
            Ok(Some(TurnEvent::Delta(piece))) => {
                print!("{}", piece.content);
                std::io::stdout().flush()?;
            }
            Ok(Some(TurnEvent::Done(answer))) => {
                println!("\n({} tokens, by {})", answer.usage.total_tokens, answer.model);
            }
            Ok(None) => break,
            Err(TurnError::Failed { body, .. }) => {
                eprintln!("{} ({}, request {})", body.error, body.code, body.request_id);
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let stop = types::StopSessionRequest { session_id: Some(session_id), ..Default::default() };
    client.stop_session(None, Some(&stop)).await.map_err(TurnError::from)?;
    Ok(())
}
