from enum import StrEnum


class MessageSender(StrEnum):
    BOT = "bot"
    USER = "user"

    def __str__(self) -> str:
        return str(self.value)
