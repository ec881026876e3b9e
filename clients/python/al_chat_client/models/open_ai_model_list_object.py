from enum import StrEnum


class OpenAiModelListObject(StrEnum):
    LIST = "list"

    def __str__(self) -> str:
        return str(self.value)
