"""`ormkit check` and `ormkit diff`: the schema files against a live database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import EmbeddedServer
from ormkit_gen import generation
from ormkit_gen.cli.commands import run
from ormkit_gen.drift.shadow import starting
from tests.ormkit_gen.cli.conftest import SETTINGS, Command
from tests.servers import ContribServer, Server

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
email = { type = "text?", unique = true }
mood = { type = "Mood", default = "sad" }
age = { type = "integer", default = 3 }
made = { type = "timestamptz", server_default = "now()" }

[[models.User.checks]]
name = "grown"
expression = "age > 0"

[models.Post]
table = "posts"

[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id", index = true }
"""
#: Each change of the database, and how the line of the schema begins that it contradicts.
CHANGES = {
    "ALTER TABLE users DROP email": "email =",
    "ALTER TABLE users ALTER name TYPE text": "name = { type",
    "ALTER TABLE users ALTER age DROP NOT NULL": "age =",
    "ALTER TABLE users ALTER age SET DEFAULT 4": "age =",
    "ALTER TABLE users ALTER made DROP DEFAULT": "made =",
    "ALTER TABLE users ALTER id DROP IDENTITY": "id = {",
    "ALTER TABLE users ADD extra text DEFAULT 'x' NOT NULL": "[models.User]",
    "ALTER TABLE users DROP CONSTRAINT grown": "[[models.User.checks]]",
    "ALTER TABLE users DROP CONSTRAINT grown; ALTER TABLE users ADD CONSTRAINT grown "
    "CHECK (age > 1)": "[[models.User.checks]]",
    "ALTER TABLE posts DROP CONSTRAINT posts_user_id_fkey": "user_id =",
    "DROP INDEX users_name_idx": "name = { type",
    "CREATE INDEX more ON users (age)": "[models.User]",
    "DROP TABLE posts": "[models.Post]",
    "COMMENT ON TABLE users IS 'Other.'": "[models.User]",
    "COMMENT ON COLUMN users.age IS 'Years.'": "age =",
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY; "
    "CREATE POLICY p ON users USING (age > 2)": "[models.User]",
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY; "
    "ALTER TABLE users FORCE ROW LEVEL SECURITY": "[models.User]",
    "ALTER TABLE users FORCE ROW LEVEL SECURITY": "[models.User]",
    "CREATE TRIGGER once BEFORE UPDATE ON users FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()": "[models.User]",
}


