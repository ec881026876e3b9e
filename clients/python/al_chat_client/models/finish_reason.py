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
