//! Reading of request bodies, with limits of size, memory and time.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use poem::{FromRequest, Request, RequestBody, http::header};

use crate::{
    api::{caller::ClientAddress, problem::Problem, request_context::RequestContext},
    domain::{body_memory::BodyMemory, errors::requests},
    foundation::{config, memory_limit},
};

/// The limits of all bodies. They are part of the request's data.
#[derive(Clone, Debug)]
pub(in crate::api) struct BodyLimits {
    /// How far a client may fall behind the lowest accepted rate.
    pub(in crate::api) timeout: Duration,
    /// The memory for the bodies of all requests.
    pub(in crate::api) memory: BodyMemory,
}

/// The time that one byte of a body restores to its client, in nanoseconds: the lowest accepted rate is 32 KiB a second.
/// Slow connections can send large bodies, but what was sent quickly is no time for a later pause.
const NANOSECONDS_A_BYTE: u64 = 1_000_000_000 / (32 << 10);

impl BodyLimits {
    /// Returns the limits of the settings; the memory is at most an eighth of what the process may use.
    pub(in crate::api) fn new(settings: &config::Server) -> Self {
        let memory = BodyMemory::new(memory_limit::at_most_part(settings.body_memory, 8));
        Self { timeout: settings.body_timeout, memory }
    }
}

/// Reads a body of at most `limit` bytes, within the limits in the request's data.
pub(in crate::api) async fn read(request: &Request, body: &mut RequestBody, limit: usize) -> Result<Vec<u8>, Problem> {
    let limits = request.data::<BodyLimits>().ok_or_else(Problem::internal)?;
    let context = request.data::<RequestContext>().ok_or_else(Problem::internal)?;
    let ClientAddress(client) = ClientAddress::from_request(request, body).await.map_err(|_| Problem::internal())?;
    let mut share = limits.memory.share(client);
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok()).unwrap_or_default();
    let body = <poem::Body as FromRequest>::from_request(request, body).await.map_err(|_| Problem::internal())?;
    let mut chunks = body.into_bytes_stream();
    // What is announced is believed in when it comes: memory is not to be had for an announcement.
    let mut bytes = Vec::with_capacity(announced.min(64 << 10));
    let mut left = limits.timeout;
    loop {
        if announced.max(bytes.len()) > limit {
            return Err(too_large(limit));
        }
        let asked = Instant::now();
        let chunk =
            tokio::time::timeout(left, chunks.next()).await.map_err(|_| Problem::new(&requests::BODY_TIMEOUT))?;
        match chunk {
            None => {
                context.note_body(share);
                return Ok(bytes);
            }
            Some(Ok(chunk)) => {
                let size = bytes.len() + chunk.len();
                share.grow(size).map_err(|_| Problem::new(&requests::BODY_MEMORY_USED_UP))?;
                bytes.extend_from_slice(&chunk);
                let restored = Duration::from_nanos(NANOSECONDS_A_BYTE * chunk.len() as u64);
                left = left.saturating_sub(asked.elapsed()).saturating_add(restored).min(limits.timeout);
            }
            Some(Err(_)) => {
                return Err(Problem::new(&requests::BODY_INCOMPLETE));
            }
        }
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(&requests::BODY_TOO_LARGE).with_detail("limit_bytes", limit.into())
}
