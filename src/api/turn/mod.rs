//! What all endpoints that start a turn share: reading the request, starting the turn, and the answer, whole or as a
//! stream of events.

mod answer;
mod event_schema;
mod event_stream;
mod reply;
mod request;
mod source;
mod start;
mod usage;

pub(crate) use self::event_stream::StreamCutOff;
pub(super) use self::{
    answer::ChatAnswer,
    event_stream::EventStream,
    reply::{Reply, ResumedStream},
    request::{TurnHeaders, named_model, named_session},
    source::AnswerSource,
    start::{start_stream, start_turn},
    usage::Usage,
};
