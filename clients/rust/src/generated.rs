#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{ClientHooks, OperationInfo, RequestBuilderExt, encode_path};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///An account.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Account {
        ///The time of the registration, RFC 3339.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The account's e-mail address.
        pub email: ::std::string::String,
        ///The account's id.
        pub id: ::std::num::NonZeroU64,
        ///The account's name, as it was registered.
        pub username: ::std::string::String,
    }

    ///A page that an answer is based on, as the owner's context hook names it.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct AnswerSource {
        ///The title, plain text of at most 200 characters.
        pub title: ::std::string::String,
        ///The address, `http` or `https`.
        pub url: ::std::string::String,
    }

    ///An attached text file.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct AttachedFile {
        ///The file's text.
        pub content: ::std::string::String,
        ///The file's name; `file` if it is missing.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }

    ///The state of a circuit breaker: `closed` (the model or hook is called),
    /// `open` (not, after failures), `half_open` (one call tries it).
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum Breaker {
        #[serde(rename = "closed")]
        Closed,
        #[serde(rename = "open")]
        Open,
        #[serde(rename = "half_open")]
        HalfOpen,
    }

    impl ::std::fmt::Display for Breaker {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Closed => f.write_str("closed"),
                Self::Open => f.write_str("open"),
                Self::HalfOpen => f.write_str("half_open"),
            }
        }
    }

    impl ::std::str::FromStr for Breaker {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "closed" => Ok(Self::Closed),
                "open" => Ok(Self::Open),
                "half_open" => Ok(Self::HalfOpen),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for Breaker {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for Breaker {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A change of an account's password.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChangePasswordRequest {
        ///The current password.
        pub current_password: ::std::string::String,
        ///The new password: at least 6 characters.
        pub new_password: ::std::string::String,
    }

    ///A stored chat with its messages.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Chat {
        ///The time of its creation, RFC 3339.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The chat's number.
        pub id: ::std::num::NonZeroU64,
        ///The number of messages, of user and model together.
        pub message_count: u64,
        ///The messages, the oldest first.
        pub messages: ::std::vec::Vec<Message>,
        ///The id of the persona that answers in this chat; left out if no
        /// persona is set.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///The chat's title.
        pub title: ::std::string::String,
        ///The time of the latest message, or of the latest renaming or
        /// clearing, RFC 3339.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The account that owns the chat.
        pub user_id: ::std::num::NonZeroU64,
    }

    ///The answer of a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatAnswer {
        ///In a stored chat, the number of the answer's message.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ai_response_id: ::std::option::Option<::std::num::NonZeroU64>,
        pub finish_reason: ReceivedFinishReason,
        ///The text of the answer.
        pub message: ::std::string::String,
        ///The model that answered; `basic` is the built-in responder.
        pub model: ::std::string::String,
        ///A sentence about an answer that the owner's guard has cut off
        /// (`content_filter`), to be shown below it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub notice: ::std::option::Option<::std::string::String>,
        ///The same as `message`; only in whole answers to an account, or about
        /// an image.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reply: ::std::option::Option<::std::string::String>,
        ///The id of the request that started the turn, as in its
        /// `X-Request-Id`.
        pub request_id: ::std::string::String,
        ///The same as `message`; only in whole answers to an account, or about
        /// an image.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub response: ::std::option::Option<::std::string::String>,
        ///The session that the client named.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///The pages that the answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///The time of the answer, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The tokens of the turn.
        pub usage: Usage,
        ///In a stored chat, the number of the message that was answered.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user_message_id: ::std::option::Option<::std::num::NonZeroU64>,
    }

    ///A chat completion: the answer of a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletion {
        ///The only answer.
        pub choices: ::std::vec::Vec<ChatCompletionChoice>,
        ///The time of the answer, in seconds since 1970.
        pub created: i64,
        ///`chatcmpl-` and the id of the turn, which is the request's id.
        pub id: ::std::string::String,
        ///The model that answered; `basic` is the built-in responder.
        pub model: ::std::string::String,
        ///Always `chat.completion`.
        pub object: ChatCompletionObject,
        ///The tokens of the turn.
        pub usage: ChatCompletionUsage,
    }

    ///An answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionChoice {
        ///How the answer ended.
        pub finish_reason: ChatCompletionFinishReason,
        ///Always 0.
        pub index: u32,
        ///Always null.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub logprobs: ::std::option::Option<bool>,
        ///The answer's message.
        pub message: ChatCompletionMessage,
    }

    ///A part of a message's content.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionContentPart {
        ///The image of a part `image_url`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_url: ::std::option::Option<ChatCompletionImageUrl>,
        ///The text of a part `text`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub text: ::std::option::Option<::std::string::String>,
        ///`text` or `image_url`.
        #[serde(rename = "type")]
        pub type_: ChatCompletionContentPartType,
    }

    ///The kind of a part.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionContentPartType {
        #[serde(rename = "text")]
        Text,
        #[serde(rename = "image_url")]
        ImageUrl,
    }

    impl ::std::fmt::Display for ChatCompletionContentPartType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Text => f.write_str("text"),
                Self::ImageUrl => f.write_str("image_url"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionContentPartType {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "text" => Ok(Self::Text),
                "image_url" => Ok(Self::ImageUrl),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionContentPartType {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionContentPartType {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///How an answer ended: `stop`, when the model said so; `length`, at its
    /// limit of tokens, or where it was stopped; `content_filter`, where
    /// the filter of the provider or the owner's guard cut it off.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionFinishReason {
        #[serde(rename = "stop")]
        Stop,
        #[serde(rename = "length")]
        Length,
        #[serde(rename = "content_filter")]
        ContentFilter,
    }

    impl ::std::fmt::Display for ChatCompletionFinishReason {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Stop => f.write_str("stop"),
                Self::Length => f.write_str("length"),
                Self::ContentFilter => f.write_str("content_filter"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionFinishReason {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "stop" => Ok(Self::Stop),
                "length" => Ok(Self::Length),
                "content_filter" => Ok(Self::ContentFilter),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionFinishReason {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionFinishReason {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The resolution at which a model reads an image: `low`, `high`, or chosen
    /// by the provider (`auto`).
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionImageDetail {
        #[serde(rename = "auto")]
        Auto,
        #[serde(rename = "low")]
        Low,
        #[serde(rename = "high")]
        High,
    }

    impl ::std::fmt::Display for ChatCompletionImageDetail {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Auto => f.write_str("auto"),
                Self::Low => f.write_str("low"),
                Self::High => f.write_str("high"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionImageDetail {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "auto" => Ok(Self::Auto),
                "low" => Ok(Self::Low),
                "high" => Ok(Self::High),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionImageDetail {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionImageDetail {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///An image of a message.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionImageUrl {
        ///The resolution at which the model reads the image, which sets the
        /// tokens that the image costs.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub detail: ::std::option::Option<ChatCompletionImageDetail>,
        ///The image: an https address on the public internet, or a data URL
        /// (PNG, JPEG, GIF, WebP; at most 12 MiB).
        pub url: ::std::string::String,
    }

    ///The message of an answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionMessage {
        ///The text.
        pub content: ::std::string::String,
        ///Always null.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub refusal: ::std::option::Option<::std::string::String>,
        ///Always `assistant`.
        pub role: ChatCompletionMessageRole,
    }

    ///The author of an answer.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionMessageRole {
        #[serde(rename = "assistant")]
        Assistant,
    }

    impl ::std::fmt::Display for ChatCompletionMessageRole {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Assistant => f.write_str("assistant"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionMessageRole {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "assistant" => Ok(Self::Assistant),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionMessageRole {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionMessageRole {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///`ChatCompletionObject`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionObject {
        #[serde(rename = "chat.completion")]
        ChatCompletion,
    }

    impl ::std::fmt::Display for ChatCompletionObject {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::ChatCompletion => f.write_str("chat.completion"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionObject {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "chat.completion" => Ok(Self::ChatCompletion),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionObject {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionObject {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A request for a chat completion. Parameters that are not listed here are
    /// refused, except those that are about OpenAI's own service only
    /// (`metadata`, `store`, `service_tier`, `prompt_cache_key`,
    /// `prompt_cache_retention`, `safety_identifier`,
    /// `parallel_tool_calls`), which change nothing.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionRequest {
        ///The penalty of tokens by how often they occurred before.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub frequency_penalty: ::std::option::Option<f64>,
        ///The maximum length of the answer in tokens, without those of
        /// reasoning. The operator's limit may be lower.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub max_completion_tokens: ::std::option::Option<::std::num::NonZeroU32>,
        ///The older name of `max_completion_tokens`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub max_tokens: ::std::option::Option<::std::num::NonZeroU32>,
        ///The conversation, the oldest message first, at most 10,000. The last
        /// message must be the user's.
        pub messages: ::std::vec::Vec<ChatCompletionRequestMessage>,
        ///The kinds of answers: only `text` is supported.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub modalities: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        ///The model that answers: a name from `GET /v1/models`.
        pub model: ::std::string::String,
        ///The number of answers: only 1 is supported.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub n: ::std::option::Option<::std::num::NonZeroU32>,
        ///The penalty of tokens that occurred before.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub presence_penalty: ::std::option::Option<f64>,
        ///How much a reasoning model reasons, such as `low`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reasoning_effort: ::std::option::Option<::std::string::String>,
        ///The format of the answer.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub response_format: ::std::option::Option<ChatCompletionResponseFormat>,
        ///The seed of sampling.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub seed: ::std::option::Option<i64>,
        ///The texts at which the answer ends: one, or a list of at most four.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stop: ::std::option::Option<ChatCompletionRequestStop>,
        ///Whether the response is a stream.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream: ::std::option::Option<bool>,
        ///The options of a stream.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream_options: ::std::option::Option<ChatCompletionStreamOptions>,
        ///The sampling temperature.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub temperature: ::std::option::Option<f64>,
        ///The share of the most probable tokens that are sampled.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub top_p: ::std::option::Option<f64>,
        ///The name of the user who asks, for the log and the usage records.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user: ::std::option::Option<::std::string::String>,
    }

    ///A message of a request.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionRequestMessage {
        ///The text of the message, or its parts. Only messages of the user may
        /// have images.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub content: ::std::option::Option<ChatCompletionRequestMessageContent>,
        ///The author.
        pub role: ChatCompletionRequestRole,
    }

    ///The text of the message, or its parts. Only messages of the user may
    /// have images.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum ChatCompletionRequestMessageContent {
        String(::std::string::String),
        Array(::std::vec::Vec<ChatCompletionContentPart>),
    }

    impl ::std::convert::From<::std::vec::Vec<ChatCompletionContentPart>> for ChatCompletionRequestMessageContent {
        fn from(value: ::std::vec::Vec<ChatCompletionContentPart>) -> Self {
            Self::Array(value)
        }
    }

    ///The author of a message: `system` and `developer` are the same here.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionRequestRole {
        #[serde(rename = "system")]
        System,
        #[serde(rename = "developer")]
        Developer,
        #[serde(rename = "user")]
        User,
        #[serde(rename = "assistant")]
        Assistant,
    }

    impl ::std::fmt::Display for ChatCompletionRequestRole {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::System => f.write_str("system"),
                Self::Developer => f.write_str("developer"),
                Self::User => f.write_str("user"),
                Self::Assistant => f.write_str("assistant"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionRequestRole {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "system" => Ok(Self::System),
                "developer" => Ok(Self::Developer),
                "user" => Ok(Self::User),
                "assistant" => Ok(Self::Assistant),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionRequestRole {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionRequestRole {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The texts at which the answer ends: one, or a list of at most four.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum ChatCompletionRequestStop {
        String(::std::string::String),
        Array(::std::vec::Vec<::std::string::String>),
    }

    impl ::std::convert::From<::std::vec::Vec<::std::string::String>> for ChatCompletionRequestStop {
        fn from(value: ::std::vec::Vec<::std::string::String>) -> Self {
            Self::Array(value)
        }
    }

    ///The format of the answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionResponseFormat {
        ///The schema with its `name`, as the model's provider reads it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub json_schema: ::std::option::Option<::serde_json::Value>,
        ///Text, any JSON object, or JSON of a schema.
        #[serde(rename = "type")]
        pub type_: ChatCompletionResponseFormatType,
    }

    ///The kind of a format: `text`, any JSON object, or JSON of a schema.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatCompletionResponseFormatType {
        #[serde(rename = "text")]
        Text,
        #[serde(rename = "json_object")]
        JsonObject,
        #[serde(rename = "json_schema")]
        JsonSchema,
    }

    impl ::std::fmt::Display for ChatCompletionResponseFormatType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Text => f.write_str("text"),
                Self::JsonObject => f.write_str("json_object"),
                Self::JsonSchema => f.write_str("json_schema"),
            }
        }
    }

    impl ::std::str::FromStr for ChatCompletionResponseFormatType {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "text" => Ok(Self::Text),
                "json_object" => Ok(Self::JsonObject),
                "json_schema" => Ok(Self::JsonSchema),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatCompletionResponseFormatType {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatCompletionResponseFormatType {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The options of a stream.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct ChatCompletionStreamOptions {
        ///Whether the numbers of tokens follow the answer, in a chunk of their
        /// own.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub include_usage: ::std::option::Option<bool>,
    }

    ///The tokens of a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatCompletionUsage {
        ///Tokens of the answer.
        pub completion_tokens: u64,
        ///Tokens of the prompt.
        pub prompt_tokens: u64,
        ///The sum of both.
        pub total_tokens: u64,
    }

    ///A piece of the answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatDelta {
        ///The next piece of the answer, to be appended to the earlier ones.
        pub content: ::std::string::String,
    }

    ///A piece of the answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatDeltaEvent {
        ///The piece of the answer.
        pub data: ChatDelta,
        ///The event's name.
        pub event: ChatDeltaEventName,
        ///The event's number in the stream, from 1.
        pub id: ::std::num::NonZeroU64,
    }

    ///`ChatDeltaEventName`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatDeltaEventName {
        #[serde(rename = "delta")]
        Delta,
    }

    impl ::std::fmt::Display for ChatDeltaEventName {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Delta => f.write_str("delta"),
            }
        }
    }

    impl ::std::str::FromStr for ChatDeltaEventName {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "delta" => Ok(Self::Delta),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatDeltaEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatDeltaEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The answer is complete, or was stopped; the last event.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatDoneEvent {
        ///The same as the whole answer.
        pub data: ChatAnswer,
        ///The event's name.
        pub event: ChatDoneEventName,
        ///The event's number in the stream, from 1.
        pub id: ::std::num::NonZeroU64,
    }

    ///`ChatDoneEventName`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatDoneEventName {
        #[serde(rename = "done")]
        Done,
    }

    impl ::std::fmt::Display for ChatDoneEventName {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Done => f.write_str("done"),
            }
        }
    }

    impl ::std::str::FromStr for ChatDoneEventName {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "done" => Ok(Self::Done),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatDoneEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatDoneEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The turn failed; the last event.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatErrorEvent {
        ///The same as the body of an error.
        pub data: ErrorBody,
        ///The event's name.
        pub event: ChatErrorEventName,
        ///The event's number in the stream, from 1.
        pub id: ::std::num::NonZeroU64,
    }

    ///`ChatErrorEventName`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatErrorEventName {
        #[serde(rename = "error")]
        Error,
    }

    impl ::std::fmt::Display for ChatErrorEventName {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Error => f.write_str("error"),
            }
        }
    }

    impl ::std::str::FromStr for ChatErrorEventName {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "error" => Ok(Self::Error),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatErrorEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatErrorEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///One event of a stream, read from its lines `id`, `event` and `data`; the
    /// data is JSON in one line.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum ChatEvent {
        StartEvent(ChatStartEvent),
        DeltaEvent(ChatDeltaEvent),
        DoneEvent(ChatDoneEvent),
        ErrorEvent(ChatErrorEvent),
    }

    impl ::std::convert::From<ChatStartEvent> for ChatEvent {
        fn from(value: ChatStartEvent) -> Self {
            Self::StartEvent(value)
        }
    }

    impl ::std::convert::From<ChatDeltaEvent> for ChatEvent {
        fn from(value: ChatDeltaEvent) -> Self {
            Self::DeltaEvent(value)
        }
    }

    impl ::std::convert::From<ChatDoneEvent> for ChatEvent {
        fn from(value: ChatDoneEvent) -> Self {
            Self::DoneEvent(value)
        }
    }

    impl ::std::convert::From<ChatErrorEvent> for ChatEvent {
        fn from(value: ChatErrorEvent) -> Self {
            Self::ErrorEvent(value)
        }
    }

    ///A question to the model. A message, a file or an image is required.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct ChatRequest {
        ///The text of one attached file, the older form. It is added to
        /// `attached_files`, unless it is one of them.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub attached_content: ::std::option::Option<::std::string::String>,
        ///The name of the file in `attached_content`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub attached_filename: ::std::option::Option<::std::string::String>,
        ///Text files that the visitor has attached, at most 10,000.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub attached_files: ::std::option::Option<::std::vec::Vec<AttachedFile>>,
        ///The earlier messages of the conversation, the oldest first. Of more
        /// than 10,000 the last ones are read.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub history: ::std::option::Option<::std::vec::Vec<HistoryEntry>>,
        ///An image for models with vision (PNG, JPEG, GIF, WebP; at most 12
        /// MiB): an https address on the public internet, a data URL,
        /// or base64 alone. The images of one turn are on at most 16 different
        /// hosts.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image: ::std::option::Option<::std::string::String>,
        ///The same as `image`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_url: ::std::option::Option<::std::string::String>,
        ///Whether the visitor is a guest. Without a user name it is always
        /// true.
        #[serde(rename = "isGuest", skip_serializing_if = "::std::option::Option::is_none")]
        pub is_guest: ::std::option::Option<bool>,
        ///The visitor's message.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
        ///The model that answers, one of the models that the operator allows.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub model: ::std::option::Option<::std::string::String>,
        ///The id of the persona that answers, from `GET /api/personas`;
        /// without one, the persona that the operator has
        /// chosen answers, or the model without a persona.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///The same as `message`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub question: ::std::option::Option<::std::string::String>,
        ///The session of this turn. The header `X-Session-ID` takes
        /// precedence.
        #[serde(rename = "sessionId", skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///Whether the response is a stream of events; without this field,
        /// `Accept` decides.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream: ::std::option::Option<bool>,
        ///The same as `message`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub text: ::std::option::Option<::std::string::String>,
        ///The visitor's name at the site.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub username: ::std::option::Option<::std::string::String>,
        ///The transcript of a voice recording. It is added to the message, or
        /// replaces an empty one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub voice_text: ::std::option::Option<::std::string::String>,
    }

    ///The start of a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatStart {
        ///The model that is called. If a fallback answers instead, `done`
        /// names it.
        pub model: ::std::string::String,
        ///The turn's id, which stop and resume need: the id of the request
        /// that started it.
        pub request_id: ::std::string::String,
        ///The session that the client named.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
    }

    ///The start of a turn: the first event, unless the turn failed before.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatStartEvent {
        ///The id of the turn, and the model.
        pub data: ChatStart,
        ///The event's name.
        pub event: ChatStartEventName,
        ///The event's number in the stream, from 1.
        pub id: ::std::num::NonZeroU64,
    }

    ///`ChatStartEventName`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ChatStartEventName {
        #[serde(rename = "start")]
        Start,
    }

    impl ::std::fmt::Display for ChatStartEventName {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Start => f.write_str("start"),
            }
        }
    }

    impl ::std::str::FromStr for ChatStartEventName {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "start" => Ok(Self::Start),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ChatStartEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ChatStartEventName {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A stored chat without its messages.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ChatSummary {
        ///The time of its creation, RFC 3339.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The chat's number.
        pub id: ::std::num::NonZeroU64,
        ///The number of messages, of user and model together.
        pub message_count: u64,
        ///The id of the persona that answers in this chat; left out if no
        /// persona is set.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///The chat's title.
        pub title: ::std::string::String,
        ///The time of the latest message, or of the latest renaming or
        /// clearing, RFC 3339.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The account that owns the chat.
        pub user_id: ::std::num::NonZeroU64,
    }

    ///The confirmation of an operation.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Confirmation {
        ///The confirmation as a sentence.
        pub message: ::std::string::String,
    }

    ///The properties of a new chat, all of them optional.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct CreateChatRequest {
        ///The id of the persona that answers in this chat, from `GET
        /// /api/personas`; without one, the persona that the operator
        /// has chosen answers, or the model without a persona.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///1 to 200 characters in one line. Without one, the chat is called
        /// `New Chat` until its first message gives it a title.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub title: ::std::option::Option<::std::string::String>,
    }

    ///The source of a key: Papita, this server's settings, or none.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum CredentialSource {
        #[serde(rename = "papita_api")]
        PapitaApi,
        #[serde(rename = "local_env")]
        LocalEnv,
        #[serde(rename = "none")]
        None,
    }

    impl ::std::fmt::Display for CredentialSource {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::PapitaApi => f.write_str("papita_api"),
                Self::LocalEnv => f.write_str("local_env"),
                Self::None => f.write_str("none"),
            }
        }
    }

    impl ::std::str::FromStr for CredentialSource {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "papita_api" => Ok(Self::PapitaApi),
                "local_env" => Ok(Self::LocalEnv),
                "none" => Ok(Self::None),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for CredentialSource {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for CredentialSource {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The source of the key. No part of the key is shown.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct CredentialsInfo {
        ///The source of the key.
        pub credential_source: CredentialSource,
        ///Whether there is a `.env` file.
        pub env_file_exists: bool,
        ///The length of the key, in bytes.
        pub openai_api_key_length: u64,
        ///A fingerprint that differs from key to key, and that `al-chat check`
        /// shows too; no character of the key.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub openai_api_key_prefix: ::std::option::Option<::std::string::String>,
        ///Whether a key is set.
        pub openai_api_key_set: bool,
        ///The model that is used when a client names none.
        pub openai_model: ::std::string::String,
        ///Papita's address.
        pub papita_api_url: ::std::string::String,
    }

    ///The figures of a day.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct DayFigures {
        ///The day in the log's time zone.
        pub date: ::std::string::String,
        ///The figures of its turns.
        pub figures: LogReportFigures,
    }

    ///A ticket.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct EmbedTicket {
        ///The seconds for which the ticket is valid.
        pub expires_in: u64,
        ///The ticket, for `Authorization: Bearer …`. It is for the page that
        /// has requested it.
        pub ticket: ::std::string::String,
    }

    ///The body of every error.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ErrorBody {
        pub code: ReceivedErrorCode,
        ///Further data for programs, depending on the code.
        #[serde(default, skip_serializing_if = "::serde_json::Map::is_empty")]
        pub details: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ///A sentence for people: what happened, and what to do.
        pub error: ::std::string::String,
        ///The same sentence, in errors about an access token.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub msg: ::std::option::Option<::std::string::String>,
        ///The request's id, as in `X-Request-Id`; quote it when asking for
        /// help.
        pub request_id: ::std::string::String,
        ///Always false; only in errors of the portal.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub success: ::std::option::Option<bool>,
    }

    ///The code of an error, for programs. Codes are never renamed; later
    /// versions may add some.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ErrorCode {
        #[serde(rename = "answer_withheld")]
        AnswerWithheld,
        #[serde(rename = "api_key_not_accepted")]
        ApiKeyNotAccepted,
        #[serde(rename = "api_key_required")]
        ApiKeyRequired,
        #[serde(rename = "api_key_revoked")]
        ApiKeyRevoked,
        #[serde(rename = "api_key_unknown")]
        ApiKeyUnknown,
        #[serde(rename = "bad_request")]
        BadRequest,
        #[serde(rename = "bearer_not_accepted")]
        BearerNotAccepted,
        #[serde(rename = "body_incomplete")]
        BodyIncomplete,
        #[serde(rename = "body_memory_used_up")]
        BodyMemoryUsedUp,
        #[serde(rename = "body_timeout")]
        BodyTimeout,
        #[serde(rename = "body_too_large")]
        BodyTooLarge,
        #[serde(rename = "budget_spent")]
        BudgetSpent,
        #[serde(rename = "chat_busy")]
        ChatBusy,
        #[serde(rename = "chat_changed")]
        ChatChanged,
        #[serde(rename = "chat_not_found")]
        ChatNotFound,
        #[serde(rename = "client_gone")]
        ClientGone,
        #[serde(rename = "content_not_found")]
        ContentNotFound,
        #[serde(rename = "credentials_unavailable")]
        CredentialsUnavailable,
        #[serde(rename = "email_required")]
        EmailRequired,
        #[serde(rename = "email_taken")]
        EmailTaken,
        #[serde(rename = "event_queue_full")]
        EventQueueFull,
        #[serde(rename = "feedback_changes_used_up")]
        FeedbackChangesUsedUp,
        #[serde(rename = "feedback_limit_reached")]
        FeedbackLimitReached,
        #[serde(rename = "foreign_origin")]
        ForeignOrigin,
        #[serde(rename = "guard_unavailable")]
        GuardUnavailable,
        #[serde(rename = "handover_limit_reached")]
        HandoverLimitReached,
        #[serde(rename = "handover_not_available")]
        HandoverNotAvailable,
        #[serde(rename = "headers_too_large")]
        HeadersTooLarge,
        #[serde(rename = "http_version_not_supported")]
        HttpVersionNotSupported,
        #[serde(rename = "idempotency_key_reused")]
        IdempotencyKeyReused,
        #[serde(rename = "image_not_public")]
        ImageNotPublic,
        #[serde(rename = "image_required")]
        ImageRequired,
        #[serde(rename = "input_too_large")]
        InputTooLarge,
        #[serde(rename = "internal_error")]
        InternalError,
        #[serde(rename = "invalid_api_key")]
        InvalidApiKey,
        #[serde(rename = "invalid_cursor")]
        InvalidCursor,
        #[serde(rename = "invalid_email")]
        InvalidEmail,
        #[serde(rename = "invalid_form")]
        InvalidForm,
        #[serde(rename = "invalid_host")]
        InvalidHost,
        #[serde(rename = "invalid_idempotency_key")]
        InvalidIdempotencyKey,
        #[serde(rename = "invalid_image")]
        InvalidImage,
        #[serde(rename = "invalid_json")]
        InvalidJson,
        #[serde(rename = "invalid_last_event_id")]
        InvalidLastEventId,
        #[serde(rename = "invalid_request")]
        InvalidRequest,
        #[serde(rename = "invalid_session_id")]
        InvalidSessionId,
        #[serde(rename = "invalid_title")]
        InvalidTitle,
        #[serde(rename = "invalid_transfer_encoding")]
        InvalidTransferEncoding,
        #[serde(rename = "invalid_username")]
        InvalidUsername,
        #[serde(rename = "limit_count_not_found")]
        LimitCountNotFound,
        #[serde(rename = "limit_reached")]
        LimitReached,
        #[serde(rename = "list_memory_used_up")]
        ListMemoryUsedUp,
        #[serde(rename = "malformed_request")]
        MalformedRequest,
        #[serde(rename = "message_not_found")]
        MessageNotFound,
        #[serde(rename = "message_required")]
        MessageRequired,
        #[serde(rename = "message_too_long")]
        MessageTooLong,
        #[serde(rename = "method_not_allowed")]
        MethodNotAllowed,
        #[serde(rename = "model_answer_empty")]
        ModelAnswerEmpty,
        #[serde(rename = "model_answer_too_large")]
        ModelAnswerTooLarge,
        #[serde(rename = "model_answer_unreadable")]
        ModelAnswerUnreadable,
        #[serde(rename = "model_connection_lost")]
        ModelConnectionLost,
        #[serde(rename = "model_failed")]
        ModelFailed,
        #[serde(rename = "model_forbidden")]
        ModelForbidden,
        #[serde(rename = "model_not_allowed")]
        ModelNotAllowed,
        #[serde(rename = "model_not_found")]
        ModelNotFound,
        #[serde(rename = "model_overloaded")]
        ModelOverloaded,
        #[serde(rename = "model_timeout")]
        ModelTimeout,
        #[serde(rename = "model_unavailable")]
        ModelUnavailable,
        #[serde(rename = "model_unreachable")]
        ModelUnreachable,
        #[serde(rename = "no_api_key")]
        NoApiKey,
        #[serde(rename = "not_alive")]
        NotAlive,
        #[serde(rename = "not_failed")]
        NotFailed,
        #[serde(rename = "not_found")]
        NotFound,
        #[serde(rename = "not_ready")]
        NotReady,
        #[serde(rename = "operator_only")]
        OperatorOnly,
        #[serde(rename = "origin_not_listed")]
        OriginNotListed,
        #[serde(rename = "password_required")]
        PasswordRequired,
        #[serde(rename = "password_too_long")]
        PasswordTooLong,
        #[serde(rename = "password_too_short")]
        PasswordTooShort,
        #[serde(rename = "persona_gone")]
        PersonaGone,
        #[serde(rename = "persona_not_found")]
        PersonaNotFound,
        #[serde(rename = "portal_off")]
        PortalOff,
        #[serde(rename = "prompt_too_long")]
        PromptTooLong,
        #[serde(rename = "quota_exhausted")]
        QuotaExhausted,
        #[serde(rename = "rate_limited")]
        RateLimited,
        #[serde(rename = "rejected_by_guard")]
        RejectedByGuard,
        #[serde(rename = "request_refused")]
        RequestRefused,
        #[serde(rename = "session_limit_reached")]
        SessionLimitReached,
        #[serde(rename = "session_log_unavailable")]
        SessionLogUnavailable,
        #[serde(rename = "session_log_unreadable")]
        SessionLogUnreadable,
        #[serde(rename = "site_not_found")]
        SiteNotFound,
        #[serde(rename = "site_paused")]
        SitePaused,
        #[serde(rename = "starting")]
        Starting,
        #[serde(rename = "stopping")]
        Stopping,
        #[serde(rename = "storage_full")]
        StorageFull,
        #[serde(rename = "storage_unavailable")]
        StorageUnavailable,
        #[serde(rename = "text_required")]
        TextRequired,
        #[serde(rename = "ticket_expired")]
        TicketExpired,
        #[serde(rename = "ticket_invalid")]
        TicketInvalid,
        #[serde(rename = "ticket_not_accepted")]
        TicketNotAccepted,
        #[serde(rename = "ticket_of_other_page")]
        TicketOfOtherPage,
        #[serde(rename = "ticket_required")]
        TicketRequired,
        #[serde(rename = "token_ended")]
        TokenEnded,
        #[serde(rename = "token_expired")]
        TokenExpired,
        #[serde(rename = "token_invalid")]
        TokenInvalid,
        #[serde(rename = "token_missing")]
        TokenMissing,
        #[serde(rename = "too_busy")]
        TooBusy,
        #[serde(rename = "too_many_attempts")]
        TooManyAttempts,
        #[serde(rename = "too_many_chats")]
        TooManyChats,
        #[serde(rename = "too_many_registrations")]
        TooManyRegistrations,
        #[serde(rename = "too_many_tickets")]
        TooManyTickets,
        #[serde(rename = "turn_interrupted")]
        TurnInterrupted,
        #[serde(rename = "turn_not_found")]
        TurnNotFound,
        #[serde(rename = "unsupported_media_type")]
        UnsupportedMediaType,
        #[serde(rename = "unsupported_parameter")]
        UnsupportedParameter,
        #[serde(rename = "unsupported_transfer_encoding")]
        UnsupportedTransferEncoding,
        #[serde(rename = "uri_too_long")]
        UriTooLong,
        #[serde(rename = "username_required")]
        UsernameRequired,
        #[serde(rename = "username_taken")]
        UsernameTaken,
        #[serde(rename = "wrong_login")]
        WrongLogin,
        #[serde(rename = "wrong_password")]
        WrongPassword,
    }

    impl ::std::fmt::Display for ErrorCode {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::AnswerWithheld => f.write_str("answer_withheld"),
                Self::ApiKeyNotAccepted => f.write_str("api_key_not_accepted"),
                Self::ApiKeyRequired => f.write_str("api_key_required"),
                Self::ApiKeyRevoked => f.write_str("api_key_revoked"),
                Self::ApiKeyUnknown => f.write_str("api_key_unknown"),
                Self::BadRequest => f.write_str("bad_request"),
                Self::BearerNotAccepted => f.write_str("bearer_not_accepted"),
                Self::BodyIncomplete => f.write_str("body_incomplete"),
                Self::BodyMemoryUsedUp => f.write_str("body_memory_used_up"),
                Self::BodyTimeout => f.write_str("body_timeout"),
                Self::BodyTooLarge => f.write_str("body_too_large"),
                Self::BudgetSpent => f.write_str("budget_spent"),
                Self::ChatBusy => f.write_str("chat_busy"),
                Self::ChatChanged => f.write_str("chat_changed"),
                Self::ChatNotFound => f.write_str("chat_not_found"),
                Self::ClientGone => f.write_str("client_gone"),
                Self::ContentNotFound => f.write_str("content_not_found"),
                Self::CredentialsUnavailable => f.write_str("credentials_unavailable"),
                Self::EmailRequired => f.write_str("email_required"),
                Self::EmailTaken => f.write_str("email_taken"),
                Self::EventQueueFull => f.write_str("event_queue_full"),
                Self::FeedbackChangesUsedUp => f.write_str("feedback_changes_used_up"),
                Self::FeedbackLimitReached => f.write_str("feedback_limit_reached"),
                Self::ForeignOrigin => f.write_str("foreign_origin"),
                Self::GuardUnavailable => f.write_str("guard_unavailable"),
                Self::HandoverLimitReached => f.write_str("handover_limit_reached"),
                Self::HandoverNotAvailable => f.write_str("handover_not_available"),
                Self::HeadersTooLarge => f.write_str("headers_too_large"),
                Self::HttpVersionNotSupported => f.write_str("http_version_not_supported"),
                Self::IdempotencyKeyReused => f.write_str("idempotency_key_reused"),
                Self::ImageNotPublic => f.write_str("image_not_public"),
                Self::ImageRequired => f.write_str("image_required"),
                Self::InputTooLarge => f.write_str("input_too_large"),
                Self::InternalError => f.write_str("internal_error"),
                Self::InvalidApiKey => f.write_str("invalid_api_key"),
                Self::InvalidCursor => f.write_str("invalid_cursor"),
                Self::InvalidEmail => f.write_str("invalid_email"),
                Self::InvalidForm => f.write_str("invalid_form"),
                Self::InvalidHost => f.write_str("invalid_host"),
                Self::InvalidIdempotencyKey => f.write_str("invalid_idempotency_key"),
                Self::InvalidImage => f.write_str("invalid_image"),
                Self::InvalidJson => f.write_str("invalid_json"),
                Self::InvalidLastEventId => f.write_str("invalid_last_event_id"),
                Self::InvalidRequest => f.write_str("invalid_request"),
                Self::InvalidSessionId => f.write_str("invalid_session_id"),
                Self::InvalidTitle => f.write_str("invalid_title"),
                Self::InvalidTransferEncoding => f.write_str("invalid_transfer_encoding"),
                Self::InvalidUsername => f.write_str("invalid_username"),
                Self::LimitCountNotFound => f.write_str("limit_count_not_found"),
                Self::LimitReached => f.write_str("limit_reached"),
                Self::ListMemoryUsedUp => f.write_str("list_memory_used_up"),
                Self::MalformedRequest => f.write_str("malformed_request"),
                Self::MessageNotFound => f.write_str("message_not_found"),
                Self::MessageRequired => f.write_str("message_required"),
                Self::MessageTooLong => f.write_str("message_too_long"),
                Self::MethodNotAllowed => f.write_str("method_not_allowed"),
                Self::ModelAnswerEmpty => f.write_str("model_answer_empty"),
                Self::ModelAnswerTooLarge => f.write_str("model_answer_too_large"),
                Self::ModelAnswerUnreadable => f.write_str("model_answer_unreadable"),
                Self::ModelConnectionLost => f.write_str("model_connection_lost"),
                Self::ModelFailed => f.write_str("model_failed"),
                Self::ModelForbidden => f.write_str("model_forbidden"),
                Self::ModelNotAllowed => f.write_str("model_not_allowed"),
                Self::ModelNotFound => f.write_str("model_not_found"),
                Self::ModelOverloaded => f.write_str("model_overloaded"),
                Self::ModelTimeout => f.write_str("model_timeout"),
                Self::ModelUnavailable => f.write_str("model_unavailable"),
                Self::ModelUnreachable => f.write_str("model_unreachable"),
                Self::NoApiKey => f.write_str("no_api_key"),
                Self::NotAlive => f.write_str("not_alive"),
                Self::NotFailed => f.write_str("not_failed"),
                Self::NotFound => f.write_str("not_found"),
                Self::NotReady => f.write_str("not_ready"),
                Self::OperatorOnly => f.write_str("operator_only"),
                Self::OriginNotListed => f.write_str("origin_not_listed"),
                Self::PasswordRequired => f.write_str("password_required"),
                Self::PasswordTooLong => f.write_str("password_too_long"),
                Self::PasswordTooShort => f.write_str("password_too_short"),
                Self::PersonaGone => f.write_str("persona_gone"),
                Self::PersonaNotFound => f.write_str("persona_not_found"),
                Self::PortalOff => f.write_str("portal_off"),
                Self::PromptTooLong => f.write_str("prompt_too_long"),
                Self::QuotaExhausted => f.write_str("quota_exhausted"),
                Self::RateLimited => f.write_str("rate_limited"),
                Self::RejectedByGuard => f.write_str("rejected_by_guard"),
                Self::RequestRefused => f.write_str("request_refused"),
                Self::SessionLimitReached => f.write_str("session_limit_reached"),
                Self::SessionLogUnavailable => f.write_str("session_log_unavailable"),
                Self::SessionLogUnreadable => f.write_str("session_log_unreadable"),
                Self::SiteNotFound => f.write_str("site_not_found"),
                Self::SitePaused => f.write_str("site_paused"),
                Self::Starting => f.write_str("starting"),
                Self::Stopping => f.write_str("stopping"),
                Self::StorageFull => f.write_str("storage_full"),
                Self::StorageUnavailable => f.write_str("storage_unavailable"),
                Self::TextRequired => f.write_str("text_required"),
                Self::TicketExpired => f.write_str("ticket_expired"),
                Self::TicketInvalid => f.write_str("ticket_invalid"),
                Self::TicketNotAccepted => f.write_str("ticket_not_accepted"),
                Self::TicketOfOtherPage => f.write_str("ticket_of_other_page"),
                Self::TicketRequired => f.write_str("ticket_required"),
                Self::TokenEnded => f.write_str("token_ended"),
                Self::TokenExpired => f.write_str("token_expired"),
                Self::TokenInvalid => f.write_str("token_invalid"),
                Self::TokenMissing => f.write_str("token_missing"),
                Self::TooBusy => f.write_str("too_busy"),
                Self::TooManyAttempts => f.write_str("too_many_attempts"),
                Self::TooManyChats => f.write_str("too_many_chats"),
                Self::TooManyRegistrations => f.write_str("too_many_registrations"),
                Self::TooManyTickets => f.write_str("too_many_tickets"),
                Self::TurnInterrupted => f.write_str("turn_interrupted"),
                Self::TurnNotFound => f.write_str("turn_not_found"),
                Self::UnsupportedMediaType => f.write_str("unsupported_media_type"),
                Self::UnsupportedParameter => f.write_str("unsupported_parameter"),
                Self::UnsupportedTransferEncoding => f.write_str("unsupported_transfer_encoding"),
                Self::UriTooLong => f.write_str("uri_too_long"),
                Self::UsernameRequired => f.write_str("username_required"),
                Self::UsernameTaken => f.write_str("username_taken"),
                Self::WrongLogin => f.write_str("wrong_login"),
                Self::WrongPassword => f.write_str("wrong_password"),
            }
        }
    }

    impl ::std::str::FromStr for ErrorCode {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "answer_withheld" => Ok(Self::AnswerWithheld),
                "api_key_not_accepted" => Ok(Self::ApiKeyNotAccepted),
                "api_key_required" => Ok(Self::ApiKeyRequired),
                "api_key_revoked" => Ok(Self::ApiKeyRevoked),
                "api_key_unknown" => Ok(Self::ApiKeyUnknown),
                "bad_request" => Ok(Self::BadRequest),
                "bearer_not_accepted" => Ok(Self::BearerNotAccepted),
                "body_incomplete" => Ok(Self::BodyIncomplete),
                "body_memory_used_up" => Ok(Self::BodyMemoryUsedUp),
                "body_timeout" => Ok(Self::BodyTimeout),
                "body_too_large" => Ok(Self::BodyTooLarge),
                "budget_spent" => Ok(Self::BudgetSpent),
                "chat_busy" => Ok(Self::ChatBusy),
                "chat_changed" => Ok(Self::ChatChanged),
                "chat_not_found" => Ok(Self::ChatNotFound),
                "client_gone" => Ok(Self::ClientGone),
                "content_not_found" => Ok(Self::ContentNotFound),
                "credentials_unavailable" => Ok(Self::CredentialsUnavailable),
                "email_required" => Ok(Self::EmailRequired),
                "email_taken" => Ok(Self::EmailTaken),
                "event_queue_full" => Ok(Self::EventQueueFull),
                "feedback_changes_used_up" => Ok(Self::FeedbackChangesUsedUp),
                "feedback_limit_reached" => Ok(Self::FeedbackLimitReached),
                "foreign_origin" => Ok(Self::ForeignOrigin),
                "guard_unavailable" => Ok(Self::GuardUnavailable),
                "handover_limit_reached" => Ok(Self::HandoverLimitReached),
                "handover_not_available" => Ok(Self::HandoverNotAvailable),
                "headers_too_large" => Ok(Self::HeadersTooLarge),
                "http_version_not_supported" => Ok(Self::HttpVersionNotSupported),
                "idempotency_key_reused" => Ok(Self::IdempotencyKeyReused),
                "image_not_public" => Ok(Self::ImageNotPublic),
                "image_required" => Ok(Self::ImageRequired),
                "input_too_large" => Ok(Self::InputTooLarge),
                "internal_error" => Ok(Self::InternalError),
                "invalid_api_key" => Ok(Self::InvalidApiKey),
                "invalid_cursor" => Ok(Self::InvalidCursor),
                "invalid_email" => Ok(Self::InvalidEmail),
                "invalid_form" => Ok(Self::InvalidForm),
                "invalid_host" => Ok(Self::InvalidHost),
                "invalid_idempotency_key" => Ok(Self::InvalidIdempotencyKey),
                "invalid_image" => Ok(Self::InvalidImage),
                "invalid_json" => Ok(Self::InvalidJson),
                "invalid_last_event_id" => Ok(Self::InvalidLastEventId),
                "invalid_request" => Ok(Self::InvalidRequest),
                "invalid_session_id" => Ok(Self::InvalidSessionId),
                "invalid_title" => Ok(Self::InvalidTitle),
                "invalid_transfer_encoding" => Ok(Self::InvalidTransferEncoding),
                "invalid_username" => Ok(Self::InvalidUsername),
                "limit_count_not_found" => Ok(Self::LimitCountNotFound),
                "limit_reached" => Ok(Self::LimitReached),
                "list_memory_used_up" => Ok(Self::ListMemoryUsedUp),
                "malformed_request" => Ok(Self::MalformedRequest),
                "message_not_found" => Ok(Self::MessageNotFound),
                "message_required" => Ok(Self::MessageRequired),
                "message_too_long" => Ok(Self::MessageTooLong),
                "method_not_allowed" => Ok(Self::MethodNotAllowed),
                "model_answer_empty" => Ok(Self::ModelAnswerEmpty),
                "model_answer_too_large" => Ok(Self::ModelAnswerTooLarge),
                "model_answer_unreadable" => Ok(Self::ModelAnswerUnreadable),
                "model_connection_lost" => Ok(Self::ModelConnectionLost),
                "model_failed" => Ok(Self::ModelFailed),
                "model_forbidden" => Ok(Self::ModelForbidden),
                "model_not_allowed" => Ok(Self::ModelNotAllowed),
                "model_not_found" => Ok(Self::ModelNotFound),
                "model_overloaded" => Ok(Self::ModelOverloaded),
                "model_timeout" => Ok(Self::ModelTimeout),
                "model_unavailable" => Ok(Self::ModelUnavailable),
                "model_unreachable" => Ok(Self::ModelUnreachable),
                "no_api_key" => Ok(Self::NoApiKey),
                "not_alive" => Ok(Self::NotAlive),
                "not_failed" => Ok(Self::NotFailed),
                "not_found" => Ok(Self::NotFound),
                "not_ready" => Ok(Self::NotReady),
                "operator_only" => Ok(Self::OperatorOnly),
                "origin_not_listed" => Ok(Self::OriginNotListed),
                "password_required" => Ok(Self::PasswordRequired),
                "password_too_long" => Ok(Self::PasswordTooLong),
                "password_too_short" => Ok(Self::PasswordTooShort),
                "persona_gone" => Ok(Self::PersonaGone),
                "persona_not_found" => Ok(Self::PersonaNotFound),
                "portal_off" => Ok(Self::PortalOff),
                "prompt_too_long" => Ok(Self::PromptTooLong),
                "quota_exhausted" => Ok(Self::QuotaExhausted),
                "rate_limited" => Ok(Self::RateLimited),
                "rejected_by_guard" => Ok(Self::RejectedByGuard),
                "request_refused" => Ok(Self::RequestRefused),
                "session_limit_reached" => Ok(Self::SessionLimitReached),
                "session_log_unavailable" => Ok(Self::SessionLogUnavailable),
                "session_log_unreadable" => Ok(Self::SessionLogUnreadable),
                "site_not_found" => Ok(Self::SiteNotFound),
                "site_paused" => Ok(Self::SitePaused),
                "starting" => Ok(Self::Starting),
                "stopping" => Ok(Self::Stopping),
                "storage_full" => Ok(Self::StorageFull),
                "storage_unavailable" => Ok(Self::StorageUnavailable),
                "text_required" => Ok(Self::TextRequired),
                "ticket_expired" => Ok(Self::TicketExpired),
                "ticket_invalid" => Ok(Self::TicketInvalid),
                "ticket_not_accepted" => Ok(Self::TicketNotAccepted),
                "ticket_of_other_page" => Ok(Self::TicketOfOtherPage),
                "ticket_required" => Ok(Self::TicketRequired),
                "token_ended" => Ok(Self::TokenEnded),
                "token_expired" => Ok(Self::TokenExpired),
                "token_invalid" => Ok(Self::TokenInvalid),
                "token_missing" => Ok(Self::TokenMissing),
                "too_busy" => Ok(Self::TooBusy),
                "too_many_attempts" => Ok(Self::TooManyAttempts),
                "too_many_chats" => Ok(Self::TooManyChats),
                "too_many_registrations" => Ok(Self::TooManyRegistrations),
                "too_many_tickets" => Ok(Self::TooManyTickets),
                "turn_interrupted" => Ok(Self::TurnInterrupted),
                "turn_not_found" => Ok(Self::TurnNotFound),
                "unsupported_media_type" => Ok(Self::UnsupportedMediaType),
                "unsupported_parameter" => Ok(Self::UnsupportedParameter),
                "unsupported_transfer_encoding" => Ok(Self::UnsupportedTransferEncoding),
                "uri_too_long" => Ok(Self::UriTooLong),
                "username_required" => Ok(Self::UsernameRequired),
                "username_taken" => Ok(Self::UsernameTaken),
                "wrong_login" => Ok(Self::WrongLogin),
                "wrong_password" => Ok(Self::WrongPassword),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ErrorCode {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ErrorCode {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The format of an exported chat.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ExportFormat {
        #[serde(rename = "json")]
        Json,
        #[serde(rename = "markdown")]
        Markdown,
    }

    impl ::std::fmt::Display for ExportFormat {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Json => f.write_str("json"),
                Self::Markdown => f.write_str("markdown"),
            }
        }
    }

    impl ::std::str::FromStr for ExportFormat {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "json" => Ok(Self::Json),
                "markdown" => Ok(Self::Markdown),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ExportFormat {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ExportFormat {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A rating: `up` for a good answer, `down` for a bad one.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum FeedbackRating {
        #[serde(rename = "up")]
        Up,
        #[serde(rename = "down")]
        Down,
    }

    impl ::std::fmt::Display for FeedbackRating {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Up => f.write_str("up"),
                Self::Down => f.write_str("down"),
            }
        }
    }

    impl ::std::str::FromStr for FeedbackRating {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "up" => Ok(Self::Up),
                "down" => Ok(Self::Down),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for FeedbackRating {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for FeedbackRating {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///Feedback that is recorded.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct FeedbackRecorded {
        ///Whether a comment is kept. It is not if the session log has no
        /// texts, or if those of the turn were erased.
        pub has_comment: bool,
        ///The rating.
        pub rating: FeedbackRating,
        ///The status of the feedback.
        pub status: FeedbackStatus,
        ///Whether a comment on this answer would be kept, so that it makes
        /// sense to ask for one.
        pub takes_comments: bool,
        ///The time of the request, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
    }

    ///What the caller of a turn thinks of its answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct FeedbackRequest {
        ///A comment for the owner of the website: at most 2,000 characters. It
        /// is kept in the session log, if that has texts.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub comment: ::std::option::Option<::std::string::String>,
        ///`up` for a good answer, `down` for a bad one.
        pub rating: FeedbackRating,
    }

    ///Always `recorded`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum FeedbackStatus {
        #[serde(rename = "recorded")]
        Recorded,
    }

    impl ::std::fmt::Display for FeedbackStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Recorded => f.write_str("recorded"),
            }
        }
    }

    impl ::std::str::FromStr for FeedbackStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "recorded" => Ok(Self::Recorded),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for FeedbackStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for FeedbackStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///How an answer ended: `complete`, when the model said so; `length`, at
    /// its limit of tokens; `content_filter`, where the filter of the provider
    /// or the owner's guard cut it off; `stopped` by request; `client_gone`,
    /// when all readers had left; `timeout` or `upstream_error`, when it was
    /// not finished in time, or failed.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum FinishReason {
        #[serde(rename = "complete")]
        Complete,
        #[serde(rename = "length")]
        Length,
        #[serde(rename = "content_filter")]
        ContentFilter,
        #[serde(rename = "client_gone")]
        ClientGone,
        #[serde(rename = "stopped")]
        Stopped,
        #[serde(rename = "upstream_error")]
        UpstreamError,
        #[serde(rename = "timeout")]
        Timeout,
    }

    impl ::std::fmt::Display for FinishReason {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Complete => f.write_str("complete"),
                Self::Length => f.write_str("length"),
                Self::ContentFilter => f.write_str("content_filter"),
                Self::ClientGone => f.write_str("client_gone"),
                Self::Stopped => f.write_str("stopped"),
                Self::UpstreamError => f.write_str("upstream_error"),
                Self::Timeout => f.write_str("timeout"),
            }
        }
    }

    impl ::std::str::FromStr for FinishReason {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "complete" => Ok(Self::Complete),
                "length" => Ok(Self::Length),
                "content_filter" => Ok(Self::ContentFilter),
                "client_gone" => Ok(Self::ClientGone),
                "stopped" => Ok(Self::Stopped),
                "upstream_error" => Ok(Self::UpstreamError),
                "timeout" => Ok(Self::Timeout),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for FinishReason {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for FinishReason {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A message that matches a search.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct FoundMessage {
        ///The number of the message's chat.
        pub chat_id: ::std::num::NonZeroU64,
        ///The title of the message's chat.
        pub chat_title: ::std::string::String,
        ///The message.
        pub message: Message,
    }

    ///The request is on its way to a person.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct HandoverAccepted {
        ///The status of the request.
        pub status: HandoverStatus,
        ///The time of the request, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
    }

    ///A request for a person.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct HandoverRequest {
        ///How the visitor wants to be reached, such as an e-mail address: at
        /// most 200 characters. It is passed on, and not logged; the
        /// server has it until then.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub contact: ::std::option::Option<::std::string::String>,
    }

    ///Always `requested`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum HandoverStatus {
        #[serde(rename = "requested")]
        Requested,
    }

    impl ::std::fmt::Display for HandoverStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Requested => f.write_str("requested"),
            }
        }
    }

    impl ::std::str::FromStr for HandoverStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "requested" => Ok(Self::Requested),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for HandoverStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for HandoverStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The state of the service.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Health {
        ///Whether the built-in responder answers because no source of a key is
        /// configured.
        pub demo_mode: bool,
        ///Events that wait to be sent to `EVENTS_URL`.
        pub event_queue_depth: u64,
        ///Events dropped since the database was made: too many waited, they
        /// waited too long, or the receiver refused them.
        pub event_queue_dropped: u64,
        ///The model that is used when a client names none.
        pub model: ::std::string::String,
        ///Whether turns can be sent to the model: a key is at hand, or the
        /// model's server needs none.
        pub openai_configured: bool,
        ///Usage records that wait for Papita.
        pub papita_queue_depth: u64,
        ///Usage records dropped since the database was made: too many waited,
        /// or Papita refused them.
        pub papita_queue_dropped: u64,
        ///Whether the service takes requests.
        pub status: HealthStatus,
        ///The time of the response, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Seconds since the start.
        pub uptime_seconds: u64,
        ///The version of al-chat.
        pub version: ::std::string::String,
    }

    ///`healthy` while it serves, `stopping` after a signal to stop.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum HealthStatus {
        #[serde(rename = "healthy")]
        Healthy,
        #[serde(rename = "stopping")]
        Stopping,
    }

    impl ::std::fmt::Display for HealthStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Healthy => f.write_str("healthy"),
                Self::Stopping => f.write_str("stopping"),
            }
        }
    }

    impl ::std::str::FromStr for HealthStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "healthy" => Ok(Self::Healthy),
                "stopping" => Ok(Self::Stopping),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for HealthStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for HealthStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///An earlier message of the conversation.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct HistoryEntry {
        ///The text of the message.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub content: ::std::option::Option<::std::string::String>,
        ///The image of the message, in one of the forms of a request's
        /// `image`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image: ::std::option::Option<::std::string::String>,
        ///The same as `image`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_url: ::std::option::Option<::std::string::String>,
        ///The author of the message.
        pub role: HistoryRole,
    }

    ///The author of a message: the visitor or the model.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum HistoryRole {
        #[serde(rename = "user")]
        User,
        #[serde(rename = "assistant")]
        Assistant,
    }

    impl ::std::fmt::Display for HistoryRole {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::User => f.write_str("user"),
                Self::Assistant => f.write_str("assistant"),
            }
        }
    }

    impl ::std::str::FromStr for HistoryRole {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "user" => Ok(Self::User),
                "assistant" => Ok(Self::Assistant),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for HistoryRole {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for HistoryRole {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A hook of the owner, and whether it is called.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct HookStatus {
        ///The state of its circuit breaker.
        pub breaker: Breaker,
        ///The hook: `guard` or `context`.
        pub hook: ::std::string::String,
    }

    ///The answer of a turn about an image.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ImageAnswer {
        ///In a stored chat, the number of the answer's message.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ai_response_id: ::std::option::Option<::std::num::NonZeroU64>,
        ///How the answer ended.
        pub finish_reason: FinishReason,
        ///The text of the answer.
        pub message: ::std::string::String,
        ///The model that answered; `basic` is the built-in responder.
        pub model: ::std::string::String,
        ///A sentence about an answer that the owner's guard has cut off
        /// (`content_filter`), to be shown below it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub notice: ::std::option::Option<::std::string::String>,
        ///The question about the image.
        pub question: ::std::string::String,
        ///The same as `message`; only in whole answers to an account, or about
        /// an image.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reply: ::std::option::Option<::std::string::String>,
        ///The id of the request that started the turn, as in its
        /// `X-Request-Id`.
        pub request_id: ::std::string::String,
        ///The same as `message`; only in whole answers to an account, or about
        /// an image.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub response: ::std::option::Option<::std::string::String>,
        ///The session that the client named.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///The pages that the answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///The time of the answer, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The tokens of the turn.
        pub usage: Usage,
        ///In a stored chat, the number of the message that was answered.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user_message_id: ::std::option::Option<::std::num::NonZeroU64>,
    }

    ///Where the key of a provider comes from.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct KeyStatus {
        ///The seconds since Papita returned the key, to the minute below; null
        /// for other keys.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub age_seconds: ::std::option::Option<u64>,
        ///The name of the provider.
        pub provider: ::std::string::String,
        ///The source of the key that turns use: `papita_api`, `local_env` (the
        /// settings), or `none`.
        pub source: ::std::string::String,
    }

    ///Whose usage a limit counts: that of one visitor, of one address, of one
    /// site, of one API key, or of all together; or the sessions (`sessions`),
    /// requests for a person (`handovers`) or ratings (`feedback`) of one
    /// address, of which each counts as a turn.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum LimitScope {
        #[serde(rename = "visitor")]
        Visitor,
        #[serde(rename = "address")]
        Address,
        #[serde(rename = "site")]
        Site,
        #[serde(rename = "key")]
        Key,
        #[serde(rename = "total")]
        Total,
        #[serde(rename = "sessions")]
        Sessions,
        #[serde(rename = "handovers")]
        Handovers,
        #[serde(rename = "feedback")]
        Feedback,
    }

    impl ::std::fmt::Display for LimitScope {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Visitor => f.write_str("visitor"),
                Self::Address => f.write_str("address"),
                Self::Site => f.write_str("site"),
                Self::Key => f.write_str("key"),
                Self::Total => f.write_str("total"),
                Self::Sessions => f.write_str("sessions"),
                Self::Handovers => f.write_str("handovers"),
                Self::Feedback => f.write_str("feedback"),
            }
        }
    }

    impl ::std::str::FromStr for LimitScope {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "visitor" => Ok(Self::Visitor),
                "address" => Ok(Self::Address),
                "site" => Ok(Self::Site),
                "key" => Ok(Self::Key),
                "total" => Ok(Self::Total),
                "sessions" => Ok(Self::Sessions),
                "handovers" => Ok(Self::Handovers),
                "feedback" => Ok(Self::Feedback),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for LimitScope {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for LimitScope {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///What a limit counts.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum LimitUnit {
        #[serde(rename = "turns")]
        Turns,
        #[serde(rename = "tokens")]
        Tokens,
        #[serde(rename = "usd-micros")]
        UsdMicros,
    }

    impl ::std::fmt::Display for LimitUnit {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Turns => f.write_str("turns"),
                Self::Tokens => f.write_str("tokens"),
                Self::UsdMicros => f.write_str("usd-micros"),
            }
        }
    }

    impl ::std::str::FromStr for LimitUnit {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "turns" => Ok(Self::Turns),
                "tokens" => Ok(Self::Tokens),
                "usd-micros" => Ok(Self::UsdMicros),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for LimitUnit {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for LimitUnit {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///For how long a limit counts: a minute of the clock, or a day of UTC.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum LimitWindow {
        #[serde(rename = "minute")]
        Minute,
        #[serde(rename = "day")]
        Day,
    }

    impl ::std::fmt::Display for LimitWindow {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Minute => f.write_str("minute"),
                Self::Day => f.write_str("day"),
            }
        }
    }

    impl ::std::str::FromStr for LimitWindow {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "minute" => Ok(Self::Minute),
                "day" => Ok(Self::Day),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for LimitWindow {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for LimitWindow {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The process is alive.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Liveness {
        ///The state of the process.
        pub status: LivenessStatus,
    }

    ///Always `alive`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum LivenessStatus {
        #[serde(rename = "alive")]
        Alive,
    }

    impl ::std::fmt::Display for LivenessStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Alive => f.write_str("alive"),
            }
        }
    }

    impl ::std::str::FromStr for LivenessStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "alive" => Ok(Self::Alive),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for LivenessStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for LivenessStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///Numbers, tokens, cost and times of turns, read from the session log of
    /// one replica.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LogReport {
        ///The field by which turns are grouped; left out without groups.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub by: ::std::option::Option<LogReportGrouping>,
        ///The time of the first line in the report, as the log has it; null
        /// without lines.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub first_line_at: ::std::option::Option<::std::string::String>,
        ///The figures of each group: days and hours in their order, others by
        /// their number of turns. At most 500: the first in the log.
        pub groups: ::std::vec::Vec<LogReportGroup>,
        ///The time of the last line.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_line_at: ::std::option::Option<::std::string::String>,
        ///The number of lines that are not in the figures, because they are
        /// damaged or were counted before.
        pub lines_left_out: u64,
        ///The figures of the turns of further groups; left out if there are
        /// none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub other_groups: ::std::option::Option<LogReportFigures>,
        ///The figures of all turns.
        pub total: LogReportFigures,
        ///The number of files that could not be read to their end, so that the
        /// figures lack turns.
        pub unreadable_files: u64,
    }

    ///The figures of turns.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LogReportFigures {
        ///The tokens of the answers.
        pub completion_tokens: u64,
        ///The cost in US dollars, as far as prices are known.
        pub cost_usd: f64,
        ///The number of turns whose answer did not come to its end: by a
        /// limit, a filter, a stop, or because somebody left.
        pub cut_off: u64,
        ///The number of turns that ended without an answer.
        pub errors: u64,
        ///The number of these by error code.
        pub errors_by_code: ::std::collections::HashMap<::std::string::String, u64>,
        ///The number of turns whose tokens are estimates.
        pub estimated_turns: u64,
        ///The number of calls to models that failed, by error code, also in
        /// turns that were answered by a later call.
        pub failed_calls: ::std::collections::HashMap<::std::string::String, u64>,
        ///The number of turns for which another model than the requested one
        /// was called.
        pub fallbacks: u64,
        ///The number of turns by the way in which they ended, as the session
        /// log names it.
        pub finish: ::std::collections::HashMap<::std::string::String, u64>,
        ///The time from the request to the first text.
        pub first_word_ms: LogReportPercentiles,
        ///The number of turns by how the key of Papita was found: `hit` in the
        /// cache, `fetched` or `failed`.
        pub key_lookups: ::std::collections::HashMap<::std::string::String, u64>,
        ///The number of turns by the source of the provider's key.
        pub key_sources: ::std::collections::HashMap<::std::string::String, u64>,
        ///The time from the request to the end of the turn.
        pub latency_ms: LogReportPercentiles,
        ///The tokens of the prompts.
        pub prompt_tokens: u64,
        ///The number of ratings that the answers were bad, likewise.
        pub rated_down: u64,
        ///The number of ratings that the answers were good. A rating that was
        /// changed counts as what it was changed to.
        pub rated_up: u64,
        ///The number of turns with such calls.
        pub retried_turns: u64,
        ///The number of calls to models after the first one of each turn.
        pub retries: u64,
        ///The number of different sessions.
        pub sessions: u64,
        ///Whether that is an estimate, with a standard error of 0.8 %.
        pub sessions_estimated: bool,
        ///The sum of both.
        pub total_tokens: u64,
        ///The number of turns.
        pub turns: u64,
        ///The number of turns that asked a model of unknown price.
        pub unpriced_turns: u64,
        ///The number of different people: accounts and portal visitors, names
        /// that are not guests', and sessions of guests.
        pub visitors: u64,
        ///Whether that is an estimate, with a standard error of 0.8 %.
        pub visitors_estimated: bool,
    }

    ///The figures of a group of turns.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LogReportGroup {
        ///The figures.
        pub figures: LogReportFigures,
        ///The value of the field; null for the turns without it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub group: ::std::option::Option<::std::string::String>,
    }

    ///The field by which a report groups turns: `user` is the name of the
    /// user, `key` that of a server's API key, `code` the error code. `day`
    /// and `hour` are those of a turn's end in the log's time zone.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum LogReportGrouping {
        #[serde(rename = "user")]
        User,
        #[serde(rename = "site")]
        Site,
        #[serde(rename = "key")]
        Key,
        #[serde(rename = "persona")]
        Persona,
        #[serde(rename = "model")]
        Model,
        #[serde(rename = "code")]
        Code,
        #[serde(rename = "day")]
        Day,
        #[serde(rename = "hour")]
        Hour,
    }

    impl ::std::fmt::Display for LogReportGrouping {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::User => f.write_str("user"),
                Self::Site => f.write_str("site"),
                Self::Key => f.write_str("key"),
                Self::Persona => f.write_str("persona"),
                Self::Model => f.write_str("model"),
                Self::Code => f.write_str("code"),
                Self::Day => f.write_str("day"),
                Self::Hour => f.write_str("hour"),
            }
        }
    }

    impl ::std::str::FromStr for LogReportGrouping {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "user" => Ok(Self::User),
                "site" => Ok(Self::Site),
                "key" => Ok(Self::Key),
                "persona" => Ok(Self::Persona),
                "model" => Ok(Self::Model),
                "code" => Ok(Self::Code),
                "day" => Ok(Self::Day),
                "hour" => Ok(Self::Hour),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for LogReportGrouping {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for LogReportGrouping {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///Percentiles in milliseconds, within 1 %; null without turns that have
    /// the time.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct LogReportPercentiles {
        ///The longest time.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub max: ::std::option::Option<f64>,
        ///The median.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub p50: ::std::option::Option<f64>,
        ///The time that 95 % do not exceed.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub p95: ::std::option::Option<f64>,
        ///The time that 99 % do not exceed.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub p99: ::std::option::Option<f64>,
    }

    ///The response to a login: the access token and its account.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LoggedIn {
        ///The token to be sent with each request, as `Authorization: Bearer
        /// …`.
        pub access_token: ::std::string::String,
        ///The account's e-mail address.
        pub email: ::std::string::String,
        ///The confirmation of the login as a sentence.
        pub message: ::std::string::String,
        ///The same as `access_token`.
        pub token: ::std::string::String,
        ///The account of the token.
        pub user: Account,
        ///The account's name.
        pub username: ::std::string::String,
    }

    ///A session on one day, with the sums of its turns.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LoggedSession {
        ///The cost in US dollars, as far as prices are known.
        pub cost_usd: f64,
        ///The number of turns that ended without an answer.
        pub errors: u64,
        ///Whether it has ended.
        pub has_ended: bool,
        ///The time of its last turn, as the log has it; null without turns.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_turn_at: ::std::option::Option<::std::string::String>,
        ///The id of the persona.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///The id of the session.
        pub session_id: ::std::string::String,
        ///The id of the site.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub site: ::std::option::Option<::std::string::String>,
        ///The time of its beginning, as the log has it; null if it has not
        /// begun on this day.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub started_at: ::std::option::Option<::std::string::String>,
        ///The tokens of the turns.
        pub total_tokens: u64,
        ///The number of turns.
        pub turns: u64,
        ///The name of the user; null for guests.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user: ::std::option::Option<::std::string::String>,
    }

    ///A turn in the session log. Lines of earlier versions lack fields, which
    /// are null.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LoggedTurn {
        ///The error code; null for answered turns.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<::std::string::String>,
        ///The cost in US dollars; null if the model's price is not known.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub cost_usd: ::std::option::Option<f64>,
        ///The way in which it ended, as the log names it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub finish: ::std::option::Option<::std::string::String>,
        ///The time from the request to the first text, in ms.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub first_word_ms: ::std::option::Option<f64>,
        ///The time from the request to its end, in ms.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub latency_ms: ::std::option::Option<f64>,
        ///The model that was called.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub model: ::std::option::Option<::std::string::String>,
        ///The id of the persona.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
        ///The id of the request.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub request_id: ::std::option::Option<::std::string::String>,
        ///The id of the session.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///The id of the site.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub site: ::std::option::Option<::std::string::String>,
        ///The time of its end, as the log has it.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The tokens of the prompt and the answer.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total_tokens: ::std::option::Option<u64>,
        ///The name of the user; null for guests.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user: ::std::option::Option<::std::string::String>,
    }

    ///The credentials of a login.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct LoginRequest {
        ///The password.
        pub password: ::std::string::String,
        ///The name of the account, or its e-mail address.
        pub username: ::std::string::String,
    }

    ///A message of a stored chat.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Message {
        ///The number of the message's chat.
        pub chat_id: ::std::num::NonZeroU64,
        ///The time of the message, RFC 3339.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The message's number.
        pub id: ::std::num::NonZeroU64,
        ///The same as `image_url`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image: ::std::option::Option<::std::string::String>,
        ///True if the message has an image that is left out, because a list
        /// holds at most 16 MiB of images, the latest ones. `GET
        /// /api/messages/{message_id}` returns it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_omitted: ::std::option::Option<bool>,
        ///The image of the message, as its address or a data URL; null without
        /// one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_url: ::std::option::Option<::std::string::String>,
        ///The author of the message.
        pub sender: MessageSender,
        ///The pages that an answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///The status of the message.
        pub status: MessageStatus,
        ///The text of the message.
        pub text: ::std::string::String,
        ///The same as `created_at`.
        pub time: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The account that owns the chat.
        pub user_id: ::std::num::NonZeroU64,
        ///The same as `sender`.
        pub who: ::std::string::String,
    }

    ///A message and its answer.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct MessageExchange {
        ///The same as `ai_response`.
        pub ai_message: Message,
        ///The model's answer.
        pub ai_response: Message,
        ///The pages that the answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///The user's message.
        pub user_message: Message,
    }

    ///The sender of a message in a stored chat: its owner, or the model.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum MessageSender {
        #[serde(rename = "user")]
        User,
        #[serde(rename = "bot")]
        Bot,
    }

    impl ::std::fmt::Display for MessageSender {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::User => f.write_str("user"),
                Self::Bot => f.write_str("bot"),
            }
        }
    }

    impl ::std::str::FromStr for MessageSender {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "user" => Ok(Self::User),
                "bot" => Ok(Self::Bot),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for MessageSender {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for MessageSender {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The status of a message: `complete`; a user's message is `pending` while
    /// it is being answered, and `failed` if it was not, and can then be
    /// retried.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum MessageStatus {
        #[serde(rename = "complete")]
        Complete,
        #[serde(rename = "pending")]
        Pending,
        #[serde(rename = "failed")]
        Failed,
    }

    impl ::std::fmt::Display for MessageStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Complete => f.write_str("complete"),
                Self::Pending => f.write_str("pending"),
                Self::Failed => f.write_str("failed"),
            }
        }
    }

    impl ::std::str::FromStr for MessageStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "complete" => Ok(Self::Complete),
                "pending" => Ok(Self::Pending),
                "failed" => Ok(Self::Failed),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for MessageStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for MessageStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The model and its key: `model` and `credentials_valid`, or `error` when
    /// there is no usable key.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct ModelInfo {
        ///The stable code of the error, for programs.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<ErrorCode>,
        ///The source of the key; only for the operator, and for this machine
        /// while the server listens on loopback and has no
        /// `ADMIN_TOKEN`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub credentials_info: ::std::option::Option<CredentialsInfo>,
        ///True if the model can be called: a key is set, or its server needs
        /// none. False after the provider has refused the key.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub credentials_valid: ::std::option::Option<bool>,
        ///The reason why the model cannot be called.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub error: ::std::option::Option<::std::string::String>,
        ///The model that is used when a client names none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub model: ::std::option::Option<::std::string::String>,
    }

    ///A model, and whether it is called.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ModelStatus {
        ///The state of its circuit breaker.
        pub breaker: Breaker,
        ///The name of the model.
        pub model: ::std::string::String,
        ///The name of its provider.
        pub provider: ::std::string::String,
    }

    ///The result of a test of the model.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ModelTest {
        ///The result as a sentence.
        pub message: ::std::string::String,
        ///The model that was called.
        pub model: ::std::string::String,
        ///Whether the model answered.
        pub status: ModelTestStatus,
        ///The model's answer.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub test_response: ::std::option::Option<::std::string::String>,
        ///The tokens of the turn.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub usage: ::std::option::Option<Usage>,
    }

    ///Whether the model answered: `success`, or `error`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ModelTestStatus {
        #[serde(rename = "success")]
        Success,
        #[serde(rename = "error")]
        Error,
    }

    impl ::std::fmt::Display for ModelTestStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Success => f.write_str("success"),
                Self::Error => f.write_str("error"),
            }
        }
    }

    impl ::std::str::FromStr for ModelTestStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "success" => Ok(Self::Success),
                "error" => Ok(Self::Error),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ModelTestStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ModelTestStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///Why a turn has no texts: the log has none (`not_logged`), they were
    /// erased, or their key is in another database (`erased`), or the line
    /// was altered (`altered`).
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum NoTexts {
        #[serde(rename = "not_logged")]
        NotLogged,
        #[serde(rename = "erased")]
        Erased,
        #[serde(rename = "altered")]
        Altered,
    }

    impl ::std::fmt::Display for NoTexts {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::NotLogged => f.write_str("not_logged"),
                Self::Erased => f.write_str("erased"),
                Self::Altered => f.write_str("altered"),
            }
        }
    }

    impl ::std::str::FromStr for NoTexts {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "not_logged" => Ok(Self::NotLogged),
                "erased" => Ok(Self::Erased),
                "altered" => Ok(Self::Altered),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for NoTexts {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for NoTexts {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///An error in OpenAI's form.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct OpenAiError {
        ///The stable code of the error, for programs.
        pub code: ErrorCode,
        ///A sentence for people: what happened, and what to do.
        pub message: ::std::string::String,
        ///The parameter that the error concerns; null if it concerns none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub param: ::std::option::Option<::std::string::String>,
        ///The kind of error.
        #[serde(rename = "type")]
        pub type_: OpenAiErrorType,
    }

    ///The body of an error in OpenAI's form.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct OpenAiErrorBody {
        ///The error.
        pub error: OpenAiError,
    }

    ///The kind of an error in OpenAI's form.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum OpenAiErrorType {
        #[serde(rename = "invalid_request_error")]
        InvalidRequestError,
        #[serde(rename = "authentication_error")]
        AuthenticationError,
        #[serde(rename = "rate_limit_error")]
        RateLimitError,
        #[serde(rename = "insufficient_quota")]
        InsufficientQuota,
        #[serde(rename = "server_error")]
        ServerError,
    }

    impl ::std::fmt::Display for OpenAiErrorType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::InvalidRequestError => f.write_str("invalid_request_error"),
                Self::AuthenticationError => f.write_str("authentication_error"),
                Self::RateLimitError => f.write_str("rate_limit_error"),
                Self::InsufficientQuota => f.write_str("insufficient_quota"),
                Self::ServerError => f.write_str("server_error"),
            }
        }
    }

    impl ::std::str::FromStr for OpenAiErrorType {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "invalid_request_error" => Ok(Self::InvalidRequestError),
                "authentication_error" => Ok(Self::AuthenticationError),
                "rate_limit_error" => Ok(Self::RateLimitError),
                "insufficient_quota" => Ok(Self::InsufficientQuota),
                "server_error" => Ok(Self::ServerError),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for OpenAiErrorType {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for OpenAiErrorType {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A model, or a persona in the place of one.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct OpenAiModel {
        ///The time at which this server was started, in seconds since 1970.
        pub created: u64,
        ///The name, for `model` in a request: that of a model, or `persona/`
        /// and the id of a persona.
        pub id: ::std::string::String,
        ///Always `model`.
        pub object: OpenAiModelObject,
        ///Always `al-chat`.
        pub owned_by: ::std::string::String,
    }

    ///The models that an API key may use.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct OpenAiModelList {
        ///The models, and then the personas.
        pub data: ::std::vec::Vec<OpenAiModel>,
        ///Always `list`.
        pub object: OpenAiModelListObject,
    }

    ///`OpenAiModelListObject`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum OpenAiModelListObject {
        #[serde(rename = "list")]
        List,
    }

    impl ::std::fmt::Display for OpenAiModelListObject {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::List => f.write_str("list"),
            }
        }
    }

    impl ::std::str::FromStr for OpenAiModelListObject {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "list" => Ok(Self::List),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for OpenAiModelListObject {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for OpenAiModelListObject {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///`OpenAiModelObject`
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum OpenAiModelObject {
        #[serde(rename = "model")]
        Model,
    }

    impl ::std::fmt::Display for OpenAiModelObject {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Model => f.write_str("model"),
            }
        }
    }

    impl ::std::str::FromStr for OpenAiModelObject {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "model" => Ok(Self::Model),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for OpenAiModelObject {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for OpenAiModelObject {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The figures of one day, read from the session log of one replica.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Overview {
        ///Those of each hour with turns, in their order.
        pub by_hour: ::std::vec::Vec<LogReportGroup>,
        ///Those of each model, the one with most turns first. At most 500, as
        /// of sites and personas: the first in the log.
        pub by_model: ::std::vec::Vec<LogReportGroup>,
        ///Those of each persona.
        pub by_persona: ::std::vec::Vec<LogReportGroup>,
        ///Those of each site; the group null is of turns without one.
        pub by_site: ::std::vec::Vec<LogReportGroup>,
        ///The day in the log's time zone.
        pub date: ::std::string::String,
        ///The time of the first line of the day, as the log has it; null
        /// without lines.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub first_line_at: ::std::option::Option<::std::string::String>,
        ///The time of the last line.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_line_at: ::std::option::Option<::std::string::String>,
        ///The number of lines that are not in the figures, because they are
        /// damaged or were counted before.
        pub lines_left_out: u64,
        ///The name of the log's time zone, or its offset now.
        pub time_zone: ::std::string::String,
        ///The figures of all turns.
        pub total: LogReportFigures,
        ///The number of files that could not be read to their end, so that the
        /// figures lack turns.
        pub unreadable_files: u64,
    }

    ///The response to a change of the password.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PasswordChanged {
        ///The new access token; all others are revoked.
        pub access_token: ::std::string::String,
        ///The confirmation as a sentence.
        pub message: ::std::string::String,
    }

    ///A persona, without its prompt.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Persona {
        ///The address of the persona's picture, relative to this server's;
        /// left out without one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub avatar: ::std::option::Option<::std::string::String>,
        ///The persona's greeting; blank if the client decides.
        pub greeting: ::std::string::String,
        ///The persona's id, for `persona` in a request.
        pub id: ::std::string::String,
        ///The persona's name.
        pub name: ::std::string::String,
    }

    ///The answer to a visitor of the portal.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalAnswer {
        ///Whether the built-in responder answers; only in the response to
        /// `__demo_check__`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub demo_mode: ::std::option::Option<bool>,
        ///The text of the answer.
        pub response: ::std::string::String,
        ///The pages that the answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///Always true.
        pub success: bool,
    }

    ///The confirmation of an operation.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalDone {
        ///Always true.
        pub success: bool,
    }

    ///The messages of a visitor's chat.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalHistory {
        ///The latest 1000 answered messages and their answers, the oldest
        /// first.
        pub history: ::std::vec::Vec<PortalMessage>,
    }

    ///A message of the visitor or of the model.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalMessage {
        ///The text of the message.
        pub content: ::std::string::String,
        ///The author of the message.
        pub role: PortalRole,
        ///The pages that an answer is based on, in the order of their
        /// importance.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub sources: ::std::vec::Vec<AnswerSource>,
        ///The message's position in the list, from 0, as a string.
        pub timestamp: ::std::string::String,
    }

    ///A message of a visitor of the portal.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalRequest {
        ///The text, 1 to 4000 characters without surrounding white space.
        /// `__demo_check__` asks for `demo_mode`, and is not stored.
        pub message: ::std::string::String,
        ///The session of this turn, for the session log. The header
        /// `X-Session-ID` takes precedence.
        #[serde(rename = "sessionId", skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///Whether the response is a stream of events, as with `POST
        /// /api/chat`; without this field, `Accept` decides.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream: ::std::option::Option<bool>,
    }

    ///The author of a message of the portal: the visitor, or the model.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum PortalRole {
        #[serde(rename = "user")]
        User,
        #[serde(rename = "assistant")]
        Assistant,
    }

    impl ::std::fmt::Display for PortalRole {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::User => f.write_str("user"),
                Self::Assistant => f.write_str("assistant"),
            }
        }
    }

    impl ::std::str::FromStr for PortalRole {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "user" => Ok(Self::User),
                "assistant" => Ok(Self::Assistant),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for PortalRole {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for PortalRole {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The status of the portal: whether a language model or the built-in
    /// responder answers its messages.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct PortalStatus {
        ///Whether the built-in responder answers.
        pub demo_mode: bool,
        ///Whether a language model answers.
        pub openai_available: bool,
    }

    ///The account at the model's provider.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ProviderAccount {
        ///The key's fingerprint; no character of the key.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub api_key_prefix: ::std::option::Option<::std::string::String>,
        ///The model that is used when a client names none.
        pub model: ::std::string::String,
        ///Whether the model can be called.
        pub status: ProviderAccountStatus,
    }

    ///`active` when the model can be asked, `key_refused` when its provider
    /// refused the key the last time, `no_key` otherwise.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ProviderAccountStatus {
        #[serde(rename = "active")]
        Active,
        #[serde(rename = "key_refused")]
        KeyRefused,
        #[serde(rename = "no_key")]
        NoKey,
    }

    impl ::std::fmt::Display for ProviderAccountStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Active => f.write_str("active"),
                Self::KeyRefused => f.write_str("key_refused"),
                Self::NoKey => f.write_str("no_key"),
            }
        }
    }

    impl ::std::str::FromStr for ProviderAccountStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "active" => Ok(Self::Active),
                "key_refused" => Ok(Self::KeyRefused),
                "no_key" => Ok(Self::NoKey),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ProviderAccountStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ProviderAccountStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///Records that wait to be sent.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct QueueStatus {
        ///The number that was dropped since the database was made.
        pub dropped: u64,
        ///The number that waits.
        pub waiting: u64,
    }

    ///The service can take traffic.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Readiness {
        ///The state of each part; every part that readiness depends on is
        /// `ok`.
        pub parts: ServiceParts,
        ///The readiness of the service.
        pub status: ReadinessStatus,
    }

    ///Always `ready`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum ReadinessStatus {
        #[serde(rename = "ready")]
        Ready,
    }

    impl ::std::fmt::Display for ReadinessStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Ready => f.write_str("ready"),
            }
        }
    }

    impl ::std::str::FromStr for ReadinessStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "ready" => Ok(Self::Ready),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for ReadinessStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for ReadinessStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The code of an error, or that of a later version.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum ReceivedErrorCode {
        Known(ErrorCode),
        Unknown(::std::string::String),
    }

    impl ::std::fmt::Display for ReceivedErrorCode {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match self {
                Self::Known(x) => x.fmt(f),
                Self::Unknown(x) => x.fmt(f),
            }
        }
    }

    impl ::std::convert::From<ErrorCode> for ReceivedErrorCode {
        fn from(value: ErrorCode) -> Self {
            Self::Known(value)
        }
    }

    ///How an answer ended, or the word of a later version.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum ReceivedFinishReason {
        Known(FinishReason),
        Unknown(::std::string::String),
    }

    impl ::std::fmt::Display for ReceivedFinishReason {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match self {
                Self::Known(x) => x.fmt(f),
                Self::Unknown(x) => x.fmt(f),
            }
        }
    }

    impl ::std::convert::From<FinishReason> for ReceivedFinishReason {
        fn from(value: FinishReason) -> Self {
            Self::Known(value)
        }
    }

    ///The data of a registration.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct RegisterRequest {
        ///The e-mail address, which can be used for logins as well.
        pub email: ::std::string::String,
        ///The password: at least 6 characters.
        pub password: ::std::string::String,
        ///The name for logins: 1 to 80 characters, without `@`. Case makes no
        /// difference.
        pub username: ::std::string::String,
    }

    ///An account that has just been registered.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct RegisteredAccount {
        ///The time of the registration, RFC 3339.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The account's e-mail address.
        pub email: ::std::string::String,
        ///The account's id.
        pub id: ::std::num::NonZeroU64,
        ///The confirmation of the registration as a sentence.
        pub message: ::std::string::String,
        ///The same account.
        pub user: Account,
        ///The account's name, as it was registered.
        pub username: ::std::string::String,
    }

    ///A new title for a chat.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct RenameChatRequest {
        ///1 to 200 characters in one line.
        pub title: ::std::string::String,
    }

    ///Options for the retry of a failed message. Its text and image stay.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct RetryMessageRequest {
        ///The model that answers, one of the models that the operator allows.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub model: ::std::option::Option<::std::string::String>,
        ///Whether the response is a stream of events; without this field,
        /// `Accept` decides.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream: ::std::option::Option<bool>,
    }

    ///A new message of a stored chat. A text or an image is required.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct SendMessageRequest {
        ///The same as `image_url`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image: ::std::option::Option<::std::string::String>,
        ///An image for models with vision (PNG, JPEG, GIF, WebP; at most 12
        /// MiB): an https address on the public internet, a data URL,
        /// or base64 alone.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub image_url: ::std::option::Option<::std::string::String>,
        ///The same as `text`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
        ///The model that answers, one of the models that the operator allows.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub model: ::std::option::Option<::std::string::String>,
        ///Whether the response is a stream of events, as with `POST
        /// /api/chat`; without this field, `Accept` decides.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stream: ::std::option::Option<bool>,
        ///The text of the message, at most 1 MiB.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub text: ::std::option::Option<::std::string::String>,
        ///The transcript of a voice recording. It is added to the text, or
        /// replaces an empty one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub voice_text: ::std::option::Option<::std::string::String>,
    }

    ///The state of the service, for older clients.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ServiceHealth {
        ///The state as a sentence.
        pub message: ::std::string::String,
        ///`ok` while it serves, `stopping` after a signal to stop.
        pub status: ::std::string::String,
        ///The time of the response, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
    }

    ///The state of each part of the service: `ok`, or a description of the
    /// fault.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ServiceParts {
        ///Whether the database can be written.
        pub database: ::std::string::String,
        ///Models whose circuit breaker is open. They don't affect readiness:
        /// another replica would find the model no better, and this one
        /// refuses at once, or calls another model.
        pub model: ::std::string::String,
        ///Whether requests are taken.
        pub serving: ::std::string::String,
        ///Whether the session log can be written.
        pub session_log: ::std::string::String,
        ///Whether no background task has panicked.
        pub tasks: ::std::string::String,
    }

    ///What a replica does now, and the state of its parts.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct ServiceStatus {
        ///Whether the built-in responder answers, because no source of a key
        /// is configured.
        pub demo_mode: bool,
        ///Events for the receiver.
        pub event_queue: QueueStatus,
        ///The hooks that turns ask.
        pub hooks: ::std::vec::Vec<HookStatus>,
        ///Whether the database can be written. If not, turns are refused.
        pub is_database_writable: bool,
        ///Whether the session log can be written. If not, turns are refused.
        pub is_log_writable: bool,
        ///Whether the operator has paused all spending.
        pub is_spending_paused: bool,
        ///The keys of the providers, without the keys themselves.
        pub keys: ::std::vec::Vec<KeyStatus>,
        ///The largest number of turns that run at once.
        pub max_turns: u64,
        ///The models that turns may call.
        pub models: ::std::vec::Vec<ModelStatus>,
        ///Usage records for Papita.
        pub papita_queue: QueueStatus,
        ///The number of processes that use the database, this one included.
        pub replicas: u64,
        ///The time of the start.
        pub started_at: ::std::string::String,
        ///The number of turns that run now.
        pub turns_running: u64,
        ///The number of turns that wait for a place.
        pub turns_waiting: u64,
        ///The version of al-chat.
        pub version: ::std::string::String,
    }

    ///Sessions of a day, the latest first.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct SessionPage {
        ///The cursor of the sessions that follow, for `after`; null if there
        /// are none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next: ::std::option::Option<::std::string::String>,
        ///The sessions.
        pub sessions: ::std::vec::Vec<LoggedSession>,
    }

    ///A session that was started.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct SessionStarted {
        ///Whether the visitor can ask for a person (`POST
        /// /api/session/{session_id}/handover`).
        pub handover: bool,
        ///The session's id, to be sent with each turn.
        pub session_id: ::std::string::String,
        ///The time of its start, RFC 3339.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
    }

    ///Always `stopped`.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum SessionStatus {
        #[serde(rename = "stopped")]
        Stopped,
    }

    impl ::std::fmt::Display for SessionStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Stopped => f.write_str("stopped"),
            }
        }
    }

    impl ::std::str::FromStr for SessionStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "stopped" => Ok(Self::Stopped),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for SessionStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for SessionStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///A session that has ended.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct SessionStopped {
        ///The duration in seconds; null if the session was not started by this
        /// server.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub duration_seconds: ::std::option::Option<f64>,
        ///The session's id; null when none was named.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
        ///The status of the session.
        pub status: SessionStatus,
        ///The time of its end, RFC 3339; the same for a second stop.
        pub timestamp: ::chrono::DateTime<::chrono::offset::Utc>,
    }

    ///A turn of a session.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct SessionTurn {
        ///The answer; null if it cannot be read.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub answer: ::std::option::Option<::std::string::String>,
        ///The question; null if it cannot be read.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
        ///Why there are no texts; left out if there are.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub no_texts: ::std::option::Option<NoTexts>,
        ///The turn.
        pub turn: LoggedTurn,
    }

    ///The turns of a session on one day.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct SessionTurns {
        ///Whether there are earlier ones.
        pub has_earlier: bool,
        ///The turns in their order, at most the last 500.
        pub turns: ::std::vec::Vec<SessionTurn>,
    }

    ///A site whose pages embed the chat window.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Site {
        ///The site's id.
        pub id: ::std::string::String,
        ///Whether no turns start now, for one reason or both.
        pub is_paused: bool,
        ///Whether the configuration file pauses the site.
        pub is_paused_by_file: bool,
        ///Whether the operator has paused the site.
        pub is_paused_by_operator: bool,
        ///The models that may answer; null for all that clients may choose.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub models: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        ///The origins of the site's pages, also with an asterisk for a label.
        pub origins: ::std::vec::Vec<::std::string::String>,
        ///The only persona that answers; null if requests choose.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub persona: ::std::option::Option<::std::string::String>,
    }

    ///Whether all spending is paused.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Spending {
        ///Whether no turns start now.
        pub is_paused: bool,
    }

    ///The data that a chat window sends when it closes.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug, Default)]
    pub struct StopSessionRequest {
        ///Numbers that the window reports, for the session log: at most 8 KiB
        /// as JSON.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub metrics: ::std::option::Option<::serde_json::Map<::std::string::String, ::serde_json::Value>>,
        ///The same as `session_id`.
        #[serde(rename = "sessionId", skip_serializing_if = "::std::option::Option::is_none")]
        pub session_id: ::std::option::Option<::std::string::String>,
    }

    ///The request of a page for a ticket.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct TicketRequest {
        ///The page's last ticket. The new one names the same visitor, also if
        /// this one has expired within the last hour.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub previous: ::std::option::Option<::std::string::String>,
        ///The id of the site.
        pub site: ::std::string::String,
    }

    ///`stopped`, or `ended` if the turn had ended before.
    #[derive(
        :: serde :: Deserialize, :: serde :: Serialize, Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd,
    )]
    pub enum TurnStatus {
        #[serde(rename = "stopped")]
        Stopped,
        #[serde(rename = "ended")]
        Ended,
    }

    impl ::std::fmt::Display for TurnStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Stopped => f.write_str("stopped"),
                Self::Ended => f.write_str("ended"),
            }
        }
    }

    impl ::std::str::FromStr for TurnStatus {
        type Err = self::error::ConversionError;
        fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "stopped" => Ok(Self::Stopped),
                "ended" => Ok(Self::Ended),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for TurnStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for TurnStatus {
        type Error = self::error::ConversionError;
        fn try_from(value: ::std::string::String) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    ///The result of a request to stop a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct TurnStopped {
        ///The turn's id.
        pub request_id: ::std::string::String,
        ///Whether the request has stopped the turn.
        pub status: TurnStatus,
    }

    ///The tokens of a turn.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct Usage {
        ///Tokens of the answer.
        pub completion_tokens: u64,
        ///The model that answered.
        pub model: ::std::string::String,
        ///Tokens of the prompt.
        pub prompt_tokens: u64,
        ///The sum of both.
        pub total_tokens: u64,
    }

    ///The cost of all turns since the database was created.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct UsageReport {
        ///The account at the model's provider.
        pub account_info: ProviderAccount,
        ///Always null: no provider reports it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub billing_credit_balance: ::std::option::Option<f64>,
        ///The address of the provider's page about billing.
        pub billing_dashboard_url: ::std::string::String,
        ///The cost of the answers, in US dollars.
        pub completion_cost_usd: f64,
        ///The cost in US dollars, each turn at its own model's price; models
        /// without a known price count as free.
        pub estimated_cost_usd: f64,
        ///The model that was used last.
        pub model: ::std::string::String,
        ///An explanation of these numbers.
        pub note: ::std::string::String,
        ///The cost of the prompts, in US dollars.
        pub prompt_cost_usd: f64,
        ///The number of answered turns.
        pub request_count: u64,
        ///Tokens of all answers.
        pub total_completion_tokens: u64,
        ///Tokens of all prompts.
        pub total_prompt_tokens: u64,
        ///The sum of both.
        pub total_tokens: u64,
        ///The address of the provider's page about usage.
        pub usage_dashboard_url: ::std::string::String,
    }

    ///The usage of one limit in its current window: the scope, the quota, and
    /// the amounts that are used and reserved.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct UsedLimit {
        ///The id of the count, for `DELETE /api/admin/limits/{count_id}`: the
        /// scope; `@` and the name of the site or API key if
        /// the limit is its own; a colon; and a hash of the visitor or the
        /// address in 32 hexadecimal digits. The same visitor has
        /// the same id at all times.
        pub count_id: ::std::string::String,
        ///The amount that the limit allows in the window.
        pub quota: u64,
        ///The amount that is reserved for turns that run at this replica.
        pub reserved: u64,
        ///The seconds until the window ends.
        pub resets_in_seconds: u64,
        ///Whose usage the limit counts.
        pub scope: LimitScope,
        ///What the limit counts: `turns`, `tokens`, or `usd-micros`,
        /// millionths of a US dollar.
        pub unit: LimitUnit,
        ///The amount that is used, with what other replicas have reserved for
        /// running turns.
        pub used: u64,
        ///For how long the limit counts.
        pub window: LimitWindow,
    }

    ///The limits that are nearly or wholly used up, those that are used the
    /// most first.
    #[derive(:: serde :: Deserialize, :: serde :: Serialize, Clone, Debug)]
    pub struct UsedLimits {
        ///Whether there are more of them.
        pub has_more: bool,
        ///The limits.
        pub limits: ::std::vec::Vec<UsedLimit>,
    }

    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for ConversionError {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }

        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}

