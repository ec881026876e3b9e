from enum import StrEnum


class OpenAiModelObject(StrEnum):
    MODEL = "model"

    def __str__(self) -> str:
        return str(self.value)
