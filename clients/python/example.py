"""Asks a question and prints the answer while it arrives: python example.py "When are you open?" """

import os
import sys

from al_chat_client import AuthenticatedClient, Client
from al_chat_client.api.session import start_session, stop_session
from al_chat_client.models import ChatDeltaEvent, ChatRequest, ErrorBody, SessionStarted, StopSessionRequest
from al_chat_turns import TurnError, stream_turn


def make_client() -> AuthenticatedClient | Client:
    url = os.environ.get("AL_CHAT_URL", "http://127.0.0.1:5000")
    # An API key, which `al-chat keys create NAME` makes. A server without sites needs none.
    key = os.environ.get("AL_CHAT_KEY")
    return AuthenticatedClient(base_url=url, token=key) if key else Client(base_url=url)


def main() -> int:
    client = make_client()
    session = start_session.sync(client=client)
    if not isinstance(session, SessionStarted):
        print(session.error if isinstance(session, ErrorBody) else "no session", file=sys.stderr)
        return 1
    question = sys.argv[1] if len(sys.argv) > 1 else "Hello! What can you do?"
    turn = stream_turn(client, ChatRequest(message=question), session_id=session.session_id)
    try:
        for event in turn:
            if isinstance(event, ChatDeltaEvent):
                print(event.data.content, end="", flush=True)
        if turn.answer:
            print(f"\n({turn.answer.usage.total_tokens} tokens, by {turn.answer.model})")
        return 0
    except TurnError as error:
        print(f"{error} ({error.code}, request {error.request_id})", file=sys.stderr)
        return 1
    finally:
        stop_session.sync(client=client, body=StopSessionRequest(session_id=session.session_id))


if __name__ == "__main__":
    sys.exit(main())
