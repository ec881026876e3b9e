//! Lists that clients can read page by page. The address of the next page is in the `Link` header (RFC 8288), as the body is
//! the list itself.

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
    public_path::public_path,
};
use crate::{adapters::storage::Cursor, domain::errors::requests};

/// One page of a list, or all of it.
pub(super) struct Page<T> {
    items: Vec<T>,
    /// The `Link` header with the address of the next page; `None` for the last page.
    next: Option<HeaderValue>,
}

/// The page of a list that a client requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageRequest {
    /// The position after which the page begins.
    pub(super) after: Cursor,
    /// The largest number of rows; `None` for all.
    pub(super) limit: Option<u64>,
}

impl PageRequest {
    pub(super) fn new(limit: Option<u64>, before: Option<&str>) -> Result<Self, Problem> {
        let after = before.map_or(Ok(Cursor::START), parse_cursor)?;
        Ok(Self { after, limit })
    }

    /// Returns the number of rows to read from the database: one more than the page has, to see whether another page follows.
    pub(super) fn rows_to_read(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_add(1))
    }

    /// Builds the page from rows in the order of the list.
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

/// Returns the `Link` header for the same request with the position of the next page.
pub(super) fn link(request: &Request, Cursor(first, second): Cursor) -> Option<HeaderValue> {
    let asked = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let kept = asked.filter(|(name, _)| name != "before");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair("before", &format!("{first}_{second}"));
    let link = format!("<{}?{}>; rel=\"next\"", public_path(request), query.finish());
    HeaderValue::from_str(&link).ok()
}

fn parse_cursor(text: &str) -> Result<Cursor, Problem> {
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
