//! The start of a turn, with a whole answer or a stream of events as the response.

use super::{event_stream::EventStream, reply::Reply};
use crate::{
    api::{AppState, problem::Problem},
    services::turn::{Reader, TurnRequest, TurnSummary},
};

/// Starts a turn, and returns the response that the request asks for: the stream of its events, or the body that `whole`
/// makes of its answer.
pub(in crate::api) async fn take<T>(
    state: &AppState,
    ask: TurnRequest,
    whole: impl FnOnce(String, TurnSummary, &Reader) -> Result<T, Problem>,
) -> Result<Reply<T>, Problem> {
    if ask.stream {
        return Ok(Reply::Events(stream(state, ask).await?));
    }
    let reader = state.turns.start(ask).await?;
    let failed = |failure| Problem::from(failure).of_message(reader.question());
    let (text, told) = reader.read_to_end().await.map_err(failed)?;
    Ok(Reply::Whole(whole(text, told, &reader)?))
}

/// Starts a turn, and returns the stream of its events.
pub(in crate::api) async fn stream(state: &AppState, ask: TurnRequest) -> Result<EventStream, Problem> {
    let reader = state.turns.start(TurnRequest { stream: true, ..ask }).await?;
    reader.wait_for_start().await.map_err(|failure| Problem::from(failure).of_message(reader.question()))?;
    Ok(EventStream::of(reader, state))
}
