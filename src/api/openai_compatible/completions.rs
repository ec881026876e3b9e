//! `POST /v1/chat/completions`: a turn in OpenAI's form.

use poem::{Request, web::Data};
use poem_openapi::OpenApi;

use super::{
    answer::Completion,
    chunks::CompletionChunks,
    error::OpenAiErrorBody,
    request::{CompletionRequest, MAX_BODY_BYTES},
};
use crate::api::{
    AppState, Group,
    caller::{AskedFrom, RequiredApiKey},
    json::Json,
    problem::failures,
    request_context::RequestContext,
    text_header::TextHeader,
    turn::{Reply, TurnHeaders, start_formatted_turn},
};

failures! { CompletionFailure, of a turn with OpenAiErrorBody {
    400 "The request is invalid: its body (`invalid_json`, `body_incomplete`), a parameter (`invalid_request`, `message_required`), or one that is not \
         supported (`unsupported_parameter`), an image (`invalid_image`, `image_not_public`), the session id (`invalid_session_id`), the \
         `Idempotency-Key` (`invalid_idempotency_key`), the model at its provider (`model_not_found`), the length of the conversation \
         (`prompt_too_long`), or its content (`request_refused`, `answer_withheld`).",
    401 "There is no API key of this server (`api_key_required`), or it is unknown or revoked (`api_key_unknown`, \
         `api_key_revoked`), or the `Authorization` header is malformed (`token_invalid`).",
    404 "There is no such model for this API key (`model_not_found`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered, and is not run again \
         (`turn_interrupted`).",
    413 "The body is larger than 32 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

pub(in crate::api) struct CompletionsApi;

#[OpenApi(prefix_path = "/v1", tag = "Group::OpenAICompatible")]
impl CompletionsApi {
    /// Ask the model, in OpenAI's form
    ///
    /// Starts the same turn as `POST /api/chat`, with the requests, answers and errors of OpenAI's Chat Completions, for its SDKs.
    /// It needs an API key of this server. A persona (`persona/ID`) answers by its own prompt, which the system messages of the
    /// request follow; a model answers without a persona.
    ///
    /// With `"stream": true` the response is a stream of Server-Sent Events without names: each `data` is a chunk
    /// (`chat.completion.chunk`), an `error` as in other responses, or, as the last one of an answer, `[DONE]`. With
    /// `stream_options.include_usage` the numbers of tokens come before that, in a chunk without choices.
    ///
    /// Errors have the header `x-should-retry`, by which the SDKs repeat only what may be repeated. Requests with the same
    /// `Idempotency-Key` within a day run one turn.
    #[oai(path = "/chat/completions", method = "post", operation_id = "createChatCompletion")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn create(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        RequiredApiKey(identity): RequiredApiKey,
        /// The session of this turn.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<CompletionRequest, MAX_BODY_BYTES>,
    ) -> Result<Reply<Completion, CompletionChunks>, CompletionFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let chunks = CompletionChunks::new(state.clock.now().as_second(), body.includes_usage());
        let turn = body.into_turn_request(state, headers, context, from, &identity)?;
        let whole = |text, summary, reader: &_| Ok(Completion::new(text, summary, reader));
        Ok(start_formatted_turn(state, turn, whole, chunks).await?)
    }
}
