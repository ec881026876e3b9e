from enum import StrEnum


class ChatDeltaEventName(StrEnum):
    DELTA = "delta"

    def __str__(self) -> str:
        return str(self.value)
