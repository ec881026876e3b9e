//! The endpoint for a turn about an image, which may be a file of a form: `POST /api/chat/image`.

use poem::{Request, RequestBody, web::Data};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, Object, OpenApi,
    payload::Payload,
    registry::{MetaRequest, Registry},
    types::Example,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::request::{ChatRequest, MAX_BODY_BYTES};
use crate::{
    api::{
        AppState, Group,
        caller::{AskedFrom, Identity},
        form::{Field, FieldValue, Form},
        json::{Json, from_value, is_json, read_body},
        personas::answering_persona,
        problem::{Problem, failures},
        request_context::RequestContext,
        text_header::TextHeader,
        turn::{ChatAnswer, Reply, TurnHeaders, start_turn},
    },
    domain::{chat::Image, errors::requests},
    foundation::surrogates::replace_lone,
    services::turn::Reader,
};

failures! { ImageFailure, of a turn {
    400 "The request is invalid: its body (`invalid_json`, `body_incomplete`), there is no image (`image_required`), or it is none that \
         models see (`invalid_image`, `image_not_public`), the form (`invalid_form`), a field (`invalid_request`), the session id \
         (`invalid_session_id`), the `Idempotency-Key` (`invalid_idempotency_key`), the model (`model_not_allowed`, \
         `model_not_found`), the persona (`persona_not_found`), its length (`prompt_too_long`), or its content \
         (`request_refused`, `answer_withheld`).",
    401 "The token is invalid, expired or revoked (`token_invalid`, `token_expired`, `token_ended`); \
         the API key of a server is unknown or revoked (`api_key_unknown`, \
         `api_key_revoked`); there are sites, and the request has no ticket (`ticket_required`); the ticket is not valid, \
         expired, or of another page (`ticket_invalid`, `ticket_expired`, `ticket_of_other_page`); or the model's provider refuses the \
         API key, even after a refresh (`invalid_api_key`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered, and is not run again \
         (`turn_interrupted`).",
    413 "The body is larger than 32 MiB (`body_too_large`), or the question is, of a visitor without an account, larger than the \
         operator allows (`input_too_large`).",
    415 "The body is neither JSON nor a form (`unsupported_media_type`).",
} }

/// The answer of a turn about an image.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct ImageAnswer {
    /// The question about the image.
    question: String,
    #[serde(flatten)]
    #[oai(flatten)]
    answer: ChatAnswer,
}

/// The request body of a turn about an image: JSON, or one of the two kinds of forms.
struct ImageQuestion(ChatRequest);

pub(in crate::api) struct ChatImageApi;

#[OpenApi(prefix_path = "/api", tag = "Group::Chat")]
impl ChatImageApi {
    /// Ask about an image
    ///
    /// The same turn as `POST /api/chat`, with an image and by default the question `What is in this image?`. Besides
    /// JSON it takes forms, `multipart/form-data` and `application/x-www-form-urlencoded`, with the same fields: there
    /// `image` may be a file, `history` and `attached_files` are JSON.
    #[oai(path = "/chat/image", method = "post", operation_id = "chatImage")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn chat_image(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        identity: Identity,
        /// The session of this turn.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        ImageQuestion(body): ImageQuestion,
    ) -> Result<Reply<ImageAnswer>, ImageFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let (body, question) = body.about_image()?;
        let persona = answering_persona(state, identity.tenant().as_ref(), body.persona())?;
        let turn_request = body.into_turn_request(state, headers, context, from, &identity, persona)?;
        let answer = |text, summary, reader: &Reader| {
            let answer = ChatAnswer::new(text, summary, reader, &state.clock).with_aliases();
            Ok(ImageAnswer { question: reader.masked_question().unwrap_or(question), answer })
        };
        Ok(start_turn(state, turn_request, answer).await?)
    }
}

impl<'a> ApiExtractor<'a> for ImageQuestion {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Json<ChatRequest> as Payload>::register(registry);
    }

    /// Declares the JSON body only: generators of clients support one media type for each operation.
    fn request_meta() -> Option<MetaRequest> {
        <Json<ChatRequest> as ApiExtractor>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let media_type = request.content_type().unwrap_or_default();
        if is_json(media_type) {
            let Json(body) = Json::<ChatRequest, MAX_BODY_BYTES>::from_request(request, body, options).await?;
            return Ok(Self(body));
        }
        let form = Form::from_content_type(media_type)?.ok_or_else(neither_json_nor_form)?;
        let is_url_encoded = form == Form::UrlEncoded;
        let fields = form.parse(read_body(request, body, MAX_BODY_BYTES).await?).await?;
        Ok(Self(from_value(object(fields, is_url_encoded)?)?))
    }
}

fn neither_json_nor_form() -> Problem {
    Problem::new(&requests::NEITHER_JSON_NOR_FORM)
}

/// Converts the fields of a form to the equivalent JSON object. Blank fields are omitted.
fn object(fields: Vec<Field>, is_url_encoded: bool) -> Result<Value, Problem> {
    let mut object = Map::new();
    for Field { name, value } in fields {
        if value.is_blank() {
            continue;
        }
        let value = match value {
            FieldValue::File(bytes) if name == "image" => Value::String(image_file(&bytes)?),
            FieldValue::File(_) => return Err(invalid_field(&name, "A file is only read from the field `image`")),
            // Neither base64 nor a URL has spaces: they were plus signs that the client did not escape.
            FieldValue::Text(text) if is_url_encoded && is_image(&name) => Value::String(text.replace(' ', "+")),
            FieldValue::Text(text) => typed(&name, text)?,
        };
        if object.contains_key(&name) {
            return Err(invalid_field(&name, "A field of the form was sent more than once"));
        }
        object.insert(name, value);
    }
    Ok(Value::Object(object))
}

fn is_image(name: &str) -> bool {
    matches!(name, "image" | "image_url")
}

/// Returns the image of a file as a URL. Some clients send a file with the image's base64 text.
fn image_file(bytes: &[u8]) -> Result<String, Problem> {
    let of_text = || Some(Image::read(std::str::from_utf8(bytes).ok()?).ok()?.url().to_owned());
    Ok(Image::data_url(bytes).or_else(|invalid| of_text().ok_or(invalid))?)
}

/// Converts the text of a field to a JSON value of the field's type. Deserialization later refuses an invalid flag.
fn typed(name: &str, text: String) -> Result<Value, Problem> {
    let value = match (name, text.trim()) {
        ("stream" | "isGuest" | "is_guest", flag) => match flag.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Some(Value::Bool(true)),
            "false" | "0" | "off" | "no" => Some(Value::Bool(false)),
            _ => None,
        },
        ("history" | "attached_files", list) => Some(parse(name, list)?),
        _ => None,
    };
    Ok(value.unwrap_or(Value::String(text)))
}

/// Parses the JSON in the text of a field by the same rules as a body.
fn parse(name: &str, text: &str) -> Result<Value, Problem> {
    serde_json::from_slice(&replace_lone(text.as_bytes())).map_err(|_| {
        let sentence = format!("{name} is not valid JSON");
        Problem::new(&requests::INVALID_JSON).with_sentence(sentence).with_field(name)
    })
}

fn invalid_field(name: &str, error: &'static str) -> Problem {
    Problem::new(&requests::INVALID_REQUEST).with_sentence(error).with_field(name)
}

impl Example for ImageAnswer {
    fn example() -> Self {
        Self { question: "What is in this image?".to_owned(), answer: ChatAnswer::example().with_aliases() }
    }
}
