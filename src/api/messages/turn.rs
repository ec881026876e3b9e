//! The turn that answers a message of a stored chat: a new message, or one whose turn failed.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::body::{MessageBody, MessageContent};
use crate::{
    adapters::storage::{Exchange, Sender},
    api::{
        AppState,
        caller::AskedFrom,
        personas::persona_of_chat,
        problem::Problem,
        request_context::RequestContext,
        turn::{AnswerSource, EventStream, Reply, TurnHeaders, named_model, named_session, start_stream, start_turn},
    },
    domain::{
        account::Account,
        chat::{Caller, Message},
        limits::AskerId,
    },
    services::turn::{StoredChatTurn, TurnRequest},
};

/// A message and its answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "MessageExchange", example)]
pub(super) struct MessageExchange {
    /// The user's message.
    user_message: MessageBody,
    /// The model's answer.
    ai_response: MessageBody,
    /// The same as `ai_response`.
    #[oai(deprecated)]
    ai_message: MessageBody,
    /// The pages that the answer is based on, in the order of their importance.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<AnswerSource>>,
}

impl MessageExchange {
    fn new(user_message: MessageBody, ai_response: MessageBody, sources: Option<Vec<AnswerSource>>) -> Self {
        Self { user_message, ai_message: ai_response.clone(), ai_response, sources }
    }
}

/// The parts of a turn that come from the request, its account and the stored chat.
pub(super) struct MessageTurn<'a> {
    pub(super) state: &'a AppState,
    pub(super) context: &'a RequestContext,
    pub(super) from: AskedFrom,
    pub(super) account: Account,
    pub(super) headers: TurnHeaders,
    /// The id of the chat's persona.
    pub(super) persona: Option<String>,
    pub(super) model: Option<String>,
    pub(super) stream: Option<bool>,
}

impl MessageTurn<'_> {
    /// Starts the turn, and returns both messages or the stream of events, as the request asks for.
    pub(super) async fn reply(
        self,
        stored_chat: StoredChatTurn,
        message: Message,
    ) -> Result<Reply<MessageExchange>, Problem> {
        let state = self.state;
        let image_url = message.images.first().map(|image| image.url().to_owned());
        let sent = message.content.clone();
        start_turn(state, self.request(stored_chat, message)?, |text, summary, reader| {
            let asked = reader.masked_question().unwrap_or(sent);
            let asked = MessageContent { sender: Sender::User, text: asked, image_url, sources: None };
            let sources = AnswerSource::all(summary.sources);
            let Exchange { question, answer } = summary.exchange.ok_or_else(Problem::internal)?;
            let answered = MessageContent { sender: Sender::Bot, text, image_url: None, sources: sources.clone() };
            Ok(MessageExchange::new(
                MessageBody::from_stored(question, stored_chat, asked, &state.clock),
                MessageBody::from_stored(answer, stored_chat, answered, &state.clock),
                sources,
            ))
        })
        .await
    }

    /// Starts the turn, and returns the stream of its events.
    pub(super) async fn stream(self, stored_chat: StoredChatTurn, message: Message) -> Result<EventStream, Problem> {
        let state = self.state;
        start_stream(state, self.request(stored_chat, message)?).await
    }

    fn request(self, stored_chat: StoredChatTurn, message: Message) -> Result<TurnRequest, Problem> {
        let MessageTurn { state, context, from, account, headers, .. } = self;
        let session_id = named_session([headers.session, None, None])?;
        context.note_session(session_id.as_ref());
        Ok(TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller: Caller::of_account(&account),
            session_id,
            asker: from.asker(AskerId::Account(account.id), context),
            stored_chat: Some(stored_chat),
            model: named_model(self.model),
            persona: persona_of_chat(state, self.persona.as_deref())?,
            language: headers.language,
            context: None,
            server_instruction: None,
            options: None,
            messages: vec![message],
            stream: self.stream.unwrap_or(headers.accepts_events),
            is_model_test: false,
            idempotency_key: headers.idempotency_key,
            trace: context.trace(),
            body: context.take_body(),
        })
    }
}

impl Example for MessageExchange {
    fn example() -> Self {
        Self::new(MessageBody::example(), MessageBody::example_answer(), None)
    }
}
