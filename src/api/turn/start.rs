//! The start of a turn, with a whole answer or a stream of events as the response.

use super::{event_stream::EventStream, reply::Reply};
use crate::{
    api::{AppState, problem::Problem},
    services::turn::{Reader, TurnFailure, TurnRequest, TurnSummary},
};

/// Starts a turn, and returns the response that the request asks for: the stream of its events, or the body that `whole`
/// makes of its answer.
pub(in crate::api) async fn start_turn<T>(
    state: &AppState,
    request: TurnRequest,
    whole: impl FnOnce(String, TurnSummary, &Reader) -> Result<T, Problem>,
) -> Result<Reply<T>, Problem> {
    if request.stream {
        return Ok(Reply::Events(start_stream(state, request).await?));
    }
    let reader = state.turns.start(request).await?;
    let (text, summary) = reader.read_to_end().await.map_err(|failure| failed(failure, &reader))?;
    Ok(Reply::Whole(whole(text, summary, &reader)?))
}

/// Starts a turn, and returns the stream of its events.
pub(in crate::api) async fn start_stream(state: &AppState, request: TurnRequest) -> Result<EventStream, Problem> {
    let reader = state.turns.start(TurnRequest { stream: true, ..request }).await?;
    reader.wait_for_start().await.map_err(|failure| failed(failure, &reader))?;
    Ok(EventStream::of(reader, state))
}

/// Returns the response for a turn that has failed.
fn failed(failure: TurnFailure, reader: &Reader) -> Problem {
    let problem = Problem::from(failure).of_message(reader.question());
    Problem { has_log_line: reader.has_log_line(), ..problem }
}
