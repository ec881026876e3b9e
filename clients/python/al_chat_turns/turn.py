"""Questions, and the streams of their answers."""

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from al_chat_client.client import AuthenticatedClient, Client
from al_chat_client.models import (
    ChatAnswer,
    ChatDeltaEvent,
    ChatDoneEvent,
    ChatErrorEvent,
    ChatRequest,
    ChatStartEvent,
    SendMessageRequest,
    TurnStopped,
)
from al_chat_turns.errors import ConnectionLost, OtherAnswer, TurnError, refusal
from al_chat_turns.replayed_text import ReplayedText

TurnEvent = ChatStartEvent | ChatDeltaEvent | ChatDoneEvent
"""An event of a turn that goes well: the start, then the pieces of the answer, and the end."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses before further connections, in seconds; each event that is new starts the list anew."""

TIMEOUT = httpx.Timeout(10, read=45)
"""On an open stream something arrives every 15 seconds or sooner, at least a comment."""


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
        """The turn's `Idempotency-Key`. Passed as `idempotency_key` again, also after a restart, it returns the same answer."""
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
        self._replayed: ReplayedText | None = None

    def stop(self) -> TurnStopped:
        """Stops the turn at the server. Its events then end, and the `finish_reason` is `stopped`."""
        if self.request_id is None:
            raise ValueError("The turn has no id yet: stop it after its first event.")
        with self._request("POST", f"/api/chat/{self.request_id}/stop", headers={}) as response:
            if not response.is_success:
                raise refusal(response)
            response.read()
            return TurnStopped.from_dict(response.json())

    def __iter__(self) -> Iterator[TurnEvent]:
        tries = 0
        while True:
            try:
                for received in self._connection():
                    event = self._read(received)
                    if event is not None:
                        tries = 0
                        yield event
                    if self.answer is not None:
                        return
                raise ConnectionLost("The connection ended before the answer did.")
            except (httpx.TransportError, ConnectionLost, TurnError) as error:
                if self._is_final(error) or tries == len(PAUSES):
                    raise
                time.sleep(PAUSES[tries])
                tries += 1

    def _connection(self) -> Iterator[ServerSentEvent]:
        """The events of one connection: the rest of the answer, or all of it if the server has no rest to return."""
        if self.request_id is not None:
            last = {} if self._last_event_id is None else {"Last-Event-ID": self._last_event_id}
            with self._request("GET", f"/api/chat/{self.request_id}/events", headers=last) as response:
                if response.status_code not in (204, 400, 404):
                    yield from events_of(response)
                    return
        # For the first time or again: the key finds the turn, if it is still known.
        key = {"Idempotency-Key": self.idempotency_key}
        with self._request("POST", self._path, headers=key, json=self._body) as response:
            if response.is_success:
                self.request_id = response.headers.get("X-Request-Id")
                self._last_event_id = None
                self._replayed = ReplayedText(self.text) if self.text else None
            yield from events_of(response)

    def _request(
        self, method: str, path: str, headers: dict[str, str], **body: Any
    ) -> AbstractContextManager[httpx.Response]:
        headers = {**headers, **self._session}
        return self._client.get_httpx_client().stream(method, path, headers=headers, timeout=TIMEOUT, **body)

    def _is_final(self, error: Exception) -> bool:
        """Whether another connection cannot help. A refused resumption may succeed later, when the server has restarted."""
        if not isinstance(error, TurnError):
            return False
        return self.request_id is None or error.status is None or error.status < 500

    def _read(self, received: ServerSentEvent) -> TurnEvent | None:
        """Returns what is new to the reader, if anything is."""
        # A comment ends in a blank line, which httpx-sse takes for an event.
        if not received.data:
            return None
        try:
            event = self._apply(
                received.event, {"id": int(received.id), "event": received.event, "data": received.json()}
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConnectionLost(f"An event could not be read: {error!r}") from error
        self._last_event_id = received.id
        return event

    def _apply(self, name: str, event: dict[str, Any]) -> TurnEvent | None:
        match name:
            case "start":
                start = ChatStartEvent.from_dict(event)
                self.request_id = start.data.request_id
                is_repeated, self._has_started = self._has_started, True
                return None if is_repeated else start
            case "delta":
                delta = ChatDeltaEvent.from_dict(event)
                if self._replayed:
                    delta.data.content = self._replayed.new_part(delta.data.content)
                    if self._replayed.is_complete:
                        self._replayed = None
                self.text += delta.data.content
                return delta if delta.data.content else None
            case "done":
                done = ChatDoneEvent.from_dict(event)
                if self._replayed:
                    raise OtherAnswer
                self.answer = done.data
                return done
            case "error":
                raise TurnError(ChatErrorEvent.from_dict(event).data)
        return None


def events_of(response: httpx.Response) -> Iterator[ServerSentEvent]:
    """The events of a response; an error body is raised."""
    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise refusal(response)
    yield from EventSource(response).iter_sse()


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
