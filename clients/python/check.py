"""Uses the service as another team would, strictly typed."""

import os
import uuid

from al_chat_client.api.auth import get_account, login, register
from al_chat_client.api.chat import chat, chat_stop
from al_chat_client.api.chats import create_chat, export_chat_markdown, get_chat
from al_chat_client.api.health import get_health
from al_chat_client.api.messages import send_message
from al_chat_client.api.session import start_session, stop_session
from al_chat_client.client import AuthenticatedClient, Client
from al_chat_client.models import (
    Account,
    Chat,
    ChatAnswer,
    ChatDeltaEvent,
    ChatDoneEvent,
    ChatRequest,
    ChatStartEvent,
    CreateChatRequest,
    ErrorBody,
    ErrorCode,
    FinishReason,
    Health,
    HealthStatus,
    HistoryEntry,
    HistoryRole,
    LoggedIn,
    LoginRequest,
    MessageExchange,
    MessageSender,
    RegisteredAccount,
    RegisterRequest,
    SendMessageRequest,
    SessionStarted,
    SessionStopped,
    StopSessionRequest,
    TurnStatus,
    TurnStopped,
)
from al_chat_turns import Turn, TurnError, stream_message, stream_turn

BASE_URL = os.environ["AL_CHAT_URL"]
PASSWORD = "Correct-Horse-77"


def read(turn: Turn) -> ChatAnswer:
    """Reads a turn to its end, and checks that its events are in order and whole."""
    start, *deltas, done = turn
    assert isinstance(start, ChatStartEvent) and isinstance(done, ChatDoneEvent)
    text = "".join(delta.data.content for delta in deltas if isinstance(delta, ChatDeltaEvent))
    assert text == turn.text == done.data.message
    assert start.data.request_id == turn.request_id == done.data.request_id
    assert turn.answer is done.data
    return done.data


def signed_in_member(client: Client) -> AuthenticatedClient:
    name = f"py-{uuid.uuid4().hex[:12]}"
    email = f"{name}@example.org"
    made = register.sync(client=client, body=RegisterRequest(username=name, email=email, password=PASSWORD))
    assert isinstance(made, RegisteredAccount) and made.email == email
    signed_in = login.sync(client=client, body=LoginRequest(username=email, password=PASSWORD))
    assert isinstance(signed_in, LoggedIn) and signed_in.user.id == made.id
    member = AuthenticatedClient(base_url=BASE_URL, token=signed_in.access_token)
    account = get_account.sync(client=member)
    assert isinstance(account, Account) and account.id == made.id
    return member


def session_with_turns(client: Client, member: AuthenticatedClient) -> None:
    health = get_health.sync(client=client)
    assert isinstance(health, Health) and health.status is HealthStatus.HEALTHY
    started = start_session.sync(client=member)
    assert isinstance(started, SessionStarted)
    history = [HistoryEntry(role=HistoryRole.USER, content="Hi"), HistoryEntry(HistoryRole.ASSISTANT, "Hello!")]
    body = ChatRequest(message="How are you?", history=history, session_id=started.session_id)
    key = str(uuid.uuid4())
    answer = chat.sync(client=member, body=body, idempotency_key=key)
    assert isinstance(answer, ChatAnswer) and answer.message
    assert answer.finish_reason is FinishReason.COMPLETE and answer.session_id == started.session_id
    repeated = read(stream_turn(member, body, idempotency_key=key))
    assert repeated.request_id == answer.request_id and repeated.message == answer.message, "the same turn"
    stopped = stop_session.sync(client=member, body=StopSessionRequest(session_id=started.session_id))
    assert isinstance(stopped, SessionStopped) and stopped.session_id == started.session_id
    assert isinstance(stop_session.sync(client=member), SessionStopped), "a stop without a body"


def errors(client: Client, member: AuthenticatedClient) -> None:
    refused = chat.sync_detailed(client=member, body=ChatRequest())
    assert refused.status_code == 400 and isinstance(refused.parsed, ErrorBody)
    assert refused.parsed.code is ErrorCode.MESSAGE_REQUIRED
    assert refused.parsed.request_id == refused.headers["x-request-id"]
    unknown = login.sync(client=client, body=LoginRequest(username="nobody", password=PASSWORD))
    assert isinstance(unknown, ErrorBody) and unknown.code is ErrorCode.WRONG_LOGIN


def kept_chat(member: AuthenticatedClient) -> None:
    assert isinstance(create_chat.sync(client=member), Chat), "a chat without a body"
    begun = create_chat.sync(client=member, body=CreateChatRequest(title="From Python"))
    assert isinstance(begun, Chat) and begun.messages == []
    said = send_message.sync(begun.id, client=member, body=SendMessageRequest(text="Hello!"))
    assert isinstance(said, MessageExchange)
    assert said.user_message.sender is MessageSender.USER and said.ai_response.sender is MessageSender.BOT
    answer = read(stream_message(member, begun.id, SendMessageRequest(text="And again!")))
    kept = get_chat.sync(begun.id, client=member)
    assert isinstance(kept, Chat) and [message.id for message in kept.messages][-1] == answer.ai_response_id
    markdown = export_chat_markdown.sync(begun.id, client=member)
    assert isinstance(markdown, str) and markdown.startswith("# From Python\n")


def stopped_turn(client: Client) -> None:
    turn = stream_turn(client, ChatRequest(message="endless"))
    for _ in turn:
        if turn.text.count("on") == 3 and turn.answer is None:
            assert turn.stop().status is TurnStatus.STOPPED
    assert turn.answer and turn.answer.finish_reason is FinishReason.STOPPED
    assert turn.answer.message.startswith("on on on")
    again = chat_stop.sync(turn.answer.request_id, client=client)
    assert isinstance(again, TurnStopped) and again.status is TurnStatus.ENDED


def failed_turns(client: Client) -> None:
    try:
        list(stream_turn(client, ChatRequest()))
        raise AssertionError("an empty question was answered")
    except TurnError as error:
        assert (error.code, error.status) == (ErrorCode.MESSAGE_REQUIRED, 400)
    turn = stream_turn(client, ChatRequest(message="cut off"))
    try:
        list(turn)
        raise AssertionError("half an answer is an answer")
    except TurnError as error:
        assert (error.code, error.status) == (ErrorCode.MODEL_CONNECTION_LOST, None)
    assert turn.text.startswith("You said: ")


def main() -> None:
    client = Client(base_url=BASE_URL)
    member = signed_in_member(client)
    session_with_turns(client, member)
    stopped_turn(client)
    errors(client, member)
    failed_turns(client)
    kept_chat(member)
    print("the Python client's calls are all answered as their types say")


if __name__ == "__main__":
    main()
