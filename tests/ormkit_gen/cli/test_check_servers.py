"""`ormkit check` on servers of every kind, and that no command changes a database."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import examples.blog.db
from ormkit import create_engine, inspect
from ormkit_gen.cli.commands import run
from tests.ormkit.catalog.test_pairs import catalog_of
from tests.ormkit_gen.cli.conftest import SETTINGS, Command
from tests.reliability.bouncer import Bouncer
from tests.servers import ContribServer, Server, contrib_binaries

pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[enums]
Mood = ["sad", "glad"]

[models.User]
table = "users"
comment = "A person."

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = { type = "varchar(100)", index = true }
mood = { type = "Mood", default = "sad" }
made = { type = "timestamptz", server_default = "'2020-01-01 00:00+00'" }
born = { type = "date", default = 2020-02-01 }
lasts = { type = "interval", server_default = "'1 day 2 hours'" }
"""
VIEWS = """
[models.Named]
table = "named"
view = "SELECT id, name FROM users WHERE id > 1"

[models.Named.columns]
id = "bigint?"
name = "varchar(100)?"

[models.Counted]
table = "counted"
view = "SELECT mood, count(*) AS number FROM users GROUP BY mood"
materialized = true

[models.Counted.columns]
mood = "Mood?"
number = "bigint?"
"""
LOST = "ALTER TABLE users ALTER mood DROP DEFAULT"


