"""migrate(): steps of each mode, what it records, what it refuses, and going on after a failure."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

from ormkit import ConfigurationError, Engine, MigrationError, capture_statements
from ormkit.migrations import Options, Progress, migrate
from tests.ormkit.migrations.projects import DATA_STEP, Project, alone, check, in_batches

pytestmark = pytest.mark.one_interpreter

USERS = """CREATE TABLE public.users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO public.users SELECT i, 'u' || i FROM generate_series(1, 1000) i;"""
AGE = "ALTER TABLE public.users ADD COLUMN age integer;"
INDEX = "CREATE INDEX CONCURRENTLY users_age_idx ON public.users (age);"
FILL = "UPDATE public.users SET age = 0 WHERE age IS NULL AND /* batch */ true;"
DATA = """
from ormkit import AsyncSession
from ormkit.migrations import Backfill

async def migrate(session: AsyncSession, backfill: Backfill) -> None:
    await session.execute_raw("UPDATE users SET age = 7 WHERE id = 1")
"""
QUICK = Options(lock_timeout=0.5, tries=3, retry_pause=0.01)


async def rows(engine: Engine, sql: str) -> list[Any]:
    return (await engine.execute(sql)).tuples()


async def refusal(engine: Engine, project: Project, **options: Any) -> MigrationError:
    with pytest.raises(MigrationError) as raised:
        await migrate(engine, project.directory, **options)
    return raised.value


async def test_steps_of_each_mode_run_in_order_and_are_recorded(
    database: Engine, project: Project
) -> None:
    first = project.add("start", USERS)
    second = project.add(
        *("age", AGE, alone(INDEX), in_batches(FILL, 300, "public.users", "id")),
        *(check("SELECT id FROM public.users WHERE age IS NULL", "users without an age"),),
        *(DATA_STEP, "SET search_path = nowhere; SET ROLE NONE; SET lock_timeout = 1;"),
        "ALTER TABLE users ALTER COLUMN age SET NOT NULL;",
        data=DATA,
    )
    seen: list[Progress] = []
    done = await migrate(database, project.directory, progress=seen.append)
    assert done.migrations == (first.id, second.id)
    assert await rows(database, "SELECT count(*), sum(age) FROM users") == [(1000, 7)]
    assert await rows(
        database, f"SELECT number, mode, state FROM ormkit.step WHERE migration = '{second.id}'"
    ) == [
        (1, "transaction", "done"),
        (2, "no transaction", "done"),
        (3, "batches", "done"),
        (4, "check", "done"),
        (5, "data", "done"),
        (6, "transaction", "done"),
        (7, "transaction", "done"),
    ]
    assert await rows(database, "SELECT last_key, batches, rows FROM ormkit.backfill") == [
        (["1000"], 4, 1000)
    ]
    assert [each.rows for each in seen if each.what == "batch"] == [300, 600, 900, 1000]
    assert str(seen[-1]) == f"{second.id}: done, 7 steps"
    assert await migrate(database, project.directory) == type(done)(())
    # Nobody has the lock any more.
    assert await rows(database, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'") == []


async def test_a_run_ends_at_an_id_or_before_another_phase(
    database: Engine, project: Project
) -> None:
    first = project.add("a", "CREATE TABLE public.a ();")
    second = project.add("b", "CREATE TABLE public.b ();")
    third = project.add("c", "DROP TABLE public.a;", phase="contract")
    done = await migrate(database, project.directory, to=first.id)
    assert (done.migrations, done.left) == ((first.id,), (second.id, third.id))
    assert (await migrate(database, project.directory, phase="contract")).migrations == ()
    assert (await migrate(database, project.directory, phase="expand")).left == (third.id,)
    assert (await migrate(database, project.directory, phase="contract")).migrations == (third.id,)
    error = await refusal(database, project, to="20260101-0000-other-aaaa")
    assert "there is no migration 20260101-0000-other-aaaa" in str(error)


async def test_phases_that_are_apart_leave_what_programs_of_before_use(
    database: Engine, project: Project
) -> None:
    apart = Options(phases="apart")
    names = [
        project.add(name, f"CREATE TABLE public.{name} ();", phase=phase).id
        for name, phase in (("a", "expand"), ("b", "contract"), ("c", "expand"))
    ]

    async def run(**more: Any) -> tuple[str, ...]:
        return (await migrate(database, project.directory, options=apart, **more)).migrations

    # A new database has no programs of before.
    assert await run() == tuple(names)
    fourth = project.add("d", "CREATE TABLE public.d ();")
    drop = project.add("e", "DROP TABLE public.a;", phase="contract")
    last = project.add("f", "CREATE TABLE public.f ();")
    assert await run() == (fourth.id,)
    done = await migrate(database, project.directory, options=apart)
    assert (done.migrations, done.left) == ((), (drop.id, last.id))
    # One that is half done goes on, and so does one that is named.
    await database.execute(
        "INSERT INTO ormkit.migration (id, parent, hash, files, state, tool) VALUES "
        f"('{drop.id}', '{fourth.id}', '{drop.hash}', '{{}}', 'running', '')"
    )
    assert await run(phase="contract") == (drop.id,)
    assert await run() == (last.id,)
    again = project.add("g", "SELECT 1;", phase="contract")
    assert await run(to=again.id) == (again.id,)
    project.add("h", "SELECT 1;", phase="contract")
    assert len(await run(phase="all")) == 1
    with pytest.raises(ConfigurationError, match="give 'together' or 'apart'"):
        Options(phases="expand")  # type: ignore[arg-type]


async def test_a_failed_step_stops_the_run_until_it_is_resumed(
    database: Engine, project: Project
) -> None:
    project.add("start", USERS)
    late = project.add(
        "late", AGE, "ALTER TABLE public.users ADD CHECK (age > 0);\nSELECT 1 / (SELECT 0);"
    )
    after = project.add("next", "CREATE TABLE public.more ();")
    error = await refusal(database, project)
    assert (error.code, error.step, error.sqlstate) == ("failed-step", 2, "22012")
    assert f"step 2 of 2 of {late.id} failed: division by zero" in str(error)
    checks = "contype = 'c' AND conrelid = 'users'::regclass"
    assert await rows(database, f"SELECT conname FROM pg_constraint WHERE {checks}") == []
    again = await refusal(database, project)
    assert again.code == "failed-before"
    assert "division by zero; mend what it says, and run `ormkit migrate resume`" in str(again)
    shutil.rmtree(project.directory / after.id)
    # The step that failed may be mended, and the one that is done may not.
    project.edit(late, "ADD COLUMN age", "ADD COLUMN years")
    assert "put it back as it was" in str(await refusal(database, project, resume=True))
    project.edit(late, "ADD COLUMN years", "ADD COLUMN age")
    project.edit(late, "SELECT 1 / (SELECT 0);", "SELECT 1;")
    done = await migrate(database, project.directory, resume=True)
    assert done.migrations == (late.id,)
    assert await rows(database, "SELECT attempts FROM ormkit.step WHERE number = 2") == [(2,)]


async def test_files_that_do_not_fit_the_database_are_refused_with_their_ids(
    database: Engine, project: Project
) -> None:
    first = project.add("a", "CREATE TABLE public.a ();")
    second = project.add("b", "CREATE TABLE public.b ();")
    await migrate(database, project.directory)
    project.edit(second, "public.b ();", "public.b (id int);")
    error = await refusal(database, project)
    assert (error.code, error.migrations) == ("edited-migration", (second.id,))
    assert f"{second.id} was edited after it ran: up.sql differ" in str(error)
    shutil.rmtree(project.directory / second.id)
    error = await refusal(database, project)
    assert (error.code, error.migrations) == ("unknown-migration", (second.id,))
    # Another branch has put an older one before the one that ran.
    await database.execute(f"DELETE FROM ormkit.migration WHERE id = '{second.id}'")
    project.last = first
    late = project.add("late", "CREATE TABLE public.late ();")
    after = project.add("after", "CREATE TABLE public.after ();")
    await database.execute(
        "INSERT INTO ormkit.migration (id, parent, hash, files, state, tool) VALUES "
        f"('{after.id}', '{late.id}', '{after.hash}', '{{}}', 'applied', '')"
    )
    error = await refusal(database, project)
    assert (error.code, error.migrations) == ("late-migration", (late.id, after.id))
    assert late.id in str(error)
    assert "ormkit migrate rebase" in str(error)
    assert await rows(database, "SELECT to_regclass('public.late')") == [(None,)]


async def test_one_that_ran_before_it_was_moved_behind_another_is_not_run_again(
    database: Engine, project: Project
) -> None:
    """As `ormkit migrate rebase` does with a branch, when it has proved that the orders commute."""
    first = project.add("a", "CREATE TABLE public.a ();")
    await migrate(database, project.directory)
    branch = project.add("b", "CREATE TABLE public.b ();")
    await migrate(database, project.directory)
    shutil.rmtree(project.directory / branch.id)
    project.last = first
    other = project.add("c", "CREATE TABLE public.c ();")
    moved = project.add("b", "CREATE TABLE public.b ();")
    await database.execute(
        "UPDATE ormkit.migration SET id = $1 WHERE id = $2", [moved.id, branch.id]
    )
    last = project.add("d", "CREATE TABLE public.d ();")
    assert (await migrate(database, project.directory)).migrations == (other.id, last.id)
    assert await rows(
        database, f"SELECT parent, hash FROM ormkit.migration WHERE id = '{moved.id}'"
    ) == [(other.id, moved.hash)]
    assert (await migrate(database, project.directory)).migrations == ()


async def test_one_in_the_place_of_others_is_recorded_where_they_ran_and_runs_elsewhere(
    database: Engine, project: Project
) -> None:
    first = project.add("a", "CREATE TABLE public.a ();")
    second = project.add("b", "CREATE TABLE public.b ();")
    await migrate(database, project.directory, to=first.id)
    other = Project(project.directory.parent / "squashed")
    both = "CREATE TABLE public.a (); CREATE TABLE public.b ();"
    one = other.add("both", both, replaces=(first.id, second.id))
    other.add("c", "CREATE TABLE public.c ();")
    error = await refusal(database, other)
    assert (error.code, error.migrations) == ("partly-squashed", (one.id, second.id))
    await migrate(database, project.directory)
    assert len((await migrate(database, other.directory)).migrations) == 1
    assert await rows(database, "SELECT id, state, origin FROM ormkit.migration ORDER BY id") == [
        (first.id, "replaced", "apply"),
        (one.id, "applied", "squash"),
        (second.id, "replaced", "apply"),
        (other.last.id if other.last else "", "applied", "apply"),
    ]
    assert (await migrate(database, other.directory)).migrations == ()


async def test_a_step_that_does_not_get_its_lock_is_tried_again_and_says_who_has_it(
    database: Engine, project: Project
) -> None:
    project.add("start", USERS)
    await migrate(database, project.directory)
    project.add("age", AGE)
    seen: list[Progress] = []
    async with database.transaction() as tx:
        await tx.execute_raw("SELECT count(*) FROM users")
        error = await refusal(database, project, options=QUICK, progress=seen.append)
    assert (error.code, error.sqlstate, error.step) == ("lock", "55P03", 1)
    assert "did not get its locks in 3 tries of 0.5 s, held by process" in str(error)
    assert "idle in transaction" in str(error)
    assert [each.what for each in seen if each.what == "retry"] == ["retry", "retry"]
    # A failure that passes by itself needs no resume. The one who blocks ends while it is tried.
    async with database.transaction() as tx:
        await tx.execute_raw("SELECT count(*) FROM users")
        ended = asyncio.Event()
        patient = Options(lock_timeout=0.05, tries=1000, retry_pause=0.01, longest_pause=0.02)
        work = asyncio.create_task(
            migrate(
                database,
                project.directory,
                options=patient,
                progress=lambda each: ended.set() if each.what == "retry" else None,
            )
        )
        await ended.wait()
    assert len((await work).migrations) == 1


async def test_a_step_that_ends_its_transaction_or_has_two_statements_is_refused(
    database: Engine, project: Project
) -> None:
    bad = project.add("a", "CREATE TABLE public.a (); COMMIT; CREATE TABLE public.b ();")
    assert (await refusal(database, project)).code == "ended-transaction"
    project.edit(bad, "COMMIT; CREATE TABLE public.b", "COMMIT; BEGIN; CREATE TABLE public.b")
    await database.execute("DROP TABLE public.a, public.b")
    assert (await refusal(database, project, resume=True)).code == "ended-transaction"
    project.edit(bad, "step 1", "step 1, no transaction")
    error = await refusal(database, project, resume=True)
    assert error.code == "several-statements"


async def test_a_check_names_the_rows_and_what_is_wrong_with_them(
    database: Engine, project: Project
) -> None:
    project.add("start", USERS)
    project.add(
        *("check", check("SELECT id FROM users WHERE id > 988;", "users with too great a number")),
        "CREATE TABLE public.after ();",
    )
    error = await refusal(database, project)
    assert (error.code, error.step) == ("check", 1)
    assert "users with too great a number: id = 989; id = 990" in str(error)
    assert "and 2 more" in str(error)
    assert await rows(database, "SELECT to_regclass('public.after')") == [(None,)]
    await database.execute("DELETE FROM users WHERE id > 988")
    assert len((await migrate(database, project.directory, resume=True)).migrations) == 1


async def test_a_server_that_is_too_old_is_refused(database: Engine, project: Project) -> None:
    project.add("new", "SELECT 1;", minimum_server=99)
    error = await refusal(database, project)
    assert error.code == "old-server"
    assert "needs PostgreSQL 99 or later" in str(error)


async def test_twenty_at_once_run_each_step_once(database: Engine, project: Project) -> None:
    project.add("start", USERS)
    project.add("age", AGE, alone(INDEX), in_batches(FILL, 300, "public.users", "id"))
    found = await asyncio.gather(*(migrate(database, project.directory) for _ in range(20)))
    assert sorted(len(each.migrations) for each in found) == [0] * 19 + [2]
    assert await rows(database, "SELECT DISTINCT attempts FROM ormkit.step") == [(1,)]


async def test_who_waits_is_told_who_runs_and_gives_up_in_time(
    database: Engine, project: Project
) -> None:
    project.add("start", "CREATE TABLE public.a ();")
    project.add("slow", "LOCK TABLE public.a;")
    await migrate(database, project.directory, to=first_of(project))
    seen: list[Progress] = []
    async with database.transaction() as tx:
        await tx.execute_raw("SELECT FROM a")
        slow = asyncio.create_task(migrate(database, project.directory))
        while not await rows(
            database,
            "SELECT 1 FROM ormkit.lease WHERE step = 1 AND pid > 0 " "AND migration LIKE '%slow%'",
        ):
            pass
        with pytest.raises(MigrationError) as raised:
            await migrate(
                database, project.directory, options=Options(wait=0.01), progress=seen.append
            )
    await slow
    assert raised.value.code == "locked"
    assert "which runs 20260102-0000-slow-aaaa, step 1" in str(seen[0])
    assert seen[0].what == "waiting"


def first_of(project: Project) -> str:
    return min(each.name for each in project.directory.iterdir())


async def test_listeners_see_what_a_run_sends_over_its_own_connection(
    database: Engine, project: Project
) -> None:
    project.add("start", USERS)
    project.add("age", AGE, alone(INDEX), in_batches(FILL, 300, "public.users", "id"))
    with capture_statements(database) as captured:
        await migrate(database, project.directory)
    sent = "\n".join(each.sql for each in captured)
    for each in ("INSERT INTO public.users", AGE, INDEX, "UPDATE public.users SET age = 0"):
        assert each in sent, each
    assert sum(INDEX in each.sql for each in captured) == 1


async def test_a_directory_that_is_not_there_is_no_empty_one(
    database: Engine, project: Project
) -> None:
    with pytest.raises(MigrationError, match=r"there is no directory .*elsewhere") as raised:
        await migrate(database, project.directory / "elsewhere")
    assert raised.value.code == "no-directory"
    assert (await rows(database, "SELECT to_regclass('ormkit.migration')")) == [(None,)]
