//! Reads bodies within limits of size and time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::{
    FromRequest, Request, RequestBody,
    http::{StatusCode, header},
};
use serde_json::json;

use super::BodyTimeout;
use crate::api::problem::Problem;

/// Beyond its time limit a body may take a second for each of these many bytes: large ones come from slow lines, too.
const SLOWEST_BYTES_A_SECOND: usize = 32 << 10;

/// How long, and how much of, a body that is too large is still taken in. An answer to a client that is still sending
/// would be lost with the connection.
const DISCARDING: Duration = Duration::from_secs(5);

/// A client that has sent nothing for this long is not sending: it waits for its answer.
const SILENCE: Duration = Duration::from_millis(500);

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(request: &Request, body: &mut RequestBody, limit: usize) -> Result<Vec<u8>, Problem> {
    let started = Instant::now();
    let patience = request.data::<BodyTimeout>().map_or(Duration::MAX, |BodyTimeout(time)| *time);
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok()).unwrap_or_default();
    let body = <poem::Body as FromRequest>::from_request(request, body).await.map_err(|_| Problem::internal())?;
    let mut chunks = body.into_bytes_stream();
    // What is announced is believed in when it comes: memory is not to be had for an announcement.
    let mut bytes = Vec::with_capacity(announced.min(64 << 10));
    loop {
        if announced.max(bytes.len()) > limit {
            // Who asks before sending, by `Expect`, has not begun, and should not be told to by our reading.
            if !request.headers().contains_key(header::EXPECT) {
                discard(chunks, limit).await;
            }
            return Err(too_large(limit));
        }
        let due = patience.saturating_add(Duration::from_secs((bytes.len() / SLOWEST_BYTES_A_SECOND) as u64));
        let left = due.saturating_sub(started.elapsed());
        let chunk = tokio::time::timeout(left, chunks.next()).await.map_err(|_| too_slow())?;
        match chunk {
            None => return Ok(bytes),
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            Some(Err(_)) => {
                let error = "The connection broke off in the middle of the body";
                return Err(Problem::bad_request("body_incomplete", error));
            }
        }
    }
}

/// Takes in what still comes, within limits.
async fn discard<E>(mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin, most: usize) {
    let mut left = most;
    let discarding = async {
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(SILENCE, chunks.next()).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Whether it ended in time makes no difference: the client has had its chance.
    let _ = tokio::time::timeout(DISCARDING, discarding).await;
}

fn too_slow() -> Problem {
    let error = "The body took too long to arrive; please try again";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", error)
}

fn too_large(limit: usize) -> Problem {
    let details = Some(json!({ "limit_bytes": limit }));
    Problem { details, ..Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE) }
}
