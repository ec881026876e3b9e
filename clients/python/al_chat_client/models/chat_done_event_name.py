from enum import StrEnum


class ChatDoneEventName(StrEnum):
    DONE = "done"

    def __str__(self) -> str:
        return str(self.value)
