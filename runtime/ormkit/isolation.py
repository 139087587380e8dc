"""How a transaction begins: its isolation level and modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import ConfigurationError

Isolation = Literal["read committed", "repeatable read", "serializable"]
ISOLATIONS = ("read committed", "repeatable read", "serializable")


@dataclass(frozen=True, slots=True)
class TransactionOptions:
    """How a transaction begins; None leaves the server's default."""

    isolation: Isolation | None = None
    is_read_only: bool = False
    is_deferrable: bool = False

    def __post_init__(self) -> None:
        if self.isolation is not None and self.isolation not in ISOLATIONS:
            raise ConfigurationError(
                f"isolation={self.isolation!r}: it is one of {', '.join(map(repr, ISOLATIONS))}"
            )

    @property
    def sql(self) -> str:
        """The statement that begins it."""
        words = ["BEGIN"]
        if self.isolation is not None:
            words.append(f"ISOLATION LEVEL {self.isolation.upper()}")
        if self.is_read_only:
            words.append("READ ONLY")
        if self.is_deferrable:
            words.append("DEFERRABLE")
        return " ".join(words)
