//! JSON in and out. Unlike the framework's own payload it limits size and time, tells clearly what is wrong without
//! repeating what was sent, and can take a body that is absent.

use std::{
    fmt,
    marker::PhantomData,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use poem::{FromRequest, IntoResponse, Request, RequestBody, Response, http::StatusCode, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions,
    payload::Payload,
    registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{error::Category, json};

use super::problem::Problem;

/// The media type of bodies in both directions.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// The largest body taken where nothing else is said, in bytes.
const SMALL: usize = 1 << 20;

/// How long a client may take to send its body; found in the request's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyTimeout(pub(super) Duration);

/// A JSON body: required, and at most `LIMIT` bytes, when it comes in.
#[derive(Debug)]
pub(super) struct Json<T, const LIMIT: usize = SMALL>(pub(super) T);

/// A JSON body that may be absent or empty, and is read whatever its Content-Type says: `navigator.sendBeacon` sends
/// `text/plain`, other clients none at all, and what they have to say when they leave is not worth losing.
#[derive(Debug)]
pub(super) struct OptionalJson<T>(pub(super) T);

impl<T: Type + Send, const LIMIT: usize> Payload for Json<T, LIMIT> {
    const CONTENT_TYPE: &'static str = MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::builder().header(header::CONTENT_TYPE, MEDIA_TYPE).body(body),
            Err(error) => {
                tracing::error!(%error, "an answer could not be encoded");
                Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish()
            }
        }
    }
}

impl<T: Type + Serialize + Send> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Done.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema: T::schema_ref() }],
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

fn request_meta<T: Type>(required: bool, media_types: &[&'static str]) -> MetaRequest {
    let media_type = |content_type: &&'static str| MetaMediaType { content_type, schema: T::schema_ref() };
    MetaRequest { description: None, content: media_types.iter().map(media_type).collect(), required }
}

impl<'a, T: DeserializeOwned + Type + Send, const LIMIT: usize> ApiExtractor<'a> for Json<T, LIMIT> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>(true, &[MEDIA_TYPE]))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !request.content_type().is_some_and(is_json) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).into());
        }
        let bytes = read(request, body, LIMIT).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<'a, T: DeserializeOwned + Default + Type + Send> ApiExtractor<'a> for OptionalJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>(false, &[MEDIA_TYPE, "text/plain"]))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body, SMALL).await?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Ok(Self(T::default()));
        }
        Ok(Self(parse(&bytes)?))
    }
}

/// `application/json`, or a media type built on it, whatever its parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == MEDIA_TYPE || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Beyond its time limit a body may take a second for each of these many bytes: large ones come from slow lines, too.
const SLOWEST_BYTES_A_SECOND: usize = 32 << 10;

/// How long, and how much of, a body that is too large is still taken in. An answer to a client that is still sending
/// would be lost with the connection.
const DISCARDING: Duration = Duration::from_secs(5);

/// Reads a body of at most `limit` bytes.
async fn read(request: &Request, body: &mut RequestBody, limit: usize) -> Result<Vec<u8>, Problem> {
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
            discard(chunks, limit).await;
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
        while let Some(Ok(chunk)) = chunks.next().await {
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

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde would take a list for an object, its items for the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => Problem::bad_request("invalid_request", "the body must be a JSON object"),
            Err(error) => explain(".", &error),
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| explain(".", &error))?;
    Ok(parsed)
}

/// A list of objects. Left to itself, serde takes lists for objects here, too.
pub(super) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Option::<Vec<Mapped<T>>>::deserialize(from)?;
    Ok(objects.map(|objects| objects.into_iter().map(|Mapped(object)| object).collect()))
}

/// What is read from an object, and from nothing else.
struct Mapped<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mapped<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Mapped<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mapped<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Mapped)
            }
        }

        from.deserialize_map(OfMap(PhantomData))
    }
}

/// What is wrong with a body, in words that hold nothing of it: where, and what was expected there.
fn explain(path: &str, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        let place = format!("line {}, column {}", error.line(), error.column());
        return Problem::bad_request("invalid_json", format!("The body is not valid JSON ({place})"));
    }
    let text = error.to_string();
    // After the last "expected" comes serde's own text; before it may come the client's.
    let expected = text.rsplit_once("expected ").map(|(_, expected)| expected);
    let expected = expected.map(|expected| expected.split(" at line ").next().unwrap_or_default());
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let field = match (path, missing) {
        (".", Some(field)) => field.to_owned(),
        (path, Some(field)) => format!("{path}.{field}"),
        (".", None) => "the body".to_owned(),
        (path, None) => path.to_owned(),
    };
    let sentence = match (missing, expected) {
        (Some(_), _) => format!("{field} is required"),
        (None, Some(expected)) => format!("{field} must be {}", plain_words(expected)),
        (None, None) => format!("{field} is not as it should be"),
    };
    Problem { details: Some(json!({ "field": field })), ..Problem::bad_request("invalid_request", sentence) }
}

/// Serde's words for a type, as somebody says them who writes JSON.
fn plain_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        expected if expected.starts_with("struct ") => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        expected => expected,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its parsing matters")]
    struct Sample {
        #[serde(default)]
        list: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its parsing matters")]
    struct Item {
        number: u8,
    }

    fn sentence(body: &str) -> String {
        parse::<Sample>(body.as_bytes()).unwrap_err().error.into_owned()
    }

    #[test]
    fn the_place_and_the_expectation_are_told() {
        assert_eq!(
            sentence(r#"{"list":[{"number":1},{"number":"secret, expected x"}]}"#),
            "list[1].number must be a whole number"
        );
        assert_eq!(sentence(r#"{"list":[{}]}"#), "list[0].number is required");
        assert_eq!(sentence(r#"{"list":5}"#), "list must be a list");
        assert_eq!(sentence(r#"{"list":["x"]}"#), "list[0] must be an object");
        assert_eq!(sentence("[1]"), "the body must be a JSON object");
        assert_eq!(sentence("{"), "The body is not valid JSON (line 1, column 1)");
        assert_eq!(sentence("{} trailing"), "The body is not valid JSON (line 1, column 4)");
    }

    #[test]
    fn media_types_are_compared_without_case_and_parameters() {
        for media_type in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(media_type), "{media_type}");
        }
        for media_type in ["text/plain", "application/jsonp", "text/json+x", ""] {
            assert!(!is_json(media_type), "{media_type}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sent_is_never_repeated(secret in "[a-z]{12}", shape in 0..4) {
            let body = match shape {
                0 => format!(r#"{{"list":[{{"number":"{secret}"}}]}}"#),
                1 => format!(r#"{{"list":"{secret}"}}"#),
                2 => format!(r#"{{"list":[{secret}]}}"#),
                _ => format!("\"{secret}\""),
            };
            prop_assert!(!sentence(&body).contains(&secret));
        }
    }
}
