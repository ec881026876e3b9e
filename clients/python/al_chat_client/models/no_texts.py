from enum import StrEnum


class NoTexts(StrEnum):
    ALTERED = "altered"
    ERASED = "erased"
    NOT_LOGGED = "not_logged"

    def __str__(self) -> str:
        return str(self.value)
