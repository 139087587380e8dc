"""What one check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check; a problem has a remedy."""

    check: str
    state: State
    message: str
    remedy: str = ""

    def line(self) -> str:
        """Return it as text."""
        text = f"{self.state:8} {self.check}: {self.message}"
        return f"{text}\n         {self.remedy}" if self.remedy else text

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def ok(check: str, message: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", message)


def note(check: str, message: str, remedy: str) -> Finding:
    """Return what works, and could be better."""
    return Finding(check, "note", message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    """Return what does not work."""
    return Finding(check, "problem", message, remedy)


def listed(check: str, names: Sequence[str], what: str, remedy: str) -> Finding:
    """Return a note that names what was found; that all is well where that is nothing."""
    if not names:
        return ok(check, f"no {what}")
    return note(check, f"{what}: {', '.join(names)}", remedy)
