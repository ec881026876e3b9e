from enum import StrEnum


class LogReportGrouping(StrEnum):
    CODE = "code"
    DAY = "day"
    HOUR = "hour"
    KEY = "key"
    MODEL = "model"
    PERSONA = "persona"
    SITE = "site"
    USER = "user"

    def __str__(self) -> str:
        return str(self.value)