#[derive(Clone, Debug)]
///Client for AL-Chat
///
///The server between a website's chat window and a language model. It holds
/// the API key, answers chat turns and writes a session log.
///
///Every error body is `{"error", "code", "request_id"}`: a sentence for
/// people, a stable code for programs, and the id to quote when asking for
/// help. Errors about an access token also have `msg`, the same sentence;
/// errors of the portal also have `"success": false`. Times are RFC 3339.
/// Unknown request fields are ignored, except those that hold content at other
/// endpoints: with content they are refused (`invalid_request`). Null means
/// absent.
///
///A request that is not valid HTTP gets 400 (`malformed_request`,
/// `invalid_host`, `invalid_transfer_encoding`), 414 (`uri_too_long`), 431
/// (`headers_too_large`), 501 (`unsupported_transfer_encoding`) or 505
/// (`http_version_not_supported`).
///
///Version: 0.1.0
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
}

impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap())
    }

    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(baseurl: &str, client: reqwest::Client) -> Self {
        Self { baseurl: baseurl.to_string(), client }
    }
}

impl ClientInfo<()> for Client {
    fn api_version() -> &'static str {
        "0.1.0"
    }

    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }

    fn client(&self) -> &reqwest::Client {
        &self.client
    }

    fn inner(&self) -> &() {
        &()
    }
}