def line_of(beginning: str) -> int:
    lines = SCHEMA.splitlines()
    (found,) = [n for n, line in enumerate(lines, 1) if line.startswith(beginning)][:1]
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def ormkit(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run the command in this process, since starting many takes long."""
    monkeypatch.chdir(project)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return command


def apply(server: Server, url: str, script: str) -> None:
    """Run each statement by itself: CONCURRENTLY is not allowed in a transaction."""
    for statement in script.split(";\n"):
        lines = [line for line in statement.splitlines() if line and not line.startswith("--")]
        if lines:
            server.run_script(url, "\n".join(lines))


@pytest.fixture
def database(project: Path, ormkit: Command, server18: Server) -> Iterator[str]:
    """The URL of a database with the project's schema; the server is the shadow, too."""
    (project / "schemas/blog.toml").write_text(SCHEMA)
    (project / "ormkit.toml").write_text(f'shadow = "{server18.url}"\n{SETTINGS}')
    with server18.database() as url:
        server18.run_script(url, ormkit("sql").stdout)
        yield url


def test_the_same_is_the_same(database: str, ormkit: Command) -> None:
    told = ormkit("check", "--database", database)
    assert (told.returncode, told.stdout) == (0, ""), told.stderr
    assert "the database has the schema" in told.stderr
    assert ormkit("diff", "--database", database).stdout == ""


@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_has_its_place_and_its_sql_removes_it(
    database: str, ormkit: Command, server18: Server, change: str
) -> None:
    server18.run_script(database, change)
    told = ormkit("check", "--json", "--database", database)
    assert told.returncode == 1, told.stderr
    differences = json.loads(told.stdout)["differences"]
    assert line_of(CHANGES[change]) in {each["line"] for each in differences}
    assert {each["file"] for each in differences} == {"schemas/blog.toml"}
    shown = ormkit("diff", "--sql", "--database", database)
    assert shown.returncode == 1
    apply(server18, database, shown.stdout)
    assert ormkit("check", "--database", database).returncode == 0


def test_the_reverse_leads_to_the_live_database(
    database: str, ormkit: Command, server18: Server
) -> None:
    changes = (
        "ALTER TABLE users ADD extra integer; ALTER TABLE users ALTER age SET DEFAULT 4;"
        "ALTER TYPE mood ADD VALUE 'calm' AFTER 'sad'; DROP INDEX users_name_idx;"
        "CREATE TRIGGER once BEFORE UPDATE ON users FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger();"
        "ALTER TABLE users DISABLE TRIGGER once; ALTER TABLE users FORCE ROW LEVEL SECURITY"
    )
    with server18.database(template=database) as live:
        server18.run_script(live, changes)
        forward = ormkit("diff", "--sql", "--database", live).stdout
        assert "-- no single statement does this" in forward
        assert "-- loses data: the values of extra" in forward
        backward = ormkit("diff", "--sql", "--reverse", "--database", live).stdout
        apply(server18, database, backward)
        same = ormkit("check", "--json", "--database", database).stdout
        assert json.loads(same) == json.loads(ormkit("check", "--json", "--database", live).stdout)


def test_what_is_somebody_elses_is_told_and_never_touched(
    database: str, ormkit: Command, server18: Server
) -> None:
    server18.run_script(database, "CREATE TABLE theirs (a integer); CREATE SCHEMA other")
    told = ormkit("check", "--database", database)
    assert told.returncode == 0
    assert "unmanaged: table public.theirs is not in the schema" in told.stdout
    assert "the database has the schema; 2 unmanaged objects\n" in told.stderr
    assert ormkit("diff", "--sql", "--database", database).stdout == ""


def test_unfinished_work_is_told_apart(database: str, ormkit: Command, server18: Server) -> None:
    server18.run_script(
        database,
        "ALTER TABLE users DROP CONSTRAINT grown;"
        "ALTER TABLE users ADD CONSTRAINT grown CHECK (age > 0) NOT VALID",
    )
    told = ormkit("check", "--json", "--database", database)
    (found,) = json.loads(told.stdout)["differences"]
    assert (found["class"], found["line"]) == ("unfinished", line_of("[[models.User.checks]]"))
    assert found["sql_to_schema"] == ["ALTER TABLE public.users VALIDATE CONSTRAINT grown;"]


def test_the_url_comes_from_the_option_the_environment_or_the_settings(
    project: Path, database: str, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ormkit("check")
    assert told.returncode == 2
    assert "give --database URL, or set DATABASE_URL" in told.stderr
    monkeypatch.setenv("DATABASE_URL", database)
    assert ormkit("check").returncode == 0
    monkeypatch.delenv("DATABASE_URL")
    settings = project / "ormkit.toml"
    settings.write_text(f'database = "{database}"\n{settings.read_text()}')
    assert ormkit("check").returncode == 0
    settings.write_text(settings.read_text().replace("database =", "databse ="))
    told = ormkit("check")
    assert told.returncode == 2
    assert "there is no setting 'databse'" in told.stderr
    assert "did you mean 'database'?" in told.stderr
    settings.write_text(f"shadow = 3\n{SETTINGS}")
    assert "'shadow' must be a URL" in ormkit("check").stderr


def test_an_embedded_shadow_serves_where_none_is_named_and_is_needed_once(
    project: Path,
    database: str,
    ormkit: Command,
    server18: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "ormkit.toml").write_text(SETTINGS)
    starts: list[object] = []
    start = EmbeddedServer.start

    def counted(*arguments: Any, **options: Any) -> EmbeddedServer:
        starts.append(arguments)
        return start(*arguments, **options)

    monkeypatch.setattr(EmbeddedServer, "start", counted)
    for _ in range(2):
        told = ormkit("check", "--database", database)
        assert told.returncode == 0, told.stdout + told.stderr
    # What cannot be read is built anew.
    for kept in (project / "cache/ormkit/catalogs").iterdir():
        kept.write_text("{")
    assert ormkit("check", "--database", database).returncode == 0
    assert 2 <= len(starts) <= 4
    # Another schema has another catalog.
    (project / "schemas/blog.toml").write_text(SCHEMA.replace("age > 0", "age > 1"))
    before = len(starts)
    assert ormkit("check", "--database", database).returncode == 1
    assert len(starts) > before
    # Started ahead, the server stops with the block, whatever ends it.
    before = len(starts)
    with pytest.raises(LookupError), starting(None):
        raise LookupError
    assert len(starts) == before + 1
    assert EmbeddedServer.running(project / "cache/ormkit/shadow") is None


def test_what_cannot_be_reached_or_built_is_said(
    project: Path, database: str, ormkit: Command, server16: Server
) -> None:
    nowhere = "postgresql://u:secret@127.0.0.1:1/d"
    told = ormkit("check", "--database", nowhere)
    assert told.returncode == 2
    assert "cannot connect" in told.stderr
    assert "secret" not in told.stderr
    told = ormkit("check", "--database", database, "--shadow", nowhere)
    assert told.returncode == 2
    assert "the shadow server cannot be reached" in told.stderr
    (project / "schemas/blog.toml").write_text(SCHEMA.replace("age > 0", "no_such(age)"))
    told = ormkit("check", "--json", "--database", database, "--shadow", server16.url)
    assert told.returncode == 2
    (problem,) = json.loads(told.stdout)["diagnostics"]
    assert problem["code"] == "shadow-failed"
    assert "no_such" in problem["message"]
    assert "--shadow URL" in problem["remedy"]


def test_schema_files_are_read_once_until_one_of_them_changes(
    project: Path, database: str, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "schemas/blog.toml"
    methods = project / "users.py"
    methods.write_text("class User(UserBase):\n    pass\n")
    file.write_text(SCHEMA.replace('"users"\n', '"users"\nmethods = "users:User"\n'))
    reads: list[object] = []
    read = generation.read_schemas

    def counted(*arguments: Any) -> generation.Reading:
        reads.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(generation, "read_schemas", counted)

    def check(*, code: int, reading: int) -> str:
        told = ormkit("check", "--database", database)
        assert (told.returncode, len(reads)) == (code, reading), told.stdout + told.stderr
        return told.stdout + told.stderr

    check(code=0, reading=1)
    check(code=0, reading=1)
    # A comment moves the places that are shown, and nothing else.
    file.write_text("# A comment.\n" + file.read_text().replace("age > 0", "age > 1"))
    first = check(code=1, reading=2)
    assert check(code=1, reading=2) == first
    assert f"schemas/blog.toml:{line_of('[[models.User.checks]]') + 2})" in first
    file.write_text(file.read_text() + '[models.Keyless.columns]\nid = "int"\n')
    warned = check(code=1, reading=3)
    assert "warning" in warned
    assert check(code=1, reading=3) == warned
    # So does a class of the application that the schema names.
    methods.write_text("")
    assert "users.py has no class User" in check(code=2, reading=4)
    file.write_text(file.read_text() + "\n[broken")
    assert "not valid TOML" in check(code=2, reading=5)


def test_a_database_of_postgresql_15_has_the_schema(
    project: Path, ormkit: Command, contrib_server: ContribServer, server18: Server
) -> None:
    (project / "schemas/blog.toml").write_text(SCHEMA)
    (project / "ormkit.toml").write_text(f'shadow = "{server18.url}"\n{SETTINGS}')
    with contrib_server.database() as url:
        contrib_server.run_script(url, ormkit("sql").stdout)
        told = ormkit("check", "--database", url)
    assert told.returncode == 0, told.stdout + told.stderr


def test_missing_tables_have_their_columns_in_order_and_keys_at_the_end(
    database: str, ormkit: Command, server18: Server
) -> None:
    server18.run_script(database, "DROP TABLE posts; DROP TABLE users")
    shown = ormkit("diff", "--sql", "--database", database).stdout
    places = [shown.index(f"    {name} ") for name in ("id", "name", "email", "mood", "age")]
    assert places == sorted(places)
    assert shown.index("CREATE TABLE public.users") < shown.index("FOREIGN KEY")
    apply(server18, database, shown)
    assert ormkit("check", "--database", database).returncode == 0
    # The other way round, the live database has no tables, and says what that loses.
    server18.run_script(database, "DROP TABLE posts; DROP TABLE users")
    shown = ormkit("diff", "--sql", "--reverse", "--database", database).stdout
    assert shown.count("-- loses data: the rows of public.") == 2
    assert shown.index("DROP CONSTRAINT") < shown.index("DROP TABLE")


def test_one_target_or_one_schema_is_compared(
    project: Path, database: str, ormkit: Command, server18: Server
) -> None:
    shop = '[models.Shop]\nschema = "shop"\n[models.Shop.columns]\nid = "bigint!"\n'
    (project / "schemas/shop.toml").write_text(
        shop.replace('"bigint!"', '{ type = "bigint", primary_key = true }')
    )
    settings = project / "ormkit.toml"
    settings.write_text(settings.read_text() + SETTINGS.replace("blog", "shop").replace("app", "x"))
    told = ormkit("diff", "--json", "--database", database)
    assert told.returncode == 1
    objects = {each["object"] for each in json.loads(told.stdout)["differences"]}
    assert objects == {"schema shop", "table shop.shop"}
    assert ormkit("check", "--target", "app/db/", "--database", database).returncode == 0
    assert ormkit("check", "--target", "x/db", "--database", database).returncode == 1
    assert ormkit("check", "--schema", "public", "--database", database).returncode == 0
    server18.run_script(database, "ALTER TABLE users DROP email")
    told = ormkit("check", "--json", "--schema", "shop", "--database", database)
    objects = {each["object"] for each in json.loads(told.stdout)["differences"]}
    assert objects == {"schema shop", "table shop.shop"}
    told = ormkit("check", "--schema", "shopp", "--database", database)
    assert told.returncode == 2
    assert "neither the database nor the schema files have the schema 'shopp'" in told.stderr
    assert "did you mean 'shop'?" in told.stderr
    told = ormkit("check", "--target", "shop", "--database", database)
    assert "the targets are: app/db, x/db" in told.stderr


def test_the_right_that_is_missing_is_named(
    database: str,
    ormkit: Command,
    server18: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server18.run_script(
        database, "CREATE ROLE narrow LOGIN; REVOKE SELECT ON pg_catalog.pg_policy FROM PUBLIC"
    )
    try:
        url = database.replace("postgres@", "narrow@")
        told = ormkit("check", "--database", url)
        assert told.returncode == 2
        assert "permission denied for table pg_policy" in told.stderr
        assert "GRANT SELECT ON pg_catalog.pg_policy TO narrow" in told.stderr
        server18.run_script(database, "GRANT SELECT ON pg_catalog.pg_policy TO PUBLIC")
        told = ormkit("check", "--database", url)
        assert told.returncode == 0
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
        told = ormkit("check", "--database", url, "--shadow", url)
        assert told.returncode == 2
        assert "the role narrow may not create databases" in told.stderr
        assert "ALTER ROLE narrow CREATEDB" in told.stderr
    finally:
        server18.run_script(database, "DROP ROLE narrow")
