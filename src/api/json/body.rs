//! Reading of request bodies, with limits of size and time.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use poem::{FromRequest, Request, RequestBody, http::header};

use crate::{api::problem::Problem, domain::errors::requests};

/// The time that a client may take to send a body. It is part of the request's data.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct BodyTimeout(pub(in crate::api) Duration);

/// The lowest accepted rate of a body, in bytes per second. Each full second's worth of bytes extends the time limit by
/// a second, so that slow connections can send large bodies.
const SLOWEST_BYTES_A_SECOND: usize = 32 << 10;

/// Reads a body of at most `limit` bytes within the time limit of the request.
pub(in crate::api) async fn read(request: &Request, body: &mut RequestBody, limit: usize) -> Result<Vec<u8>, Problem> {
    let started = Instant::now();
    let time_limit = request.data::<BodyTimeout>().map_or(Duration::MAX, |BodyTimeout(time)| *time);
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok()).unwrap_or_default();
    let body = <poem::Body as FromRequest>::from_request(request, body).await.map_err(|_| Problem::internal())?;
    let mut chunks = body.into_bytes_stream();
    // What is announced is believed in when it comes: memory is not to be had for an announcement.
    let mut bytes = Vec::with_capacity(announced.min(64 << 10));
    loop {
        if announced.max(bytes.len()) > limit {
            return Err(too_large(limit));
        }
        let due = time_limit.saturating_add(Duration::from_secs((bytes.len() / SLOWEST_BYTES_A_SECOND) as u64));
        let left = due.saturating_sub(started.elapsed());
        let chunk =
            tokio::time::timeout(left, chunks.next()).await.map_err(|_| Problem::new(&requests::BODY_TIMEOUT))?;
        match chunk {
            None => return Ok(bytes),
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            Some(Err(_)) => {
                return Err(Problem::new(&requests::BODY_INCOMPLETE));
            }
        }
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(&requests::BODY_TOO_LARGE).with_detail("limit_bytes", limit.into())
}
