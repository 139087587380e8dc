"""SIGKILL of a process that runs migrations: whoever comes next ends in the same picture."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ormkit import create_engine
from ormkit.migrations import migrate
from tests.lengths import IS_NIGHTLY, examples
from tests.ormkit.migrations.projects import DATA_STEP, Project, alone, check, in_batches
from tests.ormkit.migrations.runners import Runners
from tests.servers import Server, run_on

pytestmark = [pytest.mark.one_interpreter, pytest.mark.nightly]

USERS = """CREATE TABLE public.users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO public.users SELECT i, 'u' || i FROM generate_series(1, 400) i;
CREATE INDEX old ON public.users (name);
CREATE TYPE public.mood AS ENUM ('sad');"""
#: A table that counts what happens to each row shows a batch that ran twice.
STEPS = (
    "ALTER TABLE public.users ADD COLUMN age integer, ADD COLUMN touched integer DEFAULT 0;",
    alone("CREATE UNIQUE INDEX CONCURRENTLY users_name ON public.users (name);"),
    alone("DROP INDEX CONCURRENTLY public.old;"),
    alone("ALTER TYPE public.mood ADD VALUE 'glad';"),
    in_batches(
        "UPDATE public.users SET age = 1, touched = touched + 1 WHERE /* batch */ true;",
        *(50, "public.users", "id"),
    ),
    check("SELECT id FROM public.users WHERE age IS NULL", "users without an age"),
    "ALTER TABLE public.users ADD CONSTRAINT grown CHECK (age > 0) NOT VALID;",
    "ALTER TABLE public.users VALIDATE CONSTRAINT grown;",
    DATA_STEP,
    "ALTER TABLE public.users ALTER COLUMN age SET NOT NULL;",
)
DATA = """
async def migrate(session, backfill):
    await session.execute_raw("UPDATE users SET name = upper(name)")
"""
#: What the database is like: its columns, indexes, constraints, labels and rows.
PICTURE = """
SELECT (SELECT json_agg(format('%s %s %s', attname, attnotnull, atttypid::regtype) ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0),
    (SELECT json_agg(format('%s %s', indexrelid::regclass, indisvalid) ORDER BY 1::text)
        FROM (SELECT * FROM pg_index WHERE indrelid = 'users'::regclass ORDER BY indexrelid) i),
    (SELECT json_agg(format('%s %s', conname, convalidated) ORDER BY conname) FROM pg_constraint
        WHERE conrelid = 'users'::regclass AND contype = 'c'),
    (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum),
    (SELECT json_agg(u ORDER BY id) FROM users u)
"""
STATE = """
SELECT json_agg((number, mode, state) ORDER BY number), (SELECT batches FROM ormkit.backfill),
    (SELECT state FROM ormkit.migration ORDER BY position DESC LIMIT 1)
FROM ormkit.step WHERE migration LIKE '%-all-%'
"""


@pytest.fixture(scope="module")
def runners() -> Iterator[Runners]:
    """What starts processes that run migrations."""
    with closing(Runners()) as runners:
        yield runners


@pytest.fixture
def whole(project: Project) -> Project:
    """Two migrations, of which the second has a step of each mode."""
    project.add("start", USERS)
    project.add("all", *STEPS, data=DATA)
    return project


def picture(server: Server, url: str) -> list[Any]:
    """Return what the database is like."""
    return [tuple(row) for sql in (PICTURE, STATE) for row in server.fetch(url, sql)]


def run_all(url: str, directory: Path) -> None:
    """Run all migrations, as the next process would."""

    async def work() -> None:
        async with await create_engine(url) as engine:
            await migrate(engine, directory)

    asyncio.run(work())


@pytest.fixture
def expected(server18: Server, whole: Project) -> list[Any]:
    """What the database is like after a run that nobody killed."""
    with server18.database() as url:
        run_all(url, whole.directory)
        return picture(server18, url)


def test_a_run_killed_at_each_event_is_continued_to_the_same_picture(
    database_url: str,
    server18: Server,
    whole: Project,
    expected: list[Any],
    runners: Runners,
) -> None:
    """Each process does one thing more than the one before it, and then dies."""
    count = 0
    event = "begins"
    while event:
        runners.start(database_url, whole.directory, is_stepwise=True)
        # The server ends the session of the one before it a moment later.
        while (event := runners.event()).startswith("waiting"):
            runners.go_on()
        # What it says first is the step that it continues: what comes then is new.
        if event:
            runners.go_on()
            event = runners.event()
        if event:
            runners.kill()
            count += 1
    assert picture(server18, database_url) == expected
    assert count > len(STEPS)


def test_a_run_killed_at_random_moments_is_continued_to_the_same_picture(
    server18: Server, whole: Project, expected: list[Any], runners: Runners
) -> None:
    moments = random.Random(None if IS_NIGHTLY else 15)
    for _ in range(examples(2)):
        with server18.database() as url:
            event = "begins"
            while event:
                runners.start(url, whole.directory)
                for _ in range(moments.randint(1, 8)):
                    event = event and runners.event()
                if event:
                    # A moment within what comes after the event.
                    time.sleep(moments.uniform(0, 0.02))
                    runners.kill()
            assert picture(server18, url) == expected


def test_a_broken_index_of_a_killed_build_is_built_again(
    database_url: str, server18: Server, project: Project, runners: Runners
) -> None:
    project.add("start", USERS)
    run_all(database_url, project.directory)
    index = "CREATE INDEX CONCURRENTLY IF NOT EXISTS slow ON public.users (name);"
    project.add("index", alone(index))

    async def kill_the_build(blocker: Any) -> None:
        await blocker.execute("BEGIN; INSERT INTO users VALUES (0, 'x')")
        runners.start(database_url, project.directory)
        waiting = "SELECT pid FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"
        while not (found := await blocker.fetch(waiting)):
            await blocker.execute("SELECT pg_stat_clear_snapshot()")
        runners.kill()
        # The server finds out later that nobody waits for the answer.
        await blocker.execute(f"SELECT pg_terminate_backend({found[0][0]}); COMMIT")

    run_on(database_url, kill_the_build)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'slow'::regclass"
    assert server18.fetch(database_url, valid) == [(False,)]
    run_all(database_url, project.directory)
    assert server18.fetch(database_url, valid) == [(True,)]
