"""The progress line: in place on a terminal, rare in a log, silent for short work."""

from __future__ import annotations

import io

import pytest

from ormkit_gen.cli.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock; the test turns it by hand."""
    now = [0.0]
    monkeypatch.setattr("ormkit_gen.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_two_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)
    for done in range(1, 11):
        clock[0] += 0.5
        line(done, 10)
    assert stream.getvalue() == "formatting: 4 of 10 files\nformatting: 8 of 10 files\n"


def test_a_terminal_s_line_is_overwritten_and_cleared(clock: list[float]) -> None:
    stream = Terminal()
    line = ProgressLine(stream)
    for done in range(1, 4):
        clock[0] += 1
        line(done, 3)
    assert stream.getvalue() == ("\rformatting: 1 of 3 files\rformatting: 2 of 3 files\r\x1b[K")


def test_short_work_shows_nothing(clock: list[float]) -> None:
    stream = Terminal()
    line = ProgressLine(stream)
    line(1, 2)
    line(2, 2)
    assert stream.getvalue() == ""
