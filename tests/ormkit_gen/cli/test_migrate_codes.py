"""The exit codes of `ormkit migrate`, and what its JSON documents have: one table for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.cli.commands import run
from tests.ormkit.migrations.projects import Project
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

USERS = "CREATE TABLE public.users (id bigint PRIMARY KEY);"
#: What every document has.
ALWAYS = {"command", "exit_code", "diagnostics"}
STATUS = {"migrations", "pending", "unfinished", "steps", "running"}
RUN = {"applied", "left"}
#: What an error leaves besides.
FAILED = {"targets"}

Situation = Callable[[Project, Callable[..., int]], tuple[str, ...]]


def nothing(files: Project, ormkit: Callable[..., int]) -> tuple[str, ...]:
    """No migration at all."""
    return ()


def pending(files: Project, ormkit: Callable[..., int]) -> tuple[str, ...]:
    """One migration that the database does not have."""
    return (files.add("start", USERS, down=("DROP TABLE public.users;",)).id,)


def applied(files: Project, ormkit: Callable[..., int]) -> tuple[str, ...]:
    """One migration that the database has."""
    found = pending(files, ormkit)
    assert ormkit("apply") == 0
    return found


def failed(files: Project, ormkit: Callable[..., int]) -> tuple[str, ...]:
    """A migration whose first step is done, and whose second one has failed."""
    found = (files.add("start", USERS, "SELECT 1 / 0;").id,)
    assert ormkit("apply") == 2
    return found


def edited(files: Project, ormkit: Callable[..., int]) -> tuple[str, ...]:
    """A migration that was changed after it had run."""
    found = applied(files, ormkit)
    assert files.last is not None
    files.edit(files.last, "bigint", "integer")
    return found


TABLE: list[tuple[Situation, tuple[str, ...], int, set[str]]] = [
    (nothing, ("status",), 0, STATUS),
    (nothing, ("apply",), 2, FAILED),
    (nothing, ("apply", "--dry-run"), 0, {"pending"}),
    (nothing, ("resume",), 0, RUN),
    (nothing, ("down",), 2, FAILED),
    (nothing, ("abandon", "20260101-0000-none-aaaa"), 2, FAILED),
    (nothing, ("baseline",), 2, FAILED),
    (nothing, ("squash",), 2, FAILED),
    (nothing, ("rebase",), 0, {"moved", "rows"}),
    (nothing, ("lint",), 0, {"migrations"}),
    (pending, ("status",), 1, STATUS),
    (pending, ("apply", "--dry-run"), 1, {"pending"}),
    (pending, ("apply", "--to", "other"), 2, FAILED),
    (pending, ("apply",), 0, RUN),
    (pending, ("resume",), 0, RUN),
    (pending, ("down",), 2, FAILED),
    (pending, ("baseline",), 1, {"differences"}),
    (pending, ("lint", "other"), 2, FAILED),
    (applied, ("status",), 0, STATUS),
    (applied, ("apply",), 0, RUN),
    (applied, ("apply", "--dry-run"), 0, {"pending"}),
    (applied, ("down",), 0, {"taken_back"}),
    (applied, ("status", "--restore", "{0}"), 0, {"written"}),
    (applied, ("status", "--restore", "other"), 2, FAILED),
    (applied, ("baseline",), 1, {"differences"}),
    (failed, ("status",), 1, STATUS),
    (failed, ("apply",), 2, FAILED),
    (failed, ("apply", "--dry-run"), 1, {"pending"}),
    (failed, ("resume",), 2, FAILED),
    (failed, ("abandon", "{0}"), 1, {"undone", "stays"}),
    (edited, ("status",), 2, STATUS),
    (edited, ("apply",), 2, FAILED),
    (edited, ("apply", "--dry-run"), 2, FAILED),
]


def label(row: Any) -> str:
    """Return the name of a case."""
    return row.__name__ if callable(row) else "-".join(map(str, row)) if row else ""


@pytest.mark.parametrize(
    ("situation", "arguments", "code", "keys"),
    TABLE,
    ids=[f"{label(row[0])}-{label(row[1])}" for row in TABLE],
)
def test_each_command_has_its_code_and_its_document(
    situation: Situation,
    arguments: tuple[str, ...],
    code: int,
    keys: set[str],
    project: Path,
    database_url: str,
    server18: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("DATABASE_URL", database_url)
    settings = project / "ormkit.toml"
    settings.write_text(f'shadow = "{server18.url}"\n{settings.read_text()}')

    def ormkit(*words: str) -> int:
        return run(["migrate", *words])

    found = situation(Project(project / "migrations"), ormkit)
    capsys.readouterr()
    words = [each.format(*found) for each in arguments]
    assert ormkit(*words, "--json") == code
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == ALWAYS | keys
    assert (document["command"], document["exit_code"]) == (f"migrate {words[0]}", code)
    if keys == FAILED:
        assert [each["severity"] for each in document["diagnostics"]] == ["error"]


@pytest.mark.parametrize(
    "command",
    ["status", "apply", "resume", "down", "abandon", "baseline", "check", "lint", "new"],
)
def test_a_wrong_option_or_a_missing_database_is_an_error(
    command: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert run(["migrate", command, "--wrong"]) == 2
    assert "--wrong" in capsys.readouterr().err
    if command in ("status", "apply", "resume", "down"):
        assert run(["migrate", command]) == 2
        assert "[no-database]" in capsys.readouterr().err
