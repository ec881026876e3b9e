from enum import StrEnum


class LimitScope(StrEnum):
    ADDRESS = "address"
    FEEDBACK = "feedback"
    HANDOVERS = "handovers"
    KEY = "key"
    SESSIONS = "sessions"
    SITE = "site"
    TOTAL = "total"
    VISITOR = "visitor"

    def __str__(self) -> str:
        return str(self.value)
