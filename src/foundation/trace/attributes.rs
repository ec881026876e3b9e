//! The names of spans and of their attributes: those of OpenTelemetry's semantic conventions (of generative AI, HTTP, errors and
//! databases), and this service's own, which begin with `al_chat`.

/// The name of a turn's span.
pub const TURN: &str = "invoke_agent";
/// The beginning of the name of a span for a call to a model; the model's name follows.
pub const MODEL_CALL: &str = "chat";
/// The span of looking for a provider's API key.
pub const KEY: &str = "provider key";
/// The span of asking the guard about a question.
pub const GUARD_QUESTION: &str = "guard question";
/// The span of asking the guard about a piece of an answer.
pub const GUARD_ANSWER: &str = "guard answer";
/// The span of asking the context hook.
pub const CONTEXT_HOOK: &str = "context hook";
/// The span of writing a turn's line to the session log.
pub const LOG: &str = "session log write";
/// The span from queueing a turn for the database to the end of the transaction that stores it.
pub const DATABASE: &str = "database write";
/// The span of storing a question in its chat and reading the history, with waiting for earlier turns in the chat.
pub const OPEN_CHAT: &str = "stored chat open";
/// The span of storing the answer in its chat.
pub const CLOSE_CHAT: &str = "stored chat close";
/// The span of storing the answer for repetitions with the same `Idempotency-Key`.
pub const SETTLE_KEY: &str = "idempotency key settle";

/// What a span's work is: `invoke_agent` for a turn, `chat` for a call to a model.
pub const OPERATION: &str = "gen_ai.operation.name";
/// The provider of the model.
pub const PROVIDER: &str = "gen_ai.provider.name";
/// The persona.
pub const AGENT: &str = "gen_ai.agent.id";
/// The session.
pub const SESSION: &str = "session.id";
/// The stored chat.
pub const CONVERSATION: &str = "gen_ai.conversation.id";
/// The model that was asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered, by its server's name.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Why the model stopped, a list.
pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// The tokens of the prompt.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// The tokens of the answer.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// The question, as JSON. Only where texts are logged openly.
pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
/// The answer, as JSON. Only where texts are logged openly.
pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
/// The host that is called.
pub const SERVER_ADDRESS: &str = "server.address";
/// The port that is called.
pub const SERVER_PORT: &str = "server.port";
/// The status of the response.
pub const STATUS: &str = "http.response.status_code";
/// The code of the error; `cancelled` for a call that was given up.
pub const ERROR: &str = "error.type";

/// The id of the request, as in the session log and the diagnostics.
pub const REQUEST_ID: &str = "al_chat.request_id";
/// The site whose page the visitor has used.
pub const SITE: &str = "al_chat.site";
/// The name of the API key with which a server has asked.
pub const API_KEY_NAME: &str = "al_chat.api_key";
/// How the turn has ended, as in the session log.
pub const FINISH: &str = "al_chat.finish";
/// The number of calls to models.
pub const ATTEMPTS: &str = "al_chat.attempts";
/// The number of a call within its turn.
pub const ATTEMPT: &str = "al_chat.attempt";
/// The cost in US dollars.
pub const COST: &str = "al_chat.cost_usd";
/// Whether the client wants a stream.
pub const STREAM: &str = "al_chat.stream";
/// The time from the request's arrival to the first text, in seconds.
pub const FIRST_WORD: &str = "al_chat.first_word_seconds";
/// The source of the provider's API key.
pub const KEY_SOURCE: &str = "al_chat.key.source";
/// What a hook has said, as in the session log.
pub const OUTCOME: &str = "al_chat.hook.outcome";

/// The name of the service, in the resource of all spans.
pub const SERVICE_NAME: &str = "service.name";
/// The version of the service.
pub const SERVICE_VERSION: &str = "service.version";
/// The id of the process, as in its lines of the session log.
pub const SERVICE_INSTANCE: &str = "service.instance.id";
