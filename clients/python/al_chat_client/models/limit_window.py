from enum import StrEnum


class LimitWindow(StrEnum):
    DAY = "day"
    MINUTE = "minute"

    def __str__(self) -> str:
        return str(self.value)
