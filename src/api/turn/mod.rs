//! What all endpoints that start a turn share: reading the request, starting the turn, and the answer, whole or as a
//! stream of events.

mod answer;
mod event_schema;
mod event_stream;
mod reply;
mod request;
mod server_sent_events;
mod source;
mod start;
mod usage;

pub(crate) use self::server_sent_events::StreamCutOff;
pub(super) use self::{
    answer::ChatAnswer,
    event_stream::EventStream,
    reply::{Reply, ResumedStream},
    request::{TurnHeaders, named_model, named_session},
    server_sent_events::EventFormat,
    source::AnswerSource,
    start::{start_formatted_turn, start_stream, start_turn},
    usage::Usage,
};
