//! The start of a turn, with a whole answer or a stream of events as the response.

use super::{
    event_stream::EventStream,
    reply::Reply,
    server_sent_events::{EventFormat, ServerSentEvents},
};
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
    Ok(Reply::Whole(start_whole(state, request, whole).await?))
}

/// Starts a turn, as [`start_turn`] does. The events of a stream have the given form.
pub(in crate::api) async fn start_formatted_turn<T, F: EventFormat>(
    state: &AppState,
    request: TurnRequest,
    whole: impl FnOnce(String, TurnSummary, &Reader) -> Result<T, Problem>,
    format: F,
) -> Result<Reply<T, F>, Problem> {
    if request.stream {
        let reader = started_reader(state, request).await?;
        return Ok(Reply::Events(ServerSentEvents::new(reader, state, format)));
    }
    Ok(Reply::Whole(start_whole(state, request, whole).await?))
}

/// Starts a turn, and returns the stream of its events.
pub(in crate::api) async fn start_stream(state: &AppState, request: TurnRequest) -> Result<EventStream, Problem> {
    Ok(EventStream::of(started_reader(state, TurnRequest { stream: true, ..request }).await?, state))
}

async fn start_whole<T>(
    state: &AppState,
    request: TurnRequest,
    whole: impl FnOnce(String, TurnSummary, &Reader) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let reader = state.turns.start(request).await?;
    let (text, summary) = reader.read_to_end().await.map_err(|failure| failed(failure, &reader))?;
    whole(text, summary, &reader)
}

/// Starts a turn, and waits until its stream begins.
async fn started_reader(state: &AppState, request: TurnRequest) -> Result<Reader, Problem> {
    let reader = state.turns.start(request).await?;
    reader.wait_for_start().await.map_err(|failure| failed(failure, &reader))?;
    Ok(reader)
}

/// Returns the response for a turn that has failed.
fn failed(failure: TurnFailure, reader: &Reader) -> Problem {
    let problem = Problem::from(failure).of_message(reader.question());
    Problem { has_log_line: reader.has_log_line(), ..problem }
}
