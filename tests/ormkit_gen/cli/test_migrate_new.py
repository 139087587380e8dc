"""`ormkit migrate new`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ormkit.migrations.chain import read_chain
from ormkit_gen.cli.commands import run
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

Output = pytest.CaptureFixture[str]
NAME = 'name = "varchar(100)"'


@pytest.fixture(autouse=True)
def in_project(project: Path, server18: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = project / "ormkit.toml"
    settings.write_text(f'shadow = "{server18.url}"\n{settings.read_text()}')
    monkeypatch.chdir(project)
    return project


def edit(project: Path, old: str, new: str) -> None:
    file = project / "schemas/blog.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def folders(project: Path) -> list[str]:
    directory = project / "migrations"
    return sorted(each.name for each in directory.iterdir()) if directory.exists() else []


def test_a_project_from_its_first_migration_on(project: Path, capsys: Output) -> None:
    assert run(["migrate", "new", "start"]) == 0
    (first,) = read_chain(project / "migrations")
    assert first.header.parent is None
    assert "CREATE TABLE public.post (" in first.steps[0].sql
    assert first.id in capsys.readouterr().out
    # Without a change nothing is written.
    assert run(["migrate", "new", "again"]) == 0
    assert len(folders(project)) == 1
    assert "nothing has changed" in capsys.readouterr().err

    edit(project, NAME, f'{NAME}\nage = "int?"')
    assert run(["migrate", "new", "Add age!"]) == 0
    _, second = read_chain(project / "migrations")
    assert second.header.parent_hash == first.hash
    assert "-add-age-" in second.id
    assert second.steps[0].measured == ('AccessExclusive on public."user"',)

    # What has no answer is asked with the flags that answer, and nothing is written.
    edit(project, NAME, 'full_name = "varchar(100)"')
    capsys.readouterr()
    assert run(["migrate", "new", "rename"]) == 2
    assert "--rename user.name=user.full_name or --drop user.name" in capsys.readouterr().err
    assert len(folders(project)) == 2
    arguments = ["migrate", "new", "rename", "--rename", "user.name=user.full_name", "--json"]
    assert run(arguments) == 0
    document: Any = json.loads(capsys.readouterr().out)
    (written,) = document["migrations"]
    assert "RENAME COLUMN name TO full_name" in written["steps"][0]["sql"]

    # What goes is a second migration.
    edit(project, 'full_name = "varchar(100)"\n', "")
    assert run(["migrate", "new", "drop", "--drop", "user.full_name"]) == 0
    *_, expand, contract = read_chain(project / "migrations")
    assert [expand.header.phase, contract.header.phase] == ["expand", "contract"]
    assert all(not name.startswith(".") for name in folders(project))


def test_a_migration_by_hand_and_one_with_python(project: Path, capsys: Output) -> None:
    assert run(["migrate", "new", "start"]) == 0
    assert run(["migrate", "new", "by hand", "--empty"]) == 0
    edit(project, NAME, f'{NAME}\nage = "int?"')
    assert run(["migrate", "new", "fill", "--data", "--model", "User"]) == 0
    _, empty, data = read_chain(project / "migrations")
    assert empty.steps[0].notes
    assert [step.mode for step in data.steps] == ["transaction", "data"]
    assert data.directory is not None
    assert "from .after import User" in (data.directory / "data.py").read_text()
    assert "age" in (data.directory / "after/user.py").read_text()
    assert "age" not in (data.directory / "before/user.py").read_text()
    assert not (data.directory / "after/post.py").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rename", "user.name=user.other"], "--rename user.name=user.other names nothing"),
        (["--drop", "user.nam"], "--drop user.nam names nothing"),
        (["--consent", "rewrite:usr"], "--consent rewrite:usr names nothing"),
        (["--rename", "user.name"], "--rename takes OLD=NEW"),
    ],
)
def test_a_flag_that_says_nothing_is_an_error(
    project: Path, capsys: Output, flags: list[str], message: str
) -> None:
    assert run(["migrate", "new", "start"]) == 0
    assert run(["migrate", "new", "more", *flags]) == 2
    assert message in capsys.readouterr().err
    assert len(folders(project)) == 1
