//! Lists that may be read page by page. The list itself has no room to say where it goes on; a `Link` header does
//! (RFC 8288).

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;
use url::form_urlencoded;

use super::{
    json::{Json, MEDIA_TYPE},
    problem::Problem,
};
use crate::{adapters::storage::Cursor, domain::errors::requests};

/// One page of a list, or all of it.
pub(super) struct Page<T> {
    items: Vec<T>,
    /// Where the next page is.
    next: Option<HeaderValue>,
}

/// Which page of a list a client wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The list's part behind this place.
    pub(super) behind: Cursor,
    /// At most so many rows; none wants them all.
    limit: Option<u64>,
}

impl Wanted {
    pub(super) fn new(limit: Option<u64>, before: Option<&str>) -> Result<Self, Problem> {
        let behind = before.map_or(Ok(Cursor::START), read_cursor)?;
        Ok(Self { behind, limit })
    }

    /// How many rows to look for: one more than the page has, to see whether there is another page.
    pub(super) fn most(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_add(1))
    }

    /// The page of these rows, which are in the order of the list.
    pub(super) fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        request: &Request,
        cursor: impl Fn(&R) -> Cursor,
        body: impl Fn(R) -> T,
    ) -> Page<T> {
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let has_more = limit.is_some_and(|limit| rows.len() > limit);
        rows.truncate(limit.unwrap_or(usize::MAX));
        let last = rows.last().filter(|_| has_more).map(cursor);
        let next = last.and_then(|last| link(request, last));
        Page { items: rows.into_iter().map(body).collect(), next }
    }
}

impl<T> Page<T> {
    /// The rows the other way round.
    pub(super) fn reversed(mut self) -> Self {
        self.items.reverse();
        self
    }
}

/// The same request for what is behind this place.
fn link(request: &Request, Cursor(first, second): Cursor) -> Option<HeaderValue> {
    let asked = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let kept = asked.filter(|(name, _)| name != "before");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair("before", &format!("{first}_{second}"));
    let link = format!("<{}?{}>; rel=\"next\"", request.uri().path(), query.finish());
    HeaderValue::from_str(&link).ok()
}

fn read_cursor(text: &str) -> Result<Cursor, Problem> {
    let parts =
        text.split_once('_').and_then(|(first, second)| Some(Cursor(first.parse().ok()?, second.parse().ok()?)));
    parts.ok_or_else(|| Problem::new(&requests::INVALID_CURSOR))
}

impl<T: Serialize + Send> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.items).into_response();
        if let Some(next) = self.next {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}

impl<T: Type + Serialize + Send> ApiResponse for Page<T> {
    fn meta() -> MetaResponses {
        let link = MetaHeader {
            name: "Link".to_owned(),
            description: Some("With `limit`: where the next page is, `rel=\"next\"`, if there is one.".to_owned()),
            required: false,
            deprecated: false,
            schema: String::schema_ref(),
        };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The list, or a page of it.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema: <Vec<T>>::schema_ref() }],
                headers: vec![link],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
