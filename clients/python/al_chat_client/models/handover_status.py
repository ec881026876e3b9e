from enum import StrEnum


class HandoverStatus(StrEnum):
    REQUESTED = "requested"

    def __str__(self) -> str:
        return str(self.value)
