from enum import StrEnum


class FeedbackStatus(StrEnum):
    RECORDED = "recorded"

    def __str__(self) -> str:
        return str(self.value)
