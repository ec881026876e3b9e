from enum import StrEnum


class CredentialSource(StrEnum):
    LOCAL_ENV = "local_env"
    NONE = "none"
    PAPITA_API = "papita_api"

    def __str__(self) -> str:
        return str(self.value)
