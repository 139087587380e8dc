"""Comparison of texts with the files under tests/golden."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent / "golden"


class Golden:
    """Compares a text with the expected one, or writes it where updates were asked for."""

    def __init__(self, *, updates: bool) -> None:
        self.updates = updates

    def check(self, name: str, text: str) -> None:
        """Assert that the file tests/golden/NAME holds exactly this text."""
        file = DIRECTORY / name
        if self.updates:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file} is missing: run pytest --update-golden and read it"
        assert text == file.read_text(encoding="utf-8")
