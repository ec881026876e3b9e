from enum import StrEnum


class ChatStartEventName(StrEnum):
    START = "start"

    def __str__(self) -> str:
        return str(self.value)
