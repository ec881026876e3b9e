//! The endpoints in OpenAI's form, for its SDKs and whatever builds on them: `POST /v1/chat/completions`, which starts the same
//! turns as `POST /api/chat`, and `GET /v1/models`. Their errors have OpenAI's form, too.

mod answer;
mod chunks;
mod completions;
mod content;
mod error;
mod known_fields;
mod message;
mod model_path;
mod models;
mod named_model;
mod refusal;
mod request;
mod response_format;
mod text_or_list;

pub(super) use self::{
    completions::CompletionsApi,
    error::{add_retry_header, error_body, is_openai_compatible},
    model_path::escape_model,
    models::OpenAiModelsApi,
};
