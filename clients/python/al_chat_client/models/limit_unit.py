from enum import StrEnum


class LimitUnit(StrEnum):
    TOKENS = "tokens"
    TURNS = "turns"
    USD_MICROS = "usd-micros"

    def __str__(self) -> str:
        return str(self.value)
