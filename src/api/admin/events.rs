//! `GET /api/admin/events`: figures, states and turns as they change, for the operator's page. It is not part of the contract, since only
//! the page reads it.
//!
//! Server-Sent Events: `overview`, the figures of today, at once and after changes, at most once a second; `status`, the state of the
//! service, likewise; `turn` and `session`, turns that have ended and sessions that have begun or ended, without texts. The stream ends
//! when the service stops.

use std::{io, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use poem::{
    Body, Endpoint, IntoResponse, Request, Response,
    endpoint::make_sync,
    http::{HeaderValue, header},
};
use serde::Serialize;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{overview::Overview, status::ServiceStatus, turn_line::LoggedTurn};
use crate::{
    api::{AppState, caller::ensure_operator, turn::StreamCutOff},
    services::log_report::{LiveLine, LiveView, SessionLine},
};

/// The path of the stream.
pub(in crate::api) const EVENTS_PATH: &str = "/api/admin/events";

/// The media type of a stream of events.
const EVENTS: &str = "text/event-stream";

/// The time between two looks at the state of the service.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);

/// The longest time without a byte in a stream, by which a page notices a dead connection.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// The beginning or the end of a session in the session log.
#[derive(Debug, Serialize)]
struct SessionEvent<'a> {
    /// The id of the session.
    session_id: &'a str,
    /// The time, as the log has it.
    timestamp: &'a str,
    /// Whether the session has ended.
    has_ended: bool,
}

/// The stream of one page.
struct AdminEvents {
    state: AppState,
    view: LiveView,
    /// The last status that was sent.
    status: Option<ServiceStatus>,
    ticks: Interval,
    sent: Instant,
    /// Cancelled when the service begins to stop.
    draining: CancellationToken,
}

impl AdminEvents {
    fn new(state: &AppState) -> Self {
        let mut view = state.live_log.view();
        // What was read for other pages is new for this one.
        view.day.mark_changed();
        let mut ticks = interval(STATUS_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let draining = state.turns.draining();
        Self { state: state.clone(), view, status: None, ticks, sent: Instant::now(), draining }
    }

    /// Waits for the next bytes of the stream; `None` when the service stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let mut bytes = BytesMut::new();
            tokio::select! {
                () = self.draining.cancelled() => return None,
                changed = self.view.day.changed() => {
                    changed.ok()?;
                    let summary = self.view.day.borrow_and_update().clone();
                    if let Some(summary) = summary {
                        write(&mut bytes, "overview", &Overview::new((*summary).clone(), &self.state.clock));
                    }
                }
                line = self.view.lines.recv() => match line {
                    Ok(line) => write_line(&mut bytes, &line),
                    // A page that reads too slowly misses lines; its figures are right all the same.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ticks.tick() => self.write_status(&mut bytes),
            }
            if !bytes.is_empty() {
                self.sent = Instant::now();
                return Some(bytes.freeze());
            }
        }
    }

    fn write_status(&mut self, bytes: &mut BytesMut) {
        let status = ServiceStatus::of(&self.state);
        if self.status.as_ref() != Some(&status) {
            write(bytes, "status", &status);
            self.status = Some(status);
        } else if self.sent.elapsed() >= LONGEST_SILENCE {
            bytes.put(&b": still there\n\n"[..]);
        }
    }
}

fn write_line(bytes: &mut BytesMut, line: &LiveLine) {
    match line {
        LiveLine::Turn(turn) => write(bytes, "turn", &LoggedTurn::new((**turn).clone())),
        LiveLine::Session(SessionLine { session_id, timestamp, is_end }) => {
            write(bytes, "session", &SessionEvent { session_id, timestamp, has_ended: *is_end });
        }
    }
}

fn write(bytes: &mut BytesMut, name: &str, data: &impl Serialize) {
    bytes.put(format!("event: {name}\ndata: ").as_bytes());
    // Neither writing to memory nor encoding these types fails, and compact JSON has no line breaks.
    let _ = serde_json::to_writer(bytes.writer(), data);
    bytes.put(&b"\n\n"[..]);
}

impl IntoResponse for AdminEvents {
    fn into_response(self) -> Response {
        // A page that reads nothing, as in a suspended tab, must not keep the service from stopping.
        let cut_off = StreamCutOff(self.draining.clone());
        let events = stream::unfold(self, async |mut events| {
            let bytes = events.next().await?;
            Some((Ok::<_, io::Error>(bytes), events))
        });
        Response::builder()
            .header(header::CONTENT_TYPE, EVENTS)
            // No proxy may cache, transform or buffer the events.
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"))
            .header("x-accel-buffering", HeaderValue::from_static("no"))
            .extension(cut_off)
            .body(Body::from_bytes_stream(events))
    }
}

/// Returns the endpoint of the stream.
pub(in crate::api) fn events(state: AppState) -> impl Endpoint<Output = Response> {
    make_sync(move |request: Request| {
        ensure_operator(&request, &state)?;
        Ok::<_, poem::Error>(AdminEvents::new(&state).into_response())
    })
}
