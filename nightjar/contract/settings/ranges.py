"""Where a search looks for the value of a tunable setting."""

from dataclasses import dataclass

Value = int | float


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, a whole one where both are; `is_log` samples its order of magnitude."""

    low: Value
    high: Value
    is_log: bool = False

    def holds(self, value: Value) -> bool:
        """Whether the value is in it."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{' (log)' if self.is_log else ''}"


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    values: tuple[Value, ...]

    def holds(self, value: Value) -> bool:
        """Whether the value is in it."""
        return value in self.values

    def __str__(self) -> str:
        return ", ".join(f"{value:g}" for value in self.values)


Range = Between | OneOf
