"""Turns as streams of typed events, which survive a lost connection. The other calls are in `al_chat_client`."""

from al_chat_turns.errors import ConnectionLost, OtherAnswer, TurnError
from al_chat_turns.turn import Turn, TurnEvent, stream_message, stream_turn

__all__ = (
    "ConnectionLost",
    "OtherAnswer",
    "Turn",
    "TurnError",
    "TurnEvent",
    "stream_message",
    "stream_turn",
)