@pytest.fixture
def ormkit(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run the command in this process, since starting many takes long."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return command


@pytest.fixture(autouse=True)
def settings(
    project: Path,
    server16: Server,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The shadow is another server than those that are checked, and its catalogs are shared."""
    (project / "schemas/blog.toml").write_text(SCHEMA)
    (project / "ormkit.toml").write_text(f'shadow = "{server16.url}"\n{SETTINGS}')
    cache = tmp_path_factory.getbasetemp() / "servers-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture
def live(server18: Server, ormkit: Command) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, ormkit("sql").stdout)
        yield url


def differences(told: subprocess.CompletedProcess[str]) -> list[tuple[str, str, str]]:
    found = json.loads(told.stdout)["differences"]
    return [(each["class"], each["kind"], each["name"]) for each in found]


def test_settings_of_the_database_and_the_role_make_no_difference(
    live: str, ormkit: Command, server18: Server
) -> None:
    name = live.partition("@/")[2].partition("?")[0]
    for setting in (
        *("TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", "search_path = nowhere"),
        *("IntervalStyle = 'iso_8601'", "quote_all_identifiers = on", "extra_float_digits = -5"),
    ):
        server18.run_script(live, f"ALTER DATABASE {name} SET {setting}")
    told = ormkit("check", "--database", live)
    assert (told.returncode, told.stdout) == (0, ""), told.stderr


def test_a_role_without_any_right_sees_every_difference(
    live: str, ormkit: Command, server18: Server
) -> None:
    server18.run_script(
        live,
        f"{LOST}; CREATE ROLE nobody LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; "
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC",
    )
    try:
        told = ormkit("check", "--json", "--database", live.replace("postgres@", "nobody@"))
        assert differences(told) == [("pending", "default", "mood")]
    finally:
        server18.run_script(live, "DROP ROLE nobody")


def test_pgbouncer_may_stand_between(
    live: str, ormkit: Command, server18: Server, bouncer: Bouncer
) -> None:
    server18.run_script(live, LOST)
    for _ in range(3):
        told = ormkit("check", "--json", "--database", bouncer.url_of(live))
        assert differences(told) == [("pending", "default", "mood")], told.stderr


def test_a_view_is_compared_in_the_words_of_one_version(
    ormkit: Command, contrib_server: ContribServer, project: Path
) -> None:
    """PostgreSQL 16 prints a view over one table otherwise than 15 does."""
    (project / "schemas/blog.toml").write_text(SCHEMA + VIEWS)
    with contrib_server.database() as url:
        contrib_server.run_script(url, ormkit("sql").stdout)
        for _ in range(2):
            told = ormkit("check", "--database", url)
            assert (told.returncode, told.stdout) == (0, ""), told.stderr
        contrib_server.run_script(
            url, "CREATE OR REPLACE VIEW named AS SELECT id, name FROM users WHERE id > 2"
        )
        (found,) = json.loads(ormkit("check", "--json", "--database", url).stdout)["differences"]
        assert (found["object"], found["kind"]) == ("view public.named", "object")
        assert "WHERE (id > 2)" in found["found"]


def test_a_hot_standby_is_read(
    ormkit: Command, contrib_server: ContribServer, server_directory: Path
) -> None:
    binaries = contrib_binaries()
    assert binaries is not None
    standby = server_directory / "standby"
    with contrib_server.database() as url:
        contrib_server.run_script(url, ormkit("sql").stdout)
        contrib_server.run_script(url, LOST)
        user = "postgres" if os.geteuid() == 0 else None
        standby.mkdir()
        if user is not None:
            shutil.chown(standby, pwd.getpwnam(user).pw_uid)
        backup: list[str | Path] = [
            *(binaries / "pg_basebackup", "-d", contrib_server.url, "-D", standby / "data"),
            *("-R", "-X", "stream", "--checkpoint=fast", "--no-sync"),
        ]
        subprocess.run(backup, check=True, capture_output=True, user=user, cwd="/")
        control: list[str | Path] = [binaries / "pg_ctl", "-D", standby / "data", "-w"]
        options = f"-k {standby} -h '' -F"
        start = [*control, "-o", options, "-l", standby / "log", "start"]
        subprocess.run(start, check=True, capture_output=True, user=user, cwd="/")
        try:
            there = f"{url.partition('?')[0]}?host={standby}"
            (row,) = contrib_server.fetch(there, "SELECT pg_is_in_recovery()")
            assert row[0] is True
            told = ormkit("check", "--json", "--database", there)
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, capture_output=True, user=user, cwd="/")
    assert differences(told) == [("pending", "default", "mood")], told.stderr


def test_no_command_changes_the_database(
    project: Path, live: str, ormkit: Command, server18: Server
) -> None:
    """The database refuses every write and every DDL, and is the same afterwards."""
    name = live.partition("@/")[2].partition("?")[0]
    server18.run_script(
        live,
        f"""
        {LOST}; INSERT INTO users (name, mood, born) VALUES ('a', 'sad', '2020-01-01');
        CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql
            AS $$BEGIN RAISE EXCEPTION 'a command wrote'; END$$;
        CREATE EVENT TRIGGER refuse ON ddl_command_start EXECUTE FUNCTION refuse();
        ALTER DATABASE {name} SET default_transaction_read_only = on;
        """,
    )
    with pytest.raises(Exception, match="read-only transaction"):
        server18.run_script(live, "DELETE FROM users")
    before = asyncio.run(catalog_of(live)), server18.fetch(live, "TABLE users")
    for command in (
        *(["check"], ["check", "--json"], ["check", "--schema", "public"], ["diff"]),
        *(["diff", "--json"], ["diff", "--sql"], ["diff", "--sql", "--reverse"]),
    ):
        told = ormkit(*command, "--database", live)
        assert told.returncode == 1, (command, told.stderr)
    pulled = ormkit("pull", "--database", live)
    assert pulled.returncode in (0, 1), pulled.stderr
    assert "read-only" not in pulled.stdout + pulled.stderr

    async def from_a_program() -> None:
        async with await create_engine(live, max_connections=1) as engine:
            await engine.check(examples.blog.db.SCHEMA)
            assert (await inspect(engine)).table("users").columns

    asyncio.run(from_a_program())
    after = asyncio.run(catalog_of(live)), server18.fetch(live, "TABLE users")
    assert (before[0] == after[0], before[1]) == (True, after[1])
