"""Refusals: diagnostics that are not about a schema."""

from __future__ import annotations

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.ir import Position


class Refusal(Exception):
    """The command cannot do its work. Nothing was written."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics


def problem(code: str, message: str, remedy: str, at: Position | None = None) -> Diagnostic:
    """Return the diagnostic of an error."""
    return Diagnostic(severity="error", code=code, message=message, remedy=remedy, at=at)
