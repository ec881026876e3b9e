from enum import StrEnum


class FinishReason(StrEnum):
    CLIENT_GONE = "client_gone"
    COMPLETE = "complete"
    CONTENT_FILTER = "content_filter"
    LENGTH = "length"
    STOPPED = "stopped"
    TIMEOUT = "timeout"
    UPSTREAM_ERROR = "upstream_error"

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> "FinishReason | None":
        """Returns a member for a value that only later versions of the server have."""
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
