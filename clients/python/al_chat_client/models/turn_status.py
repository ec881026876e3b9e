from enum import StrEnum


class TurnStatus(StrEnum):
    ENDED = "ended"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return str(self.value)
