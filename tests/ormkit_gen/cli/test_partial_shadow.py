"""`ormkit check` with a shadow server that lacks an extension: what needs it, and all the rest."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit_gen.cli.commands import run
from tests.ormkit_gen.cli.conftest import SETTINGS, Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[extensions]
citext = {}

[enums]
Mood = ["sad", "glad"]

[domains.email]
type = "citext"

[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
name = "text"
nick = { type = "citext", unique = true }
mail = "email?"
code = { type = "text", server_default = "('a'::citext)::text" }
low = { type = "text", generated = "lower(nick::text)" }
mood = { type = "Mood", default = "sad" }
[[models.User.checks]]
name = "named"
expression = "nick <> 'x'"
[[models.User.checks]]
name = "long"
expression = "length(name) > 1"

[models.Nick]
table = "nicks"
replica_identity = "full"
[models.Nick.columns]
nick = { type = "citext", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id" }

[models.Place]
table = "places"
partition_by = "LIST (kind)"
[models.Place.columns]
kind = { type = "citext", primary_key = true }
number = "bigserial"
[models.Place.partitions]
places_a = "FOR VALUES IN ('a')"

[models.Visit]
table = "visits"
[models.Visit.columns]
id = { type = "bigint", primary_key = true }
nick = { type = "citext", foreign_key = "nicks.nick", index = true }
other = "int"
"""
OBJECTS = {
    "view/nick_names": "CREATE VIEW nick_names AS SELECT nick FROM nicks;",
    "view/user_names": "CREATE VIEW user_names AS SELECT name FROM users;",
    "function/plain": "CREATE FUNCTION plain(citext) RETURNS text LANGUAGE sql "
    "AS 'SELECT $1::text';",
    "function/late": "CREATE FUNCTION late() RETURNS text LANGUAGE plpgsql "
    "AS 'BEGIN RETURN (1::text)::citext; END';",
}
#: All that citext is needed for, and nothing else.
LEFT_OUT = {
    "domain public.email",
    "table public.users: column nick",
    "table public.users: column mail",
    "table public.users: column low",
    "table public.users: default code",
    "table public.users: constraint users_nick_key",
    "table public.users: constraint named",
    "table public.nicks: column nick",
    "table public.nicks: constraint nicks_pkey",
    "table public.places",
    "table public.visits: column nick",
    "table public.visits: constraint visits_nick_fkey",
    "table public.visits: index visits_nick_idx",
    "view nick_names",
    "function plain",
}


@pytest.fixture
def ormkit(
    project: Path,
    tmp_path: Path,
    server16: Server,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """Run the command in a project whose shadow server has no extension but vector."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    settings = SETTINGS.rstrip() + '\nsql = ["sql/**/*.sql"]\n'
    (project / "ormkit.toml").write_text(f'shadow = "{server16.url}"\n{settings}')
    (project / "schemas/blog.toml").write_text(SCHEMA)
    for name, text in OBJECTS.items():
        file = project / f"sql/{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return command


@pytest.fixture
def database(ormkit: Command, server18: Server) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, ormkit("sql").stdout)
        yield url


def test_only_what_needs_the_extension_is_left_out(
    database: str, ormkit: Command, server18: Server
) -> None:
    told = ormkit("check", "--database", database)
    assert told.returncode == 1, "a part of the database is not known to be the same"
    assert told.stdout == ""
    assert set(re.findall(r"not compared: (.*?) \(", told.stderr)) == LEFT_OUT
    assert "schemas/blog.toml:16:1: warning: not compared: table public.users: column nick" in (
        told.stderr
    )
    assert "the shadow server cannot have the extension citext" in told.stderr
    for remedy in ("--shadow URL", "managed = false"):
        assert remedy in told.stderr
    assert "0 differences from the schema, as far as that can be told" in told.stderr


def test_all_the_rest_is_compared(database: str, ormkit: Command, server18: Server) -> None:
    server18.run_script(
        database,
        "DROP VIEW user_names; ALTER TABLE users DROP CONSTRAINT long, ALTER name TYPE varchar;"
        "ALTER TABLE visits DROP other; ALTER TABLE nicks REPLICA IDENTITY DEFAULT;"
        "CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql AS 'SELECT $1';"
        "DROP FUNCTION late(); ALTER TABLE users DROP low, ALTER nick TYPE text",
    )
    told = ormkit("check", "--json", "--database", database)
    document = json.loads(told.stdout)
    assert told.returncode == document["exit_code"] == 1
    found = {
        (each["class"], each["object"], each["kind"], each["name"])
        for each in document["differences"]
        if each["class"] != "unmanaged"
    }
    assert found == {
        ("pending", "view public.user_names", "object", ""),
        ("pending", "table public.users", "constraint", "long"),
        ("drift", "table public.users", "column", "name"),
        ("pending", "table public.visits", "column", "other"),
        ("pending", "table public.nicks", "replica identity", ""),
        ("pending", "function public.late()", "object", ""),
    }
    codes = [each["code"] for each in document["diagnostics"]]
    assert codes.count("not-compared") == len(LEFT_OUT)
    assert codes[-1] == "no-extension"


def test_an_extension_that_the_database_lacks_is_a_difference(
    ormkit: Command, server18: Server
) -> None:
    with server18.database() as url:
        told = ormkit("check", "--database", url)
    assert told.returncode == 1
    assert "pending: extension citext is missing in the database" in told.stdout


def test_what_others_manage_needs_no_extension(
    project: Path, ormkit: Command, server18: Server
) -> None:
    (project / "schemas/blog.toml").write_text(
        "[models.Nick]\nmanaged = false\n[models.Nick.columns]\n"
        'id = { type = "bigint", primary_key = true }\nnick = "citext"\n'
        "[models.User]\n[models.User.columns]\n"
        'id = { type = "bigint", primary_key = true }\n'
    )
    for name in OBJECTS:
        (project / f"sql/{name}.sql").unlink()
    with server18.database() as url:
        server18.run_script(url, ormkit("sql").stdout + "; CREATE EXTENSION IF NOT EXISTS citext")
        told = ormkit("check", "--database", url)
    assert "not compared" not in told.stderr
    assert told.returncode == 0, told.stdout + told.stderr


def test_a_mistake_that_no_extension_explains_is_an_error(
    project: Path, ormkit: Command, database: str
) -> None:
    (project / "schemas/blog.toml").write_text(
        "[models.User]\n[models.User.columns]\n"
        'id = { type = "bigint", primary_key = true, server_default = "no_such()" }\n'
    )
    for name in OBJECTS:
        (project / f"sql/{name}.sql").unlink()
    told = ormkit("check", "--database", database)
    assert told.returncode == 2
    assert "the shadow server cannot build the schema" in told.stderr
