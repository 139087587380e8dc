"""`ormkit doctor` names what is wrong, and `ormkit shell` runs what is typed."""

from __future__ import annotations

import importlib
import io
import json
import re
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.cli.doctor.installation import _accelerator
from tests.ormkit_gen.cli.conftest import SETTINGS, Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
def database(project: Path, ormkit: Command, server18: Server) -> Iterator[str]:
    """The URL of a database with the project's schema; the server is the shadow, too."""
    (project / "ormkit.toml").write_text(f'shadow = "{server18.url}"\n{SETTINGS}')
    assert ormkit("generate").returncode == 0
    with server18.database() as url:
        server18.run_script(url, ormkit("sql").stdout)
        yield url


def checks_of(ormkit: Command, *arguments: str) -> dict[str, tuple[str, str]]:
    done = ormkit("doctor", "--json", *arguments)
    document: Any = json.loads(done.stdout)
    found = document["checks"]
    assert done.returncode == document["exit_code"]
    assert document["exit_code"] == any(each["state"] == "problem" for each in found)
    assert all(each["remedy"] for each in found if each["state"] != "ok")
    return {each["check"]: (each["state"], each["message"]) for each in found}


def test_a_sound_project_has_no_problem(database: str, ormkit: Command) -> None:
    found = checks_of(ormkit, "--database", database)
    assert {name for name, (state, _) in found.items() if state == "problem"} == set()
    assert found["code"] == ("ok", "app/db is up to date")
    assert found["tables"] == ("ok", "are those of the schema")
    assert found["foreign keys"][0] == "ok"
    lines = ormkit("doctor", "--database", database).stdout
    assert "ok       schema: 2 models, 0 warnings" in lines


BROKEN: dict[str, tuple[str, str, str]] = {
    "invalid indexes": (
        'CREATE INDEX broken ON "user" (name);'
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
        "note",
        "broken",
    ),
    "duplicate indexes": (
        'CREATE INDEX a ON "user" (name); CREATE INDEX b ON "user" (name)',
        "note",
        "a = b",
    ),
    "foreign keys": (
        'CREATE TABLE child (id int PRIMARY KEY, user_id bigint REFERENCES "user")',
        "note",
        "child.child_user_id_fkey",
    ),
    "constraints": (
        "ALTER TABLE \"user\" ADD CONSTRAINT long CHECK (name <> '') NOT VALID",
        "note",
        '"user".long',
    ),
    "sequences": (
        "CREATE SEQUENCE few AS smallint; SELECT setval('few', 32000)",
        "note",
        "public.few",
    ),
    "tables": ('ALTER TABLE "user" DROP COLUMN name', "problem", "1 differ from the schema"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_what_is_wrong_with_a_database_is_named(
    check: str, database: str, ormkit: Command, server18: Server
) -> None:
    script, state, said = BROKEN[check]
    server18.run_script(database, script)
    found = checks_of(ormkit, "--database", database)
    assert found[check][0] == state
    assert said in found[check][1]


def test_migrations_that_a_database_lacks_are_named(
    database: str, ormkit: Command, server18: Server
) -> None:
    assert "migrations" not in checks_of(ormkit, "--database", database)
    assert ormkit("migrate", "new", "start").returncode == 0
    with server18.database() as empty:
        state, said = checks_of(ormkit, "--database", empty)["migrations"]
        assert state == "problem"
        assert re.fullmatch(r"\S+-start-\w+ is not in the database", said)
        lines = ormkit("doctor", "--database", empty).stdout
        assert "2 differ from the schema\n         run `ormkit migrate apply`, and then" in lines
        assert ormkit("migrate", "apply", "--database", empty).returncode == 0
        found = checks_of(ormkit, "--database", empty)
        assert found["migrations"] == ("ok", "the database has all of them")
        assert found["tables"][0] == "ok"


def test_too_few_connections_are_named(database: str, ormkit: Command, server18: Server) -> None:
    server18.run_script(database, "CREATE ROLE few LOGIN CONNECTION LIMIT 3")
    try:
        separator = "&" if "?" in database else "?"
        found = checks_of(ormkit, "--database", f"{database}{separator}user=few")
        assert found["connections"] == (
            "problem",
            "the server grants 3, and an engine opens up to 10",
        )
    finally:
        server18.run_script(database, "DROP ROLE few")


def test_what_is_wrong_with_a_project_is_named(
    project: Path, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks_of(ormkit)["code"] == ("problem", "app/db is out of date")
    assert checks_of(ormkit, "--database", "postgresql://localhost:1/x")["database"][0] == "problem"
    (project / "schemas/blog.toml").write_text("[models.User.columns]\nid = 5\n")
    state, said = checks_of(ormkit)["schema"]
    assert state == "problem"
    assert said.startswith("schemas/blog.toml:2: ")
    (project / "ormkit.toml").write_text("[[targets]]\nschemas = 5\n")
    assert checks_of(ormkit)["settings"][0] == "problem"
    monkeypatch.setenv("ORMKIT_PURE_PYTHON", "1")
    assert checks_of(ormkit)["accelerator"][0] == "note"


def test_why_the_accelerator_is_not_in_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORMKIT_PURE_PYTHON", raising=False)
    monkeypatch.delitem(sys.modules, "ormkit._accelerator", raising=False)
    monkeypatch.setattr("ormkit.__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr("ormkit.__path__", [str(tmp_path)])
    assert "is missing" in _accelerator().message
    (tmp_path / "_accelerator.cpython-39-x86_64-linux-gnu.so").write_bytes(b"")
    assert "another Python (_accelerator.cpython-39" in _accelerator().message
    (tmp_path / f"_accelerator{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    importlib.invalidate_caches()
    assert "cannot be loaded" in _accelerator().message
    monkeypatch.setenv("ORMKIT_PURE_PYTHON", "1")
    assert _accelerator().remedy == "unset ORMKIT_PURE_PYTHON"


LINES = """\
await session.query(User).count()
users = await session.query(User).all()
for each in users:
    print(each.name)

await session.insert(User(name='x'))
1 / 0
"""


def test_a_shell_runs_what_is_typed(
    database: str, ormkit: Command, monkeypatch: pytest.MonkeyPatch, server18: Server
) -> None:
    server18.run_script(database, "INSERT INTO \"user\" (id, name) VALUES (1, 'Ada')")
    monkeypatch.setattr("sys.stdin", io.StringIO(LINES))
    done = ormkit("shell", "--database", database)
    assert done.returncode == 0
    assert "1\n" in done.stdout
    assert "Ada\n" in done.stdout
    assert '-- SELECT count(*) FROM "user"  (1 rows, ' in done.stderr
    assert "read-only transaction" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_shell_writes_where_that_was_asked_for(
    database: str, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "u = await session.insert(User(id=7, name='x'))\nawait session.query(User).count()\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    done = ormkit("shell", "--write", "--quiet", "--database", database)
    assert "1\n" in done.stdout
    assert "INSERT" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_shell_without_a_package_says_what_to_do(
    project: Path, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = ormkit("shell", "--database", "postgresql://localhost:1/x")
    assert done.returncode == 2
    assert "run `ormkit generate`" in done.stderr
