"""`ormkit migrate apply|status|resume|abandon|down|baseline` on a project with a database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.cli.commands import run
from tests.ormkit.migrations.projects import DATA_STEP, Project, alone, check
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

USERS = "CREATE TABLE public.users (id bigint PRIMARY KEY, age integer);"
FILL = "INSERT INTO public.users VALUES (1, 10), (2, NULL);"

Said = tuple[int, str, str]
Command = Callable[..., Said]


@pytest.fixture
def files(project: Path) -> Project:
    """The migrations of a project, still none."""
    return Project(project / "migrations")


@pytest.fixture
def ormkit(
    files: Project, project: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Command:
    """Run `ormkit migrate` in the project; return the exit code and what was printed."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("DATABASE_URL", database_url)

    def call(*arguments: str) -> Said:
        code = run(["migrate", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_apply_and_status_say_what_is_done_and_what_is_pending(
    ormkit: Command, files: Project
) -> None:
    assert ormkit("status")[:2] == (0, "there are no migrations\n")
    first = files.add("start", USERS, alone("CREATE INDEX CONCURRENTLY i ON public.users (age);"))
    second = files.add("drop", "ALTER TABLE public.users DROP COLUMN age;", phase="contract")
    assert ormkit("status")[:2] == (1, f"pending: {first.id}\npending: {second.id}\n")
    code, out, _ = ormkit("apply", "--dry-run")
    assert code == 1
    assert "step 2, no transaction\n    CREATE INDEX CONCURRENTLY i" in out
    code, out, err = ormkit("apply", "--phase", "expand")
    assert (code, out) == (0, "1 migration applied\n")
    assert f"{first.id}: step 2 of 2: done" in err
    assert ormkit("apply", "--phase", "expand")[1].startswith("nothing was applied; 1 left")
    code, out, _ = ormkit("status", "--json")
    document = json.loads(out)
    assert (code, document["pending"], document["exit_code"]) == (1, [second.id], 1)
    assert document["migrations"][0]["state"] == "applied"
    code, out, _ = ormkit("apply", "--json")
    document = json.loads(out)
    assert (document["applied"], document["left"]) == ([second.id], [])
    assert ormkit("status")[0] == 0
    assert ormkit("apply")[:2] == (0, "the database has all migrations\n")


def test_the_setting_phases_keeps_a_drop_until_it_is_asked_for(
    ormkit: Command, files: Project, project: Path
) -> None:
    settings = project / "ormkit.toml"
    settings.write_text(f'phases = "apart"\n{settings.read_text()}')
    files.add("start", USERS)
    assert ormkit("apply")[0] == 0
    files.add("more", "ALTER TABLE public.users ADD COLUMN more text;")
    drop = files.add("drop", "ALTER TABLE public.users DROP COLUMN age;", phase="contract")
    assert drop.id not in ormkit("apply", "--dry-run")[1]
    code, out, err = ormkit("apply")
    assert (code, out) == (0, "1 migration applied\n")
    assert f"{drop.id} is of the phase contract: run `ormkit migrate apply --phase contract`" in err
    assert ormkit("apply")[1].startswith("nothing was applied; 1 left")
    assert ormkit("apply", "--phase", "all")[0] == 0
    settings.write_text(settings.read_text().replace("apart", "both"))
    assert "'phases' must be 'together' or 'apart'" in ormkit("status")[2]


def test_a_failure_is_resumed_or_abandoned(ormkit: Command, files: Project) -> None:
    files.add("start", USERS, FILL)
    wrong = (
        "ALTER TABLE public.users ADD CHECK (age > 0); SELECT 1 / count(*) FROM users WHERE id = 3;"
    )
    late = files.add("late", "ALTER TABLE public.users ADD COLUMN name text;", wrong)
    code, _, err = ormkit("apply")
    assert code == 2
    assert f"step 2 of 2 of {late.id} failed: division by zero" in err
    assert "[failed-step]" in err
    code, out, _ = ormkit("status")
    assert code == 1
    assert f"failed: {late.id}\n  step 1, transaction: done" in out
    assert "step 2, transaction: failed: division by zero" in out
    assert f"run `ormkit migrate resume`, or `ormkit migrate abandon {late.id}`" in out
    code, _, err = ormkit("apply")
    assert (code, "[failed-before]" in err) == (2, True)
    code, out, _ = ormkit("abandon", late.id)
    assert code == 1
    assert "stays: step 1: ALTER TABLE public.users ADD COLUMN name text;" in out
    assert f"abandoned: {late.id}; in the database stays: step 1" in ormkit("status")[1]
    # What stays is there when it runs again, and is in the way.
    assert 'column "name" of relation "users" already exists' in ormkit("apply")[2]
    files.edit(late, "ADD COLUMN name", "ADD COLUMN IF NOT EXISTS name")
    files.edit(late, "SELECT 1 / count(*) FROM users WHERE id = 3", "SELECT 1")
    assert ormkit("resume")[:2] == (0, "1 migration applied\n")
    assert ormkit("resume")[:2] == (0, "nothing to resume\n")


def test_what_a_down_undoes_is_not_left_by_abandon(
    ormkit: Command, files: Project, server18: Server, database_url: str
) -> None:
    late = files.add(
        *("start", USERS, "CREATE TABLE public.more ();", "SELECT 1 / 0;"),
        down=("DROP TABLE public.later;", "DROP TABLE public.more;", "DROP TABLE public.users;"),
    )
    assert ormkit("apply")[0] == 2
    code, out, _ = ormkit("abandon", late.id)
    assert (code, "nothing of it stays" in out) == (0, True)
    assert ormkit("status")[:2] == (1, f"pending: {late.id}\n")
    assert server18.fetch(database_url, "SELECT to_regclass('users')") == [(None,)]
    code, _, err = ormkit("abandon", late.id)
    assert (code, "is not in the database" in err) == (2, True)


def test_down_loses_nothing_that_is_not_named(
    ormkit: Command, files: Project, server18: Server, database_url: str
) -> None:
    files.add("start", USERS, FILL)
    files.add(
        *(
            "more",
            "ALTER TABLE public.users ADD COLUMN price numeric(12, 4), ADD COLUMN more text;",
        ),
        down=(
            "ALTER TABLE public.users DROP COLUMN more;",
            "ALTER TABLE public.users ALTER COLUMN age TYPE smallint;",
            "ALTER TABLE public.users ALTER COLUMN price TYPE numeric(10, 2);",
            "DELETE FROM public.users WHERE id = 2;",
            "ALTER TABLE public.users DROP COLUMN price;",
        ),
    )
    assert ormkit("apply")[0] == 0
    server18.run_script(database_url, "UPDATE users SET price = 1.2345 WHERE id = 1")
    code, _, err = ormkit("down")
    assert code == 2
    assert "1 changed value of public.users.price; nothing was changed: to lose them, add " in err
    assert "--lose public.users.price" in err
    assert ormkit("status")[0] == 1
    code, _, err = ormkit("down", "--lose", "users.price")
    assert (code, "1 row of public.users" in err, "--lose public.users" in err) == (2, True, True)
    assert ormkit("down", "--lose", "users.price", "--lose", "users")[0] == 0
    assert [tuple(row) for row in server18.fetch(database_url, "SELECT * FROM users")] == [(1, 10)]
    code, _, err = ormkit("down")
    assert (code, "has no down.sql" in err) == (2, True)


def test_an_edited_or_lost_migration_is_restored_from_the_database(
    ormkit: Command, files: Project
) -> None:
    first = files.add("start", USERS)
    text = first.files["up.sql"]
    assert ormkit("apply")[0] == 0
    files.edit(first, "age integer", "age bigint")
    code, _, err = ormkit("status")
    assert (code, "up.sql differ from what the database has" in err) == (2, True)
    assert ormkit("status", "--restore", first.id)[0] == 0
    assert (files.directory / first.id / "up.sql").read_text() == text
    assert ormkit("status")[0] == 0
    assert ormkit("status", "--restore", "20260101-0000-other-aaaa")[0] == 2


def test_an_offline_script_does_the_same_and_runs_only_where_it_fits(
    ormkit: Command, files: Project, server18: Server, database_url: str, psql: Callable[[str], Any]
) -> None:
    first = files.add("start", USERS, FILL)
    second = files.add(
        *("index", alone("CREATE INDEX CONCURRENTLY i ON public.users (age);")),
        check("SELECT id FROM users WHERE age < 0;", "it's below 0"),
    )
    _, script, _ = ormkit("apply", "--sql")
    assert psql(script).returncode == 0
    assert ormkit("status")[0] == 0
    assert [each["state"] for each in json.loads(ormkit("status", "--json")[1])["migrations"]] == [
        *("applied", "applied")
    ]
    again = psql(script)
    assert again.returncode != 0
    assert f"the database has the migration {first.id} already" in again.stderr
    files.add("last", check("SELECT id FROM users;", "it's wrong"))
    refused = psql(ormkit("apply", "--sql")[1])
    assert "it's wrong" in refused.stderr
    assert ormkit("apply", "--to", first.id, "--sql")[1].count("INSERT INTO") == 0
    files.add("data", DATA_STEP, data="")
    code, _, err = ormkit("apply", "--sql")
    assert (code, "runs Python, which no script can" in err) == (2, True)
    assert second.id in script


def test_an_offline_script_runs_as_a_role(
    ormkit: Command, files: Project, server18: Server, database_url: str, psql: Callable[[str], Any]
) -> None:
    ((name,),) = server18.fetch(database_url, "SELECT current_database()")
    owner = f"owner_of_{name}"
    server18.run_script(
        database_url,
        f'CREATE ROLE "{owner}"; GRANT CREATE ON DATABASE "{name}" TO "{owner}"; '
        f'GRANT ALL ON SCHEMA public TO "{owner}"',
    )
    try:
        files.add("start", USERS, alone("CREATE INDEX CONCURRENTLY i ON public.users (age);"))
        _, script, _ = ormkit("apply", "--sql", "--role", owner)
        done = psql(script)
        assert done.returncode == 0, done.stderr
        assert ormkit("status", "--role", owner)[0] == 0
        owners = "SELECT tableowner FROM pg_tables WHERE schemaname IN ('public', 'ormkit')"
        assert {each for (each,) in server18.fetch(database_url, owners)} == {owner}
    finally:
        server18.run_script(database_url, f'DROP OWNED BY "{owner}"; DROP ROLE "{owner}"')


@pytest.fixture
def psql(database_url: str, server18: Server, tmp_path: Path) -> Callable[[str], Any]:
    """Run a script with psql."""
    from ormkit.embedded.cluster import Cluster

    program = Cluster(tmp_path / "none", 18).binaries / "psql"

    def call(script: str) -> subprocess.CompletedProcess[str]:
        command = [program, "--no-psqlrc", "--quiet", database_url]
        return subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=60, check=False
        )

    return call


def test_baseline_records_a_database_that_is_as_the_schema_says(
    ormkit: Command, project: Path, files: Project, server18: Server, database_url: str
) -> None:
    assert "run `ormkit migrate new start` first" in ormkit("baseline")[2]
    first = files.add("start", "SELECT 1 / 0;")
    server18.run_script(
        database_url,
        "CREATE TABLE alembic_version (version_num text); "
        "INSERT INTO alembic_version VALUES ('a'), ('b')",
    )
    assert "give --from alembic" in ormkit("baseline", "--from", "django")[2]
    assert "give --from alembic" in ormkit("baseline", "--from", "none")[2]
    assert "it is at several heads: a, b" in ormkit("baseline")[2]
    server18.run_script(database_url, "DELETE FROM alembic_version WHERE version_num = 'b'")
    shadow = ("--shadow", server18.url)
    code, out, err = ormkit("baseline", *shadow)
    assert (code, "table public.post" in out) == (1, True)
    assert "nothing was recorded" in err
    from ormkit_gen.ddl.schema import schema_sql
    from ormkit_gen.generation import read_schemas
    from ormkit_gen.project.settings import read_settings

    settings = read_settings(project / "ormkit.toml")
    (schema,) = read_schemas(settings, settings.targets).schemas
    server18.run_script(database_url, schema_sql(schema))
    ormkit("status")
    code, out, _ = ormkit("baseline", "--from", "alembic", *shadow)
    assert code == 0, out
    assert "recorded 1 migration, without running it" in out
    assert "DROP TABLE public.alembic_version" in out
    assert f"applied: {first.id} (baseline alembic" in ormkit("status")[1]
    assert "has migrations already" in ormkit("baseline", "--from", "alembic", *shadow)[2]
    # The state is nobody's difference.
    assert run(["check", *shadow]) == 0
