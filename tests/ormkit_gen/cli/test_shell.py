"""The prompt of `ormkit shell`: what Ctrl-C does, and the history."""

from __future__ import annotations

import asyncio
import os
import readline
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.cli.console import Console
from ormkit_gen.cli.history import MOST_LINES, history, history_file, keep

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    readline.clear_history()
    yield history_file()
    readline.clear_history()


def test_ctrl_c_cancels_what_an_input_awaits(
    loop: asyncio.AbstractEventLoop, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[str] = []

    async def query() -> None:
        loop.call_later(0.01, os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("query")

    names: dict[str, Any] = {"query": query}
    console = Console(names, loop)
    before = signal.getsignal(signal.SIGINT)
    assert not console.push("await query()")
    assert ended == ["query"]
    assert not asyncio.all_tasks(loop)
    assert signal.getsignal(signal.SIGINT) is before
    assert "KeyboardInterrupt" in capsys.readouterr().err
    console.push("import asyncio; answer = await asyncio.sleep(0, 42)")
    assert names["answer"] == 42


def test_a_history_is_there_the_next_time(state: Path) -> None:
    with history():
        readline.add_history("await session.query(User).count()")
        readline.add_history("url = 'postgresql://ada:hunter2@host/db'")
        readline.add_history("dict(password='hunter2')")
    assert state.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in state.read_text()
    readline.clear_history()
    with history():
        assert readline.get_current_history_length() == 1
        assert readline.get_history_item(1) == "await session.query(User).count()"


def test_a_history_has_so_many_lines(state: Path) -> None:
    keep(str(number) for number in range(MOST_LINES + 5))
    lines = state.read_text().splitlines()
    assert (len(lines), lines[0]) == (MOST_LINES, "5")


def test_a_prompt_works_without_a_place_for_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with history():
        pass
