"""Reads turns whose connections fail: by way of the proxy that cuts them off, and by scripted_server.py."""

import os
from unittest.mock import patch

import httpx

from al_chat_client.api.chats import create_chat
from al_chat_client.client import AuthenticatedClient, Client
from al_chat_client.models import Chat, ChatDeltaEvent, ChatRequest, SendMessageRequest
from al_chat_turns import ConnectionLost, OtherAnswer, Turn, TurnError, stream_message, stream_turn
from check import BASE_URL, read, signed_in_member

PROXY_URL = os.environ["CUTTING_PROXY_URL"]
SCRIPTED_URL = os.environ["SCRIPTED_SERVER_URL"]
CLIENTS_KEY = os.environ["CLIENTS_KEY"]

WORDS = "one \u2028 two \u0085 three \r four ü five 😀 six"
"""A question that the fake model repeats in its answer, with characters that some programs take for ends of lines."""


def scripted(question: str) -> Turn:
    return stream_turn(Client(base_url=SCRIPTED_URL), ChatRequest(message=question))


def requests(turn: Turn) -> list[str]:
    """The requests of a turn that the scripted server has received."""
    received: list[str] = httpx.get(f"{SCRIPTED_URL}/requests/{turn.idempotency_key}").json()
    return received


def check_whole(turn: Turn) -> None:
    assert "".join(event.data.content for event in turn if isinstance(event, ChatDeltaEvent)) == "One two"
    assert turn.answer and turn.answer.message == turn.text == "One two"


def failure(turn: Turn) -> Exception:
    try:
        list(turn)
    except Exception as error:
        return error
    raise AssertionError(f"the turn has an answer: {turn.text}")


def broken_connections() -> None:
    cuts = f"{PROXY_URL}/cuts"
    member = signed_in_member(Client(base_url=BASE_URL))
    for question in (WORDS, f"forgotten {WORDS}"):
        before = httpx.get(cuts).json()
        client = AuthenticatedClient(base_url=PROXY_URL, token=CLIENTS_KEY)
        answer = read(stream_turn(client, ChatRequest(message=question)))
        assert WORDS in answer.message, answer.message
        assert httpx.get(cuts).json() - before == 2
        chat = create_chat.sync(client=member)
        assert isinstance(chat, Chat)
        client = AuthenticatedClient(base_url=PROXY_URL, token=member.token)
        answer = read(stream_message(client, chat.id, SendMessageRequest(text=question)))
        assert WORDS in answer.message, answer.message
        assert httpx.get(cuts).json() - before == 4


def lost_answers() -> None:
    turn = scripted("no event of the second answer")
    check_whole(turn)
    assert requests(turn) == ["POST", "GET after 2", "POST", "GET"]
    for question in ("another answer", "a shorter answer"):
        turn = scripted(question)
        error = failure(turn)
        assert isinstance(error, OtherAnswer), repr(error)
        assert turn.answer is None and len(requests(turn)) == 3


def passing_failures() -> None:
    check_whole(scripted("an error at the second question"))
    turn = scripted("a damaged event")
    check_whole(turn)
    assert requests(turn) == ["POST", "GET after 2"]


def silence() -> None:
    with patch("al_chat_turns.turn.TIMEOUT", httpx.Timeout(10, read=0.5)):
        turn = scripted("silence")
        check_whole(turn)
        assert requests(turn) == ["POST", "GET after 2"]
    # A comment is not silence.
    with patch("al_chat_turns.turn.TIMEOUT", httpx.Timeout(10, read=1.5)), patch("time.sleep") as pause:
        read(stream_turn(Client(base_url=BASE_URL), ChatRequest(message="pause")))
    assert pause.call_count == 0, "another connection"


def later_versions() -> None:
    turn = scripted("a later code")
    error = failure(turn)
    assert isinstance(error, TurnError), repr(error)
    assert (error.code, error.status) == ("code_of_a_later_version", 400)
    assert requests(turn) == ["POST"]
    error = failure(scripted("a later code in an event"))
    assert isinstance(error, TurnError), repr(error)
    assert (error.code, error.code.value, error.status) == ("code_of_a_later_version",) * 2 + (None,)
    turn = scripted("a later reason")
    list(turn)
    assert turn.answer and turn.answer.finish_reason == "reason_of_a_later_version"
    assert turn.answer.to_dict()["finish_reason"] == "reason_of_a_later_version"


def stop_of_a_proxy() -> None:
    turn = scripted("a later reason")
    list(turn)
    try:
        turn.stop()
        raise AssertionError("a proxy stopped a turn")
    except ConnectionLost as error:
        assert "returned the status 502" in str(error)


def unreachable_server() -> None:
    with patch("time.sleep") as pause:
        error = failure(stream_turn(Client(base_url="http://127.0.0.1:1"), ChatRequest(message="Hello!")))
    assert isinstance(error, httpx.ConnectError), repr(error)
    assert [call.args[0] for call in pause.call_args_list] == [0.2, 0.5, 1, 2, 4]


def main() -> None:
    broken_connections()
    lost_answers()
    passing_failures()
    silence()
    later_versions()
    stop_of_a_proxy()
    unreachable_server()
    print("the Python client's turns survive connections that fail")


if __name__ == "__main__":
    main()
