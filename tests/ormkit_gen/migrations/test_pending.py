"""Which changes of schema files want a migration, and which of them need no server to know."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from ormkit.migrations.chain import Chain, read_chain
from ormkit_gen.cli.commands import run
from ormkit_gen.generation import read_schemas
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.pending import certain_change, pending_change
from ormkit_gen.project.settings import read_settings
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

Output = pytest.CaptureFixture[str]
#: Changes that the database does not notice.
SAME = {
    "another attribute": ("created_at = { type", 'made = { column = "created_at", type'),
    "another class": ("[models.User", "[models.Person"),
    "another order": ('title = "varchar(200)"\nbody', "body"),
    "another default of Python": ('bio = "text?"', 'bio = { type = "text?", private = true }'),
}
#: Changes that it does notice.
OTHER = {
    "type": ('bio = "text?"', 'bio = "varchar?"'),
    "column": ('bio = "text?"', 'bio = "text?"\nage = "integer?"'),
    "name": ('bio = "text?"', 'about = "text?"'),
    "nullable": ('bio = "text?"', 'bio = "text"'),
    "default": ('default = ""', 'comment = "x"'),
    "on delete": ('on_delete = "cascade", ', ""),
    "index": (", index = true }\ntitle", " }\ntitle"),
    "comment": ("An author", "The author"),
}
#: Those of which only a server knows.
EXPRESSIONS = {
    "reworded": ('"now()"', '"(now())"', True),
    "changed": ('"now()"', '"clock_timestamp()"', False),
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `ormkit init` begins it."""
    directory = tmp_path_factory.mktemp("pending") / "project"
    assert run(["init", str(directory)]) == 0
    return directory


@pytest.fixture
def project(started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> Path:
    directory = tmp_path / "project"
    shutil.copytree(started, directory)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    capsys.readouterr()
    return directory


def edit(project: Path, old: str, new: str) -> None:
    file = project / "schemas/blog.toml"
    text = file.read_text()
    assert old in text
    text = text.replace(old, new)
    if old.startswith("[models."):
        text = text.replace('"User"', '"Person"')
    elif old.startswith("title"):
        text = text.replace("\nis_published", '\ntitle = "varchar(200)"\nis_published')
    file.write_text(text)


def now(project: Path) -> tuple[Chain, Schema]:
    settings = read_settings(project / "pyproject.toml")
    (schema,) = read_schemas(settings, settings.targets).schemas
    return read_chain(project / "migrations"), schema


def test_what_the_database_does_not_notice_wants_no_migration(project: Path) -> None:
    for old, new in SAME.values():
        edit(project, old, new)
        assert certain_change(*now(project), "migrations") is None, new


@pytest.mark.parametrize("kind", OTHER)
def test_what_it_notices_wants_one(project: Path, kind: str) -> None:
    edit(project, *OTHER[kind])
    found = certain_change(*now(project), "migrations")
    assert found is not None
    assert re.search(r"the schema has changed since \d{8}-\d{4}-start-", found.message)


@pytest.mark.parametrize("kind", EXPRESSIONS)
def test_the_server_compares_expressions(project: Path, kind: str, server18: Server) -> None:
    old, new, is_same = EXPRESSIONS[kind]
    edit(project, old, new)
    chain, schema = now(project)
    assert certain_change(chain, schema, "migrations") is None
    found = asyncio.run(pending_change(chain, schema, "migrations", server18.url))
    assert (found is None) is is_same


def test_generate_asks_for_the_migration_and_its_check_fails(project: Path, capsys: Output) -> None:
    edit(project, *OTHER["column"])
    assert run(["generate"]) == 0
    assert "warning: the schema has changed since" in capsys.readouterr().err
    assert run(["generate", "--check"]) == 1
    shown = capsys.readouterr()
    assert "error: the schema has changed since" in shown.err
    assert "write one: ormkit migrate new NAME" in shown.err
    assert run(["generate", "--diff"]) == 0
    assert "warning: the schema has changed since" in capsys.readouterr().err
    # Without a directory of migrations nothing is asked.
    (project / "migrations").rename(project / "elsewhere")
    assert run(["generate", "--check"]) == 0
    assert capsys.readouterr().err == "db is up to date\n"


def test_generate_works_beside_migrations_that_are_no_chain(project: Path, capsys: Output) -> None:
    (first,) = (project / "migrations").iterdir()
    other = first.with_name("20260101-0000-other-a1b2")
    other.mkdir()
    for file in first.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert run(["generate"]) == 0
    assert "both are the first one" in capsys.readouterr().err
    assert run(["generate", "--check"]) == 1
    assert "error: the migrations" in capsys.readouterr().err


def test_the_first_migration_is_what_new_would_write(
    project: Path, server18: Server, capsys: Output
) -> None:
    """And it verifies, without a warning."""
    assert run(["migrate", "check", "--shadow", server18.url]) == 0
    assert capsys.readouterr().err.endswith("1 migration: all is well\n")
    (first,) = read_chain(project / "migrations")
    (project / "migrations").rename(project / "elsewhere")
    assert run(["migrate", "new", "start", "--shadow", server18.url]) == 0
    (second,) = read_chain(project / "migrations")
    assert first.files == second.files
