"""SIGKILL in the middle of plans that keep nobody waiting, while programs write the tables."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ormkit import MigrationError, create_engine
from ormkit.catalog import Catalog, compare, read_catalog
from ormkit.migrations import Options, abandon, down
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.drafting import Drafts, draft
from ormkit_gen.migrations.folder import texts_of, write_folder
from tests.lengths import IS_NIGHTLY, examples
from tests.ormkit.migrations.runners import Runners
from tests.ormkit_gen.migrations.changes import SESSION, schema_of
from tests.servers import Server

pytestmark = [pytest.mark.one_interpreter, pytest.mark.nightly, pytest.mark.slow]

SCHEMA = """
[models.User]
table = "users"
columns.id = {{ type = "{key}", primary_key = true }}
columns.name = "text?"
columns.mood = {{ type = "Mood", default = "ok" }}
[models.Post]
table = "posts"
columns.id = {{ type = "bigint", primary_key = true }}
columns.user_id = {{ type = "{key}", foreign_key = "users.id", index = true }}
[models.Event]
table = "events"
partition_by = "RANGE (id)"
columns.id = {{ type = "bigint", primary_key = true }}
columns.note = "text?"
{index}
[models.Event.partitions]
low = "FOR VALUES FROM (0) TO (100000)"
{partition}
[enums.Mood]
{labels}
"""
#: The long form has partitions, too.
INDEX = 'indexes = [{ name = "by_note", columns = ["note"] }]'
PARTITION = 'high = "FOR VALUES FROM (100000) TO (200000)"'
OLD = schema_of(
    SCHEMA.format(key="int", index="", partition=PARTITION, labels='values = ["sad", "ok"]')
)
NEW = schema_of(
    SCHEMA.format(
        key="bigint",
        index=INDEX if IS_NIGHTLY else "",
        partition="" if IS_NIGHTLY else PARTITION,
        labels='values = ["ok"]\nremoved = { sad = "ok" }',
    )
)
#: What programs have written before the migration.
ROWS = """
INSERT INTO users (name, mood) SELECT n, (ARRAY['sad', 'ok'])[n % 2 + 1]::mood
FROM generate_series(1, 40) n;
INSERT INTO posts (user_id) SELECT n % 40 + 1 FROM generate_series(1, 60) n;
INSERT INTO events SELECT n, n FROM generate_series(1, 30) n;
INSERT INTO events SELECT n + 100000, n FROM generate_series(1, 30) n;
"""
READ = (
    "SELECT id, name, mood::text FROM users ORDER BY id",
    "SELECT id, user_id FROM posts ORDER BY id",
    "SELECT id, note FROM events WHERE id < 100000 ORDER BY id",
)
EVERY = 1 if IS_NIGHTLY else 12


class Program:
    """Writes the tables as programs do, and knows which rows they have to have."""

    def __init__(self, connection: Any, chance: random.Random) -> None:
        self._connection, self._chance = connection, chance
        self._number = 100

    async def begin(self) -> None:
        """Write what is there before the migration."""
        await self._connection.execute(f"{SESSION};\n{schema_sql(OLD)}\n{ROWS}")
        self.rows = await self.read()

    async def read(self) -> list[list[tuple[Any, ...]]]:
        """Return the rows of all tables."""
        return [[tuple(each) for each in await self._connection.fetch(sql)] for sql in READ]

    async def write(self) -> None:
        """Insert, change and delete rows, in statements that know nothing of the migration."""
        self._number += 1
        name = f"n{self._number}"
        execute, users = self._connection.execute, [each[0] for each in self.rows[0]]
        picked = self._chance.choice(users)
        await execute("SET lock_timeout = '20s'")
        await execute(f"INSERT INTO users (name, mood) VALUES ('{name}', 'ok')")
        await execute(f"UPDATE users SET name = '{name}' WHERE id = {picked}")
        await execute(
            f"UPDATE posts SET user_id = {picked} WHERE id = {self._chance.randint(1, 60)}"
        )
        await execute("DELETE FROM posts WHERE id = (SELECT max(id) FROM posts)")
        await execute(f"INSERT INTO posts (user_id) VALUES ({picked})")
        await execute(f"INSERT INTO events VALUES ({self._number}, '{name}')")
        self.rows = await self.read()


def mapped(rows: list[list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """Return the rows with the labels that they have after the migration."""
    users, *others = rows
    return [[(*each[:2], "ok") for each in users], *others]


@pytest.fixture(scope="module")
def runners() -> Iterator[Runners]:
    with closing(Runners()) as runners:
        yield runners


@pytest.fixture(scope="module")
def drafts(server18: Server) -> Drafts:
    answers = Answers(drops=("high",) if IS_NIGHTLY else ())
    return asyncio.run(draft(OLD, NEW, answers, server18.url, with_way_back=True))


@pytest.fixture(scope="module")
def wanted(server18: Server) -> tuple[Catalog, Catalog]:
    """What a database has with the old schema, and with the new one."""
    old, new = (asyncio.run(expected_catalog([each], server18.url)) for each in (OLD, NEW))
    return old, new


@pytest.fixture
def directory(tmp_path: Path, drafts: Drafts) -> Path:
    last = None
    for number, each in enumerate(drafts.drafts):
        name = f"20300101-000{number}-change-abc{number}"
        last = write_folder(tmp_path, name, texts_of(each, last), {})
    return tmp_path


async def differences(url: str, wanted: Catalog) -> list[Any]:
    async with await create_engine(url, max_connections=1) as engine:
        return list(compare(wanted, await read_catalog(engine)))


def kill_after(runners: Runners, url: str, directory: Path, events: int) -> bool:
    """Kill a run after some events that say something new; False if it ends before."""
    runners.start(url, directory, is_stepwise=True)
    while (event := runners.event()).startswith("waiting"):
        runners.go_on()
    while event and events:
        runners.go_on()
        event = runners.event()
        events -= 1
    if event:
        runners.kill()
    return bool(event)


def kill_at_random(runners: Runners, url: str, directory: Path, chance: random.Random) -> bool:
    """Kill a run at some moment; False if it ends before."""
    runners.start(url, directory)
    event = "begins"
    for _ in range(chance.randint(1, 12)):
        event = event and runners.event()
    if event:
        time.sleep(chance.uniform(0, 0.02))
        runners.kill()
    return bool(event)


async def continued(
    url: str, directory: Path, runners: Runners, wanted: Catalog, *, is_random: bool
) -> int:
    """Kill runs until one is done, and write between them. Return how many were killed."""
    connection = await asyncpg.connect(url)
    chance = random.Random(None if IS_NIGHTLY else 15)
    program = Program(connection, chance)
    await program.begin()
    kills = 0
    while (
        kill_at_random(runners, url, directory, chance)
        if is_random
        else kill_after(runners, url, directory, EVERY)
    ):
        await program.write()
        kills += 1
    assert await program.read() == mapped(program.rows)
    assert await differences(url, wanted) == []
    await connection.close()
    return kills


def test_whoever_comes_next_ends_with_all_rows(
    server18: Server, directory: Path, runners: Runners, wanted: tuple[Catalog, Catalog]
) -> None:
    for number in range(examples(1)):
        with server18.database() as url:
            ends = continued(url, directory, runners, wanted[1], is_random=number > 0)
            assert asyncio.run(ends) > 12 // EVERY or number


async def give_up(
    url: str, directory: Path, runners: Runners, before: Catalog, events: int
) -> bool:
    """Kill a run, and undo what it has done; one that ends before is taken back. Return which."""
    (name,) = os.listdir(directory)
    connection = await asyncpg.connect(url)
    program = Program(connection, random.Random(events))
    await program.begin()
    is_killed = kill_after(runners, url, directory, events)
    await program.write()
    async with await create_engine(url, max_connections=1) as engine:
        try:
            given_up = await abandon(engine, name, options=Options(), report=_silent)
            assert given_up.stays == (), events
        except MigrationError as error:
            if error.code != "not-unfinished":
                raise
            # Nothing was left to do.
            await down(engine, options=Options(), report=_silent)
    rows = await program.read()
    assert rows in (program.rows, mapped(program.rows)), events
    assert await differences(url, before) == [], events
    await connection.close()
    return is_killed


def test_a_run_that_was_killed_is_given_up_or_taken_back_with_all_rows(
    server18: Server, directory: Path, runners: Runners, wanted: tuple[Catalog, Catalog]
) -> None:
    """The first migration only: the second one drops what nobody needs."""
    for each in sorted(directory.iterdir())[1:]:
        shutil.rmtree(each)
    events, is_killed = 1 if IS_NIGHTLY else 12, True
    while is_killed:
        with server18.database() as url:
            is_killed = asyncio.run(give_up(url, directory, runners, wanted[0], events))
        events += 1 if IS_NIGHTLY else 1000


def _silent(progress: object) -> None:
    """Say nothing of the steps."""
