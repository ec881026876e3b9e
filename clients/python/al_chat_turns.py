"""Turns as streams of typed events, which survive a lost connection. The other calls are in `al_chat_client`."""

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from al_chat_client.api.chat import chat_stop
from al_chat_client.client import AuthenticatedClient, Client
from al_chat_client.models import (
    ChatAnswer,
    ChatDeltaEvent,
    ChatDoneEvent,
    ChatErrorEvent,
    ChatRequest,
    ChatStartEvent,
    ErrorBody,
    ErrorCode,
    SendMessageRequest,
    TurnStopped,
)
from al_chat_client.types import UNSET

TurnEvent = ChatStartEvent | ChatDeltaEvent | ChatDoneEvent
"""An event of a turn that goes well: the start, then the pieces of the answer, and the end."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses before further connections, in seconds; each event that is new starts the list anew."""

TIMEOUT = httpx.Timeout(10, read=45)
"""On an open stream something arrives every 15 seconds, at least a comment."""


class TurnError(Exception):
    """A turn that the server refused, or that failed later. `code` says why; docs/errors.md lists all codes."""

    def __init__(self, body: ErrorBody, status: int | None = None) -> None:
        super().__init__(body.error)
        self.code: ErrorCode = body.code
        self.body = body
        self.request_id = body.request_id
        """The id of the failed request; quote it when asking for help."""
        self.status = status
        """The HTTP status of a refusal, None for a turn that failed after its answer had begun."""


class ConnectionLost(Exception):
    """The server could not be reached again, so that the rest of the answer is missing."""


class Turn:
    """
    A question and its answer. Iterating over it sends the question and reads the answer, over as many connections as that
    needs, and raises a `TurnError` if the server refuses the turn or the turn fails.
    """

    def __init__(
        self,
        client: AuthenticatedClient | Client,
        path: str,
        body: ChatRequest | SendMessageRequest,
        session_id: str | None,
        idempotency_key: str | None,
    ) -> None:
        self.idempotency_key = idempotency_key or str(uuid.uuid4())
        """What to pass as `idempotency_key` to read the same answer again, for example after a restart."""
        self.request_id: str | None = None
        """The turn's id, known from the response on."""
        self.text = ""
        """The text so far."""
        self.answer: ChatAnswer | None = None
        """The whole answer, once the turn is done."""
        self._client = client
        self._path = path
        self._body = body.to_dict()
        self._session = {} if session_id is None else {"X-Session-ID": session_id}
        self._last_event_id: str | None = None
        self._has_started = False
        self._replayed: str | None = None

    def stop(self) -> TurnStopped:
        """Stops the turn at the server. Its events then end, and the `finish_reason` is `stopped`."""
        if self.request_id is None:
            raise ValueError("The turn has no id yet: stop it after its first event.")
        session_id = self._session.get("X-Session-ID", UNSET)
        stopped = chat_stop.sync(self.request_id, client=self._client, x_session_id=session_id)
        if isinstance(stopped, TurnStopped):
            return stopped
        raise TurnError(stopped) if stopped else ConnectionLost("The server did not say whether the turn is stopped.")

    def __iter__(self) -> Iterator[TurnEvent]:
        tries = 0
        while True:
            try:
                for received in self._connection():
                    event = self._apply(received)
                    if event is not None:
                        tries = 0
                        yield event
                    if self.answer is not None:
                        return
                raise ConnectionLost("The connection ended before the answer did.")
            except (httpx.TransportError, ConnectionLost):
                if tries == len(PAUSES):
                    raise
                time.sleep(PAUSES[tries])
                tries += 1

    def _connection(self) -> Iterator[ServerSentEvent]:
        """The events of one connection: the rest of the answer, or all of it if the server has no rest to return."""
        if self.request_id is not None:
            last = {} if self._last_event_id is None else {"Last-Event-ID": self._last_event_id}
            with self._request("GET", f"/api/chat/{self.request_id}/events", headers=last) as response:
                if response.status_code >= 500:
                    raise ConnectionLost(f"The server, or a proxy before it, returned the status {response.status_code}.")
                if response.status_code not in (204, 400, 404):
                    yield from events_of(response)
                    return
        # For the first time or again: the key finds the turn, if it is still known.
        key = {"Idempotency-Key": self.idempotency_key}
        with self._request("POST", self._path, headers=key, json=self._body) as response:
            if response.is_success:
                self.request_id = response.headers.get("X-Request-Id")
                self._replayed = ""
            yield from events_of(response)

    def _request(
        self, method: str, path: str, headers: dict[str, str], **body: Any
    ) -> AbstractContextManager[httpx.Response]:
        headers = {**headers, **self._session}
        return self._client.get_httpx_client().stream(method, path, headers=headers, timeout=TIMEOUT, **body)

    def _apply(self, received: ServerSentEvent) -> TurnEvent | None:
        """Returns what is new to the reader, if anything is."""
        self._last_event_id = received.id
        event = {"id": int(received.id), "event": received.event, "data": received.json()}
        match received.event:
            case "start":
                start = ChatStartEvent.from_dict(event)
                self.request_id = start.data.request_id
                is_repeated, self._has_started = self._has_started, True
                return None if is_repeated else start
            case "delta":
                delta = ChatDeltaEvent.from_dict(event)
                delta.data.content = self._new_part(delta.data.content)
                self.text += delta.data.content
                return delta if delta.data.content else None
            case "done":
                done = ChatDoneEvent.from_dict(event)
                self.answer = done.data
                return done
            case "error":
                raise TurnError(ChatErrorEvent.from_dict(event).data)
        return None

    def _new_part(self, piece: str) -> str:
        """Returns what the reader does not have of a piece. Read again, an answer may be divided into other pieces."""
        if self._replayed is None:
            return piece
        before = len(self._replayed)
        self._replayed += piece
        if not (self._replayed.startswith(self.text) or self.text.startswith(self._replayed)):
            raise ValueError("The server no longer has the answer that was begun, and gave another one. Ask again.")
        new_part = piece[max(0, len(self.text) - before) :]
        if len(self._replayed) >= len(self.text):
            self._replayed = None
        return new_part


def events_of(response: httpx.Response) -> Iterator[ServerSentEvent]:
    """The events of a response; an error body is raised."""
    if response.headers.get("Content-Type", "").startswith("text/event-stream"):
        yield from EventSource(response).iter_sse()
        return
    response.read()
    try:
        body = ErrorBody.from_dict(response.json())
    except (ValueError, KeyError, TypeError):
        raise ConnectionLost(f"The server, or a proxy before it, returned the status {response.status_code}.") from None
    raise TurnError(body, response.status_code)


def stream_turn(
    client: AuthenticatedClient | Client,
    body: ChatRequest,
    *,
    session_id: str | None = None,
    idempotency_key: str | None = None,
) -> Turn:
    """Asks a question: the events of its answer, as they arrive."""
    return Turn(client, "/api/chat/stream", body, session_id, idempotency_key)


def stream_message(
    client: AuthenticatedClient | Client,
    chat_id: int,
    body: SendMessageRequest,
    *,
    session_id: str | None = None,
    idempotency_key: str | None = None,
) -> Turn:
    """Sends a message to a stored chat: the events of the answer, as they arrive."""
    return Turn(client, f"/api/messages/{chat_id}/send/stream", body, session_id, idempotency_key)