impl ClientHooks<()> for &Client {}
#[allow(clippy::all)]
impl Client {
    ///Ask the model
    ///
    ///Starts one turn: the model answers the message, with its files, image
    /// and history. When the response is sent, the turn is in the session
    /// log. In demo mode (no source of a key is configured) the built-in
    /// responder answers, and `model` is `basic`.
    ///
    ///With `"stream": true`, or with an `Accept` that prefers
    /// `text/event-stream` to `application/json`, the response is a stream
    /// like that of `POST /api/chat/stream`. Requests with the same
    /// `Idempotency-Key` within a day run one turn.
    ///
    ///No login is required. An `Authorization` header must hold the valid
    /// token of an account; that account is then the caller, whatever
    /// `username` and `isGuest` say. Or it holds the API key of a server, which
    /// asks for others: then these say who the caller is.
    ///
    ///Sends a `POST` request to `/api/chat`
    ///
    ///Arguments:
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn.
    /// - `body`
    pub async fn chat<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::ChatRequest,
    ) -> Result<ResponseValue<types::ChatAnswer>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Ask the model, with a stream as the response
    ///
    ///Starts the same turn as `POST /api/chat`, with a stream as the response,
    /// whatever `stream` says. A client can resume a stream that was cut
    /// off, and can stop the turn.
    ///
    ///Sends a `POST` request to `/api/chat/stream`
    ///
    ///Arguments:
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn.
    /// - `body`
    pub async fn chat_stream<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::ChatRequest,
    ) -> Result<ResponseValue<ByteStream>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/stream", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo { operation_id: "chat_stream" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Resume a stream
    ///
    ///Returns the events of a turn after the last one that the client has
    /// received, while the turn runs and for a while after its end. A turn
    /// without a client is stopped after a few seconds. The response to a
    /// repeated `Idempotency-Key` may have other events than the first one,
    /// with the same text.
    ///
    ///Sends a `GET` request to `/api/chat/{request_id}/events`
    ///
    ///Arguments:
    /// - `request_id`: The turn's id: the `X-Request-Id` of its response.
    /// - `last_event_id`: The id of the last event that the client has
    ///   received; without it, all events are returned.
    /// - `x_session_id`: The session of the turn. If the header is present, it
    ///   must match.
    pub async fn chat_events<'a>(
        &'a self,
        request_id: &'a str,
        last_event_id: Option<&'a str>,
        x_session_id: Option<&'a str>,
    ) -> Result<ResponseValue<ByteStream>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/events", self.baseurl, encode_path(&request_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = last_event_id {
            header_map.append("Last-Event-ID", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self.client.get(url).headers(header_map).build()?;
        let info = OperationInfo { operation_id: "chat_events" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Stop a turn
    ///
    ///Closes the connection to the model at once. The text so far is the
    /// answer; the turn is logged and counted.
    ///
    ///Sends a `POST` request to `/api/chat/{request_id}/stop`
    ///
    ///Arguments:
    /// - `request_id`: The turn's id: the `X-Request-Id` of its response.
    /// - `x_session_id`: The session of the turn. If the header is present, it
    ///   must match.
    pub async fn chat_stop<'a>(
        &'a self,
        request_id: &'a str,
        x_session_id: Option<&'a str>,
    ) -> Result<ResponseValue<types::TurnStopped>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/stop", self.baseurl, encode_path(&request_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "chat_stop" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Ask about an image
    ///
    ///The same turn as `POST /api/chat`, with an image and by default the
    /// question `What is in this image?`. Besides JSON it takes forms,
    /// `multipart/form-data` and `application/x-www-form-urlencoded`, with the
    /// same fields: there `image` may be a file, `history` and
    /// `attached_files` are JSON.
    ///
    ///Sends a `POST` request to `/api/chat/image`
    ///
    ///Arguments:
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn.
    /// - `body`
    pub async fn chat_image<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::ChatRequest,
    ) -> Result<ResponseValue<types::ImageAnswer>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/image", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "chat_image" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Rate an answer
    ///
    ///Records what the caller of an answered turn thinks of the answer, up to
    /// seven days after it. A second request replaces the first one; the
    /// same again changes nothing, and a rating without a comment leaves the
    /// comment on the same rating as it is. The feedback on a turn can be
    /// changed 20 times.
    ///
    ///Sends a `POST` request to `/api/chat/{request_id}/feedback`
    ///
    ///Arguments:
    /// - `request_id`: The turn's id: the `X-Request-Id` of its response.
    /// - `x_session_id`: The session of the turn. If the header is present, it
    ///   must match.
    /// - `body`
    pub async fn give_feedback<'a>(
        &'a self,
        request_id: &'a str,
        x_session_id: Option<&'a str>,
        body: &'a types::FeedbackRequest,
    ) -> Result<ResponseValue<types::FeedbackRecorded>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/feedback", self.baseurl, encode_path(&request_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "give_feedback" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Request a ticket for a page
    ///
    ///A page that embeds the chat window proves by the ticket that it is a
    /// page of the site: the browser's `Origin` must be one of the site's,
    /// or this server's own. The ticket names site, origin and visitor, and is
    /// needed to ask if there are sites. Nothing is stored.
    ///
    ///Sends a `POST` request to `/api/embed/ticket`
    pub async fn request_ticket<'a>(
        &'a self,
        body: &'a types::TicketRequest,
    ) -> Result<ResponseValue<types::EmbedTicket>, Error<types::ErrorBody>> {
        let url = format!("{}/api/embed/ticket", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "request_ticket" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the personas
    ///
    ///Returns the personas that a turn or a new chat can name as `persona`.
    ///
    ///Sends a `GET` request to `/api/personas`
    pub async fn list_personas<'a>(
        &'a self,
    ) -> Result<ResponseValue<::std::vec::Vec<types::Persona>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/personas", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_personas" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Start a session
    ///
    ///A client can have any number of sessions at once. No body is needed; it
    /// is ignored. Nor is an `Authorization` header, but one that is there
    /// must be valid.
    ///
    ///Sends a `POST` request to `/api/session/start`
    pub async fn start_session<'a>(&'a self) -> Result<ResponseValue<types::SessionStarted>, Error<types::ErrorBody>> {
        let url = format!("{}/api/session/start", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "start_session" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Stop a session
    ///
    ///Logs the duration of the session, the client's `metrics`, and the
    /// server's own numbers. Accepts JSON sent as `text/plain`, as
    /// `navigator.sendBeacon` does. A second stop has the same response and
    /// logs nothing.
    ///
    ///Sends a `POST` request to `/api/session/stop`
    ///
    ///Arguments:
    /// - `x_session_id`: The session to stop.
    /// - `body`
    pub async fn stop_session<'a>(
        &'a self,
        x_session_id: Option<&'a str>,
        body: Option<&'a types::StopSessionRequest>,
    ) -> Result<ResponseValue<types::SessionStopped>, Error<types::ErrorBody>> {
        let url = format!("{}/api/session/stop", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "stop_session" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Ask for a person
    ///
    ///Passes on to the owner of the website that the visitor of a session asks
    /// for a person (`handover.requested` of `EVENTS_URL`). As when a
    /// session is stopped, the session may have ended, and need not have been
    /// started by this server. The same request is passed on once, as long
    /// as it waits. The body may be absent.
    ///
    ///Sends a `POST` request to `/api/session/{session_id}/handover`
    ///
    ///Arguments:
    /// - `session_id`: The session's id.
    /// - `body`
    pub async fn request_handover<'a>(
        &'a self,
        session_id: &'a str,
        body: Option<&'a types::HandoverRequest>,
    ) -> Result<ResponseValue<types::HandoverAccepted>, Error<types::ErrorBody>> {
        let url = format!("{}/api/session/{}/handover", self.baseurl, encode_path(&session_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "request_handover" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Erase the logged texts of a session
    ///
    ///Destroys the keys of the texts that `SESSION_LOG_CONTENT=on` has logged
    /// so far, so that no copy of the session log can be read any more; its
    /// numbers remain. Stored answers to repeated requests are erased, too, and
    /// streams cannot be read again; stored chats are not erased.
    ///An account erases its own texts, the operator those of everybody.
    ///
    ///Sends a `DELETE` request to `/api/session/{session_id}/content`
    ///
    ///Arguments:
    /// - `session_id`: The session's id, or the `content_key` of a line in the
    ///   session log, for turns that named no session.
    pub async fn erase_session_content<'a>(
        &'a self,
        session_id: &'a str,
    ) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/session/{}/content", self.baseurl, encode_path(&session_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "erase_session_content" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Register
    ///
    ///Creates an account. Names and addresses are unique without regard to
    /// case and surrounding white space.
    ///
    ///Sends a `POST` request to `/api/auth/register`
    pub async fn register<'a>(
        &'a self,
        body: &'a types::RegisterRequest,
    ) -> Result<ResponseValue<types::RegisteredAccount>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/register", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "register" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Log in
    ///
    ///By name or e-mail address. After several wrong passwords each further
    /// attempt takes longer, but never more than five seconds.
    ///
    ///Sends a `POST` request to `/api/auth/login`
    pub async fn login<'a>(
        &'a self,
        body: &'a types::LoginRequest,
    ) -> Result<ResponseValue<types::LoggedIn>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/login", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "login" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the account
    ///
    ///Returns the account of the access token.
    ///
    ///Sends a `GET` request to `/api/auth/me`
    pub async fn get_account<'a>(&'a self) -> Result<ResponseValue<types::Account>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/me", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_account" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Remove the account
    ///
    ///Deletes the account with its chats and messages, erases its texts in the
    /// session log if they are sealed, and revokes all its tokens.
    ///
    ///Sends a `DELETE` request to `/api/auth/me`
    pub async fn delete_account<'a>(&'a self) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/me", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "delete_account" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Log out
    ///
    ///Revokes the access token. No body is needed; it is ignored.
    ///
    ///Sends a `POST` request to `/api/auth/logout`
    pub async fn logout<'a>(&'a self) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/logout", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "logout" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Change the password
    ///
    ///Changes the password and revokes all tokens of the account. The response
    /// holds a new token.
    ///
    ///Sends a `POST` request to `/api/auth/password`
    pub async fn change_password<'a>(
        &'a self,
        body: &'a types::ChangePasswordRequest,
    ) -> Result<ResponseValue<types::PasswordChanged>, Error<types::ErrorBody>> {
        let url = format!("{}/api/auth/password", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "change_password" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the chats
    ///
    ///Returns all chats of the account, the one with the latest message first.
    /// With `limit` the list comes in pages; the `Link` header has the
    /// address of the next one.
    ///
    ///Sends a `GET` request to `/api/chat/histories`
    ///
    ///Arguments:
    /// - `before`: A position in the list, from a `Link` header.
    /// - `limit`: The largest number of entries.
    pub async fn list_chats<'a>(
        &'a self,
        before: Option<&'a str>,
        limit: Option<::std::num::NonZeroU64>,
    ) -> Result<ResponseValue<::std::vec::Vec<types::ChatSummary>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/histories", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_chats" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Search the messages
    ///
    ///Returns the account's messages that contain all words of `q`, without
    /// regard to case and accents; a word of three or more letters also
    /// matches longer words that begin with it. The latest messages come first,
    /// without their images.
    ///
    ///Sends a `GET` request to `/api/chat/search`
    ///
    ///Arguments:
    /// - `before`: A position in the list, from a `Link` header.
    /// - `limit`: The largest number of messages; 50 by default.
    /// - `q`: The words to search for.
    pub async fn search_messages<'a>(
        &'a self,
        before: Option<&'a str>,
        limit: Option<::std::num::NonZeroU64>,
        q: Option<&'a str>,
    ) -> Result<ResponseValue<::std::vec::Vec<types::FoundMessage>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/search", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "search_messages" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Create a chat
    ///
    ///No body is needed. A chat without a title is called `New Chat` until its
    /// first message gives it one.
    ///
    ///Sends a `POST` request to `/api/chat/create`
    pub async fn create_chat<'a>(
        &'a self,
        body: Option<&'a types::CreateChatRequest>,
    ) -> Result<ResponseValue<types::Chat>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/create", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "create_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read a chat
    ///
    ///Returns a chat of the account with all its messages.
    ///
    ///Sends a `GET` request to `/api/chat/{chat_id}`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    pub async fn get_chat<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<types::Chat>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Rename a chat
    ///
    ///Sets the title. Later messages don't change it.
    ///
    ///Sends a `PATCH` request to `/api/chat/{chat_id}`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    /// - `body`
    pub async fn rename_chat<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
        body: &'a types::RenameChatRequest,
    ) -> Result<ResponseValue<types::ChatSummary>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "rename_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Delete a chat
    ///
    ///Deletes the chat with its messages.
    ///
    ///Sends a `DELETE` request to `/api/chat/{chat_id}/delete`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    pub async fn delete_chat<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/delete", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "delete_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Clear a chat
    ///
    ///Deletes the messages of the chat; the chat itself remains. No body is
    /// needed; it is ignored.
    ///
    ///Sends a `POST` request to `/api/chat/{chat_id}/clear`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    pub async fn clear_chat<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/clear", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "clear_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Export a chat
    ///
    ///Returns the chat as a JSON file, with the same content as `GET
    /// /api/chat/{chat_id}`. With `format=markdown` the file is that of
    /// `GET /api/chat/{chat_id}/export/markdown`.
    ///
    ///Sends a `GET` request to `/api/chat/{chat_id}/export`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    /// - `format`: The format of the file; `json` by default.
    pub async fn export_chat<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
        format: Option<types::ExportFormat>,
    ) -> Result<ResponseValue<types::Chat>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/export", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("format", &format))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "export_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Export a chat as Markdown
    ///
    ///Returns the chat as a Markdown file.
    ///
    ///Sends a `GET` request to `/api/chat/{chat_id}/export/markdown`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    pub async fn export_chat_markdown<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<ByteStream>, Error<types::ErrorBody>> {
        let url = format!("{}/api/chat/{}/export/markdown", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self.client.get(url).headers(header_map).build()?;
        let info = OperationInfo { operation_id: "export_chat_markdown" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Send a message
    ///
    ///Adds a message to the chat and answers it, with as much of the chat's
    /// history as the model can read. Messages of one chat are answered one
    /// after the other. If the turn fails, the message stays with the status
    /// `failed` and can be retried; the error's `details.user_message_id`
    /// is its number.
    ///
    ///Streams, `Idempotency-Key`, stop and resume are the same as with `POST
    /// /api/chat`.
    ///
    ///Sends a `POST` request to `/api/messages/{chat_id}/send`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn, for the session log.
    /// - `body`
    pub async fn send_message<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::SendMessageRequest,
    ) -> Result<ResponseValue<types::MessageExchange>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}/send", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "send_message" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Send a message, with a stream as the response
    ///
    ///Starts the same turn as `POST /api/messages/{chat_id}/send`, with a
    /// stream as the response, whatever `stream` says.
    ///
    ///Sends a `POST` request to `/api/messages/{chat_id}/send/stream`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn, for the session log.
    /// - `body`
    pub async fn send_message_stream<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::SendMessageRequest,
    ) -> Result<ResponseValue<ByteStream>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}/send/stream", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo { operation_id: "send_message_stream" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the messages of a chat
    ///
    ///Returns all messages of the chat, the oldest first. With `limit` it
    /// returns the latest ones, the oldest of them first; the `Link` header
    /// has the address of earlier ones.
    ///
    ///Sends a `GET` request to `/api/messages/{chat_id}/messages`
    ///
    ///Arguments:
    /// - `chat_id`: The chat's number.
    /// - `before`: A position in the list, from a `Link` header; the messages
    ///   before it are returned.
    /// - `limit`: The largest number of entries.
    pub async fn list_messages<'a>(
        &'a self,
        chat_id: ::std::num::NonZeroU64,
        before: Option<&'a str>,
        limit: Option<::std::num::NonZeroU64>,
    ) -> Result<ResponseValue<::std::vec::Vec<types::Message>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}/messages", self.baseurl, encode_path(&chat_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_messages" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read a message
    ///
    ///Returns a message of the account, with its image.
    ///
    ///Sends a `GET` request to `/api/messages/{message_id}`
    ///
    ///Arguments:
    /// - `message_id`: The message's number.
    pub async fn get_message<'a>(
        &'a self,
        message_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<types::Message>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}", self.baseurl, encode_path(&message_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_message" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Delete a message
    ///
    ///Deletes this message only; its answer stays.
    ///
    ///Sends a `DELETE` request to `/api/messages/{message_id}`
    ///
    ///Arguments:
    /// - `message_id`: The message's number.
    pub async fn delete_message<'a>(
        &'a self,
        message_id: ::std::num::NonZeroU64,
    ) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}", self.baseurl, encode_path(&message_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "delete_message" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Retry a message
    ///
    ///Answers a message of the account whose turn has failed. Its position in
    /// the chat stays. No body is needed. With `"stream": true`, or an
    /// `Accept` as with `POST /api/chat`, the response is a stream.
    ///
    ///Sends a `POST` request to `/api/messages/{message_id}/retry`
    ///
    ///Arguments:
    /// - `message_id`: The message's number.
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn, for the session log.
    /// - `body`
    pub async fn retry_message<'a>(
        &'a self,
        message_id: ::std::num::NonZeroU64,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: Option<&'a types::RetryMessageRequest>,
    ) -> Result<ResponseValue<types::MessageExchange>, Error<types::ErrorBody>> {
        let url = format!("{}/api/messages/{}/retry", self.baseurl, encode_path(&message_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "retry_message" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Send a message to the portal
    ///
    ///Answers a message, with the visitor's history, which this server stores.
    /// Messages of one visitor are answered one after the other. Streams,
    /// `Idempotency-Key`, stop and resume are the same as with `POST
    /// /api/chat`. A message without an answer is not part of the history.
    ///
    ///Sends a `POST` request to `/chat`
    ///
    ///Arguments:
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn, for the session log.
    /// - `body`
    pub async fn portal_chat<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::PortalRequest,
    ) -> Result<ResponseValue<types::PortalAnswer>, Error<types::ErrorBody>> {
        let url = format!("{}/chat", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "portal_chat" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the visitor's chat
    ///
    ///Returns the messages of the visitor; none without a valid cookie.
    ///
    ///Sends a `GET` request to `/chat_history`
    pub async fn portal_history<'a>(&'a self) -> Result<ResponseValue<types::PortalHistory>, Error<types::ErrorBody>> {
        let url = format!("{}/chat_history", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "portal_history" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Clear the visitor's chat
    ///
    ///No body is needed; it is ignored.
    ///
    ///Sends a `POST` request to `/clear_chat`
    pub async fn portal_clear<'a>(&'a self) -> Result<ResponseValue<types::PortalDone>, Error<types::ErrorBody>> {
        let url = format!("{}/clear_chat", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "portal_clear" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read what answers
    ///
    ///Returns whether a language model or the built-in responder answers.
    ///
    ///Sends a `GET` request to `/api_status`
    pub async fn portal_status<'a>(&'a self) -> Result<ResponseValue<types::PortalStatus>, Error<types::ErrorBody>> {
        let url = format!("{}/api_status", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "portal_status" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            403u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the model and the source of its key
    ///
    ///Returns the current state. No part of the key is shown. Where the server
    /// listens for others, `credentials_info` is for the operator only.
    ///
    ///Sends a `GET` request to `/api/openai/info`
    pub async fn get_model_info<'a>(&'a self) -> Result<ResponseValue<types::ModelInfo>, Error<types::ErrorBody>> {
        let url = format!("{}/api/openai/info", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_model_info" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Ask the model for one word
    ///
    ///Checks whether the model answers, by a turn of a guest: it costs a few
    /// tokens, and is logged and counted. Concurrent requests share one
    /// turn. A limit of usage refuses it like any other turn. Where the server
    /// listens for others, it is for the operator only.
    ///
    ///Sends a `GET` request to `/api/openai/test`
    pub async fn test_model<'a>(&'a self) -> Result<ResponseValue<types::ModelTest>, Error<types::ErrorBody>> {
        let url = format!("{}/api/openai/test", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "test_model" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the cost of the model
    ///
    ///The totals survive a restart. Where the server listens for others, they
    /// are for the operator only.
    ///
    ///Sends a `GET` request to `/api/openai/usage`
    pub async fn get_usage<'a>(&'a self) -> Result<ResponseValue<types::UsageReport>, Error<types::ErrorBody>> {
        let url = format!("{}/api/openai/usage", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_usage" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Ask the model, in OpenAI's form
    ///
    ///Starts the same turn as `POST /api/chat`, with the requests, answers and
    /// errors of OpenAI's Chat Completions, for its SDKs. It needs an API
    /// key of this server. A persona (`persona/ID`) answers by its own prompt,
    /// which the system messages of the request follow; a model answers
    /// without a persona.
    ///
    ///With `"stream": true` the response is a stream of Server-Sent Events
    /// without names: each `data` is a chunk (`chat.completion.chunk`), an
    /// `error` as in other responses, or, as the last one of an answer,
    /// `[DONE]`. With `stream_options.include_usage` the numbers of tokens
    /// come before that, in a chunk without choices.
    ///
    ///Errors have the header `x-should-retry`, by which the SDKs repeat only
    /// what may be repeated. Requests with the same `Idempotency-Key`
    /// within a day run one turn.
    ///
    ///Sends a `POST` request to `/v1/chat/completions`
    ///
    ///Arguments:
    /// - `idempotency_key`: A key that the client chooses for this turn and
    ///   sends again with each repetition: 1 to 255 visible ASCII
    ///characters, best a random UUID. It is valid for a day.
    /// - `x_session_id`: The session of this turn.
    /// - `body`
    pub async fn create_chat_completion<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        x_session_id: Option<&'a str>,
        body: &'a types::ChatCompletionRequest,
    ) -> Result<ResponseValue<types::ChatCompletion>, Error<types::OpenAiErrorBody>> {
        let url = format!("{}/v1/chat/completions", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }

        if let Some(value) = x_session_id {
            header_map.append("X-Session-ID", value.to_string().try_into()?);
        }

        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "create_chat_completion" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            408u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            409u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            413u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            415u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            422u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            429u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            502u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            504u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the models, in OpenAI's form
    ///
    ///Returns what the API key may name as `model`: the models that clients
    /// may choose, and `persona/ID` for each persona.
    ///
    ///Sends a `GET` request to `/v1/models`
    pub async fn list_open_ai_models<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::OpenAiModelList>, Error<types::OpenAiErrorBody>> {
        let url = format!("{}/v1/models", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_open_ai_models" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Get a model, in OpenAI's form
    ///
    ///The name may have slashes, escaped or not.
    ///
    ///Sends a `GET` request to `/v1/models/{model}`
    ///
    ///Arguments:
    /// - `model`: The name of the model: its `id` in the list.
    pub async fn get_open_ai_model<'a>(
        &'a self,
        model: &'a str,
    ) -> Result<ResponseValue<types::OpenAiModel>, Error<types::OpenAiErrorBody>> {
        let url = format!("{}/v1/models/{}", self.baseurl, encode_path(&model.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_open_ai_model" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the state of the service
    ///
    ///Calls no other system, so it can be polled often.
    ///
    ///Sends a `GET` request to `/api/health`
    pub async fn get_health<'a>(&'a self) -> Result<ResponseValue<types::Health>, Error<types::ErrorBody>> {
        let url = format!("{}/api/health", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_health" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Check whether the process is alive
    ///
    ///Returns 503 when the process cannot recover by itself and should be
    /// restarted.
    ///
    ///Sends a `GET` request to `/api/health/live`
    pub async fn get_liveness<'a>(&'a self) -> Result<ResponseValue<types::Liveness>, Error<types::ErrorBody>> {
        let url = format!("{}/api/health/live", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_liveness" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Check whether the service can take traffic
    ///
    ///Returns 503 while the service starts or stops, while the database or the
    /// session log cannot be written, or after a background task has
    /// panicked.
    ///
    ///Sends a `GET` request to `/api/health/ready`
    pub async fn get_readiness<'a>(&'a self) -> Result<ResponseValue<types::Readiness>, Error<types::ErrorBody>> {
        let url = format!("{}/api/health/ready", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_readiness" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Check whether the service runs
    ///
    ///`GET /api/health` returns more details.
    ///
    ///Sends a `GET` request to `/health`
    pub async fn health_alias<'a>(&'a self) -> Result<ResponseValue<types::ServiceHealth>, Error<types::ErrorBody>> {
        let url = format!("{}/health", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "health_alias" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the limits that are nearly used up
    ///
    ///Returns the limits of which visitors, addresses or all together have
    /// used or reserved a part, those that are used the most first.
    /// Visitors and addresses are named by hashes only.
    ///
    ///Sends a `GET` request to `/api/admin/limits`
    ///
    ///Arguments:
    /// - `limit`: The largest number of limits; 100 by default.
    /// - `percent`: The least part of a limit that is used or reserved, in
    ///   percent; 80 by default.
    pub async fn list_limits<'a>(
        &'a self,
        limit: Option<::std::num::NonZeroU64>,
        percent: Option<u64>,
    ) -> Result<ResponseValue<types::UsedLimits>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/limits", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("percent", &percent))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_limits" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Reset a limit
    ///
    ///Forgets what a visitor, an address or all together have used in the
    /// minute and on the day that go on, at all replicas. Turns that run
    /// still count when they end. Another replica that refuses turns of that
    /// visitor goes on to do so for about a second after the next one.
    ///
    ///Sends a `DELETE` request to `/api/admin/limits/{count_id}`
    ///
    ///Arguments:
    /// - `count_id`: The id of the count, from `GET /api/admin/limits`.
    pub async fn reset_limit<'a>(
        &'a self,
        count_id: &'a str,
    ) -> Result<ResponseValue<types::Confirmation>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/limits/{}", self.baseurl, encode_path(&count_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "reset_limit" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the sites
    ///
    ///Returns the sites of the configuration file, sorted by id.
    ///
    ///Sends a `GET` request to `/api/admin/sites`
    pub async fn list_sites<'a>(
        &'a self,
    ) -> Result<ResponseValue<::std::vec::Vec<types::Site>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/sites", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_sites" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Pause all spending
    ///
    ///Stops all turns that run, and refuses new ones with `site_paused`: here
    /// at once, at other replicas within about two seconds. The
    /// pause survives restarts.
    ///
    ///Sends a `POST` request to `/api/admin/pause`
    pub async fn pause_spending<'a>(&'a self) -> Result<ResponseValue<types::Spending>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/pause", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "pause_spending" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Resume spending
    ///
    ///Ends the pause of all spending. Sites that are paused stay paused.
    ///
    ///Sends a `POST` request to `/api/admin/resume`
    pub async fn resume_spending<'a>(&'a self) -> Result<ResponseValue<types::Spending>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/resume", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "resume_spending" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Pause a site
    ///
    ///Stops the site's turns that run, and refuses new ones with
    /// `site_paused`: here at once, at other replicas within about two
    /// seconds. The pause survives restarts.
    ///
    ///Sends a `POST` request to `/api/admin/sites/{site_id}/pause`
    ///
    ///Arguments:
    /// - `site_id`: The site's id.
    pub async fn pause_site<'a>(
        &'a self,
        site_id: &'a str,
    ) -> Result<ResponseValue<types::Site>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/sites/{}/pause", self.baseurl, encode_path(&site_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "pause_site" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Resume a site
    ///
    ///Ends the operator's pause. A site that the configuration file pauses
    /// stays paused.
    ///
    ///Sends a `POST` request to `/api/admin/sites/{site_id}/resume`
    ///
    ///Arguments:
    /// - `site_id`: The site's id.
    pub async fn resume_site<'a>(
        &'a self,
        site_id: &'a str,
    ) -> Result<ResponseValue<types::Site>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/sites/{}/resume", self.baseurl, encode_path(&site_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "resume_site" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            404u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Report what was used
    ///
    ///Reads the session log of this replica and returns the figures of its
    /// turns, of all together and of each user, site, API key,
    /// persona, model, error code, day or hour: the same as `al-chat log
    /// report` prints. One report is made at a time.
    ///
    ///Sends a `GET` request to `/api/admin/usage`
    ///
    ///Arguments:
    /// - `by`: The field by which turns are grouped; without it, there are only
    ///   the figures of all turns.
    /// - `since`: Leaves out what was before a day (`2026-11-29`) or a time
    ///   (`2026-11-29T13:45` in the log's time zone, or with an offset).
    /// - `until`: Leaves out what was after this day, or from this time on.
    pub async fn report_usage<'a>(
        &'a self,
        by: Option<types::LogReportGrouping>,
        since: Option<&'a str>,
        until: Option<&'a str>,
    ) -> Result<ResponseValue<types::LogReport>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/usage", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("by", &by))
            .query(&progenitor_client::QueryParam::new("since", &since))
            .query(&progenitor_client::QueryParam::new("until", &until))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "report_usage" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Report what was used, as CSV
    ///
    ///Returns the figures of `GET /api/admin/usage` with a row for each group,
    /// in the columns of `al-chat log report --format csv`.
    ///
    ///Sends a `GET` request to `/api/admin/usage/csv`
    ///
    ///Arguments:
    /// - `by`: The field by which turns are grouped; without it, there is one
    ///   row, of all turns.
    /// - `since`: Leaves out what was before a day (`2026-11-29`) or a time
    ///   (`2026-11-29T13:45` in the log's time zone, or with an offset).
    /// - `until`: Leaves out what was after this day, or from this time on.
    pub async fn report_usage_csv<'a>(
        &'a self,
        by: Option<types::LogReportGrouping>,
        since: Option<&'a str>,
        until: Option<&'a str>,
    ) -> Result<ResponseValue<ByteStream>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/usage/csv", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .query(&progenitor_client::QueryParam::new("by", &by))
            .query(&progenitor_client::QueryParam::new("since", &since))
            .query(&progenitor_client::QueryParam::new("until", &until))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "report_usage_csv" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the figures of a day
    ///
    ///Reads the session log of this replica once, and returns the figures of a
    /// day's turns: of all, and by hour, model, site and persona. They are
    /// those of `GET /api/admin/usage`.
    ///
    ///Sends a `GET` request to `/api/admin/overview`
    ///
    ///Arguments:
    /// - `date`: The day, `2026-11-29`; today in the log's time zone by
    ///   default.
    pub async fn get_overview<'a>(
        &'a self,
        date: Option<&'a str>,
    ) -> Result<ResponseValue<types::Overview>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/overview", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("date", &date))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_overview" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the figures of past days
    ///
    ///Returns the figures of each of the days before today that has turns, in
    /// their order, of the session log of this replica. They are kept in
    /// memory until a file of the log has changed.
    ///
    ///Sends a `GET` request to `/api/admin/days`
    ///
    ///Arguments:
    /// - `count`: The number of days before today; 29 by default.
    pub async fn list_days<'a>(
        &'a self,
        count: Option<::std::num::NonZeroU64>,
    ) -> Result<ResponseValue<::std::vec::Vec<types::DayFigures>>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/days", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("count", &count))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_days" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read what the service does now
    ///
    ///Returns the turns that run at this replica, and the state of models,
    /// keys, queues, session log and database. Calls no other system.
    ///
    ///Sends a `GET` request to `/api/admin/status`
    pub async fn get_status<'a>(&'a self) -> Result<ResponseValue<types::ServiceStatus>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/status", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_status" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///List the sessions of a day
    ///
    ///Returns the sessions with turns on a day, or that began or ended then,
    /// in the session log of this replica: the latest first, by their last
    /// turn or else their beginning. At most the first 100,000 of a day are
    /// listed.
    ///
    ///Sends a `GET` request to `/api/admin/sessions`
    ///
    ///Arguments:
    /// - `after`: The cursor of the answer before, which this one continues.
    /// - `date`: The day, `2026-11-29`; today in the log's time zone by
    ///   default.
    /// - `limit`: The largest number of sessions; 100 by default.
    pub async fn list_sessions<'a>(
        &'a self,
        after: Option<&'a str>,
        date: Option<&'a str>,
        limit: Option<::std::num::NonZeroU64>,
    ) -> Result<ResponseValue<types::SessionPage>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/sessions", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("after", &after))
            .query(&progenitor_client::QueryParam::new("date", &date))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "list_sessions" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }

    ///Read the turns of a session
    ///
    ///Returns the turns of a session on a day, of the session log of this
    /// replica, with their questions and answers where the log has them and
    /// they were not erased. A session without turns on the day has an empty
    /// list.
    ///
    ///Sends a `GET` request to `/api/admin/sessions/{session_id}`
    ///
    ///Arguments:
    /// - `session_id`: The session's id.
    /// - `date`: The day, `2026-11-29`; today in the log's time zone by
    ///   default.
    pub async fn get_session_turns<'a>(
        &'a self,
        session_id: &'a str,
        date: Option<&'a str>,
    ) -> Result<ResponseValue<types::SessionTurns>, Error<types::ErrorBody>> {
        let url = format!("{}/api/admin/sessions/{}", self.baseurl, encode_path(&session_id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map.append(
            ::reqwest::header::HeaderName::from_static("api-version"),
            ::reqwest::header::HeaderValue::from_static(Self::api_version()),
        );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json"))
            .query(&progenitor_client::QueryParam::new("date", &date))
            .headers(header_map)
            .build()?;
        let info = OperationInfo { operation_id: "get_session_turns" };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            401u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            500u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            503u16 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}

/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
