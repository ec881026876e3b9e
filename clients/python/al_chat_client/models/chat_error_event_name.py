from enum import StrEnum


class ChatErrorEventName(StrEnum):
    ERROR = "error"

    def __str__(self) -> str:
        return str(self.value)
