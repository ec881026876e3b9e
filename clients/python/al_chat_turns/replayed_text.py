"""An answer that is read a second time."""

from al_chat_turns.errors import OtherAnswer


class ReplayedText:
    """The text of an answer that is read from its start again, of which the reader has a part already."""

    def __init__(self, known: str) -> None:
        self._known = known
        self._length = 0

    @property
    def is_complete(self) -> bool:
        """Whether all that the reader has was read again."""
        return self._length >= len(self._known)

    def new_part(self, piece: str) -> str:
        """Returns what the reader does not have of the next piece. Pieces may be divided otherwise than the first time."""
        known = self._known[self._length : self._length + len(piece)]
        if not piece.startswith(known):
            raise OtherAnswer
        self._length += len(piece)
        return piece[len(known) :]
