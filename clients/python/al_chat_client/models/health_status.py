from enum import StrEnum


class HealthStatus(StrEnum):
    HEALTHY = "healthy"
    STOPPING = "stopping"

    def __str__(self) -> str:
        return str(self.value)
