from enum import StrEnum


class ProviderAccountStatus(StrEnum):
    ACTIVE = "active"
    KEY_REFUSED = "key_refused"
    NO_KEY = "no_key"

    def __str__(self) -> str:
        return str(self.value)
