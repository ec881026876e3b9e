//! Responses with a list: the messages of a chat, or the chats of an account. A long list is read from the database while it is
//! sent, part by part.
//!
//! A client that reads slowly, or not at all, holds one part in memory. Its largest size is taken from `BODY_MEMORY` before
//! the response begins, and a client that reads less than a minimum is disconnected.

mod parts;
mod reading;

use std::{io, marker::PhantomData, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaResponses, Registry},
};
use tokio::time::{Instant, sleep};

use self::{
    parts::PartedList,
    reading::{Reading, watch_reader},
};
use crate::{
    adapters::storage::{Storage, StorageFailure},
    api::{AppState, json::MEDIA_TYPE, problem::Problem, turn::StreamCutOff},
    domain::{body_memory::BodyShare, client_ip::ClientIp, errors::resources},
};

/// How long a response waits for memory before it is refused.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause between two looks for memory.
const MEMORY_PAUSE: Duration = Duration::from_millis(50);

/// The largest response that is sent as a whole.
const WHOLE_BYTES: usize = 64 << 10;

/// A response that is perhaps a stream, with the contract of the response `T`.
pub(in crate::api) struct Streamed<T> {
    response: Response,
    contract: PhantomData<fn() -> T>,
}

/// What a response has around the entries of its list.
pub(in crate::api) struct Frame {
    /// The media type.
    pub(in crate::api) media_type: &'static str,
    /// The text before the first entry.
    pub(in crate::api) before: String,
    /// The text between two entries.
    pub(in crate::api) between: &'static str,
    /// The text after the last entry.
    pub(in crate::api) after: &'static str,
}

impl Frame {
    /// Returns the frame of a JSON list.
    pub(in crate::api) fn of_json() -> Self {
        Self { media_type: MEDIA_TYPE, before: "[".to_owned(), between: ",", after: "]\n" }
    }
}

/// The list that a response has.
pub(in crate::api) struct Listing<L, E> {
    pub(in crate::api) frame: Frame,
    pub(in crate::api) list: L,
    /// Encodes an entry; its position in the list comes first.
    pub(in crate::api) encode: E,
}

/// Encodes the entries of one response, part by part.
struct Encoder<L, E> {
    storage: Storage,
    listing: Listing<L, E>,
    /// The number of entries so far.
    sent: u64,
    has_more: bool,
}

impl<L: PartedList, E: Fn(u64, L::Entry) -> String + Send + 'static> Listing<L, E> {
    /// Makes the response to a client. Fails if other responses occupy the memory.
    pub(in crate::api) async fn respond<T>(self, state: &AppState, client: ClientIp) -> Result<Streamed<T>, Problem> {
        let share = self.take_memory(state, client).await?;
        let media_type = self.frame.media_type;
        let mut encoder = Encoder { storage: state.storage.clone(), listing: self, sent: 0, has_more: true };
        let first = encoder.next().await?;
        let response = Response::builder().header(header::CONTENT_TYPE, media_type);
        let response = if !encoder.has_more && first.len() <= WHOLE_BYTES {
            response.body(first)
        } else {
            let (reading, watch) = watch_reader(state, first.len());
            state.tasks.spawn("slow reader of a list", watch);
            let cut_off = StreamCutOff(reading.cut_off.clone());
            response.extension(cut_off).body(stream_of(first, encoder, share, reading))
        };
        Ok(Streamed { response, contract: PhantomData })
    }

    /// Takes the memory for the largest part. Waits for it, but not for long.
    async fn take_memory(&self, state: &AppState, client: ClientIp) -> Result<BodyShare, Problem> {
        let largest = usize::try_from(self.list.largest_part()).unwrap_or(usize::MAX);
        let (mut share, until) = (state.list_memory.share(client), Instant::now() + MEMORY_TIMEOUT);
        while share.grow(largest).is_err() {
            if Instant::now() >= until {
                return Err(Problem::new(&resources::LIST_MEMORY_USED_UP));
            }
            sleep(MEMORY_PAUSE).await;
        }
        Ok(share)
    }
}

impl<L: PartedList, E: Fn(u64, L::Entry) -> String> Encoder<L, E> {
    /// Encodes the next part of the list.
    async fn next(&mut self) -> Result<Bytes, StorageFailure> {
        let Frame { before, between, after, .. } = &mut self.listing.frame;
        let mut text = std::mem::take(before);
        let (entries, has_more) = self.listing.list.read(&self.storage).await?;
        for entry in entries {
            if self.sent > 0 {
                text.push_str(between);
            }
            text.push_str(&(self.listing.encode)(self.sent, entry));
            self.sent += 1;
        }
        self.has_more = has_more;
        if !has_more {
            text.push_str(after);
        }
        Ok(text.into())
    }
}

/// Returns a body of all parts. It ends early, without its proper end, if the database fails.
fn stream_of<L: PartedList, E: Fn(u64, L::Entry) -> String + Send + 'static>(
    first: Bytes,
    encoder: Encoder<L, E>,
    share: BodyShare,
    reading: Reading,
) -> Body {
    let parts =
        stream::try_unfold((Some(first), encoder, share, reading), async |(first, mut encoder, share, reading)| {
            let part = match first {
                Some(first) => first,
                None if encoder.has_more => encoder.next().await.map_err(io::Error::other)?,
                None => return Ok::<_, io::Error>(None),
            };
            reading.begin_part(part.len());
            Ok(Some((part, (None, encoder, share, reading))))
        });
    Body::from_bytes_stream(parts)
}

impl<T> Streamed<T> {
    /// Makes a response of one that is sent as a whole.
    pub(in crate::api) fn whole(response: T) -> Self
    where
        T: IntoResponse,
    {
        Self { response: response.into_response(), contract: PhantomData }
    }

    /// Adds a header.
    pub(in crate::api) fn with_header(mut self, name: header::HeaderName, value: Option<HeaderValue>) -> Self {
        if let Some(value) = value {
            self.response.headers_mut().insert(name, value);
        }
        self
    }
}

impl<T> IntoResponse for Streamed<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T: ApiResponse> ApiResponse for Streamed<T> {
    fn meta() -> MetaResponses {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
