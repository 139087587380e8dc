"""How long writers wait while large tables are migrated: `python -m benchmarks.migrations`.

`ormkit migrate new` plans the change, which has a step of each kind that is called online.

A hundred times a second somebody writes a row, and now and then somebody reads the table in a
transaction of several seconds, behind which strong locks have to wait. No write may take longer
than `lock_timeout` and half a second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ormkit import EmbeddedServer, Engine, create_engine
from ormkit.migrations import Migration, Options, Progress, migrate
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.drafting import draft
from ormkit_gen.migrations.folder import texts_of, write_folder
from tests.ormkit_gen.migrations.changes import schema_of

#: Writes in a second, and the seconds that a long reader holds its lock.
WRITES, READS_FOR = 100, 5.0
#: What a write may take beyond the lock_timeout.
ALLOWANCE = 0.5

BEFORE = """
[enums]
Level = ["low", "high", "gone"]

[models.Team.columns]
id = { type = "integer", primary_key = true }

[models.User]
table = "users"
[models.User.columns]
id = { type = "integer", primary_key = true }
name = "text"
level = "Level"
points = "integer"
seen = "integer?"

[models.Visit.columns]
id = { type = "integer", primary_key = true }
user_id = { type = "integer", foreign_key = "users.id" }
"""
#: All that comes between the schemas is planned without consent: columns, a default, NOT NULL with
#: a backfill, a foreign key, indexes, a unique constraint, a check, keys that become bigint with
#: what references them, a type that rewrites, a label and a column that go.
AFTER = """
[enums.Level]
values = ["low", "high"]
removed = { gone = "high" }

[models.Team.columns]
id = { type = "bigint", primary_key = true }

[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
name = { type = "text", index = true }
level = "Level"
points = "numeric(20,2)"
age = { type = "integer", backfill = "7" }
rank = { type = "integer", default = 3 }
team_id = { type = "bigint?", foreign_key = "team.id", index = true }
[[models.User.uniques]]
columns = ["id", "name"]
[[models.User.checks]]
name = "named"
expression = "name <> ''"

[models.Visit.columns]
id = { type = "integer", primary_key = true }
user_id = { type = "bigint", foreign_key = "users.id" }
"""
#: The rows of the tables, by their number.
ROWS = (
    "INSERT INTO team VALUES (1)",
    "INSERT INTO users "
    "SELECT i, 'name ' || i, (ARRAY['low', 'high', 'gone'])[1 + i % 3]::level, i, 1 "
    "FROM generate_series(1, $1::integer) i",
    "INSERT INTO visit SELECT i, i FROM generate_series(1, $1::integer / 10) i",
)


class Load:
    """Writers at a steady rate, and a long reader now and then."""

    def __init__(self, engine: Engine, rows: int) -> None:
        self._engine = engine
        self._rows = rows
        self._tasks: set[asyncio.Task[None]] = set()
        #: The longest write since the last step began.
        self.longest = 0.0
        self.writes = 0

    async def run(self) -> None:
        """Write until it is cancelled."""
        self._start(self._read())
        while True:
            self._start(self._write())
            await asyncio.sleep(1 / WRITES)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self) -> None:
        began = time.perf_counter()
        key = random.randint(1, self._rows)
        await self._engine.execute("UPDATE users SET name = name || '' WHERE id = $1", [key])
        self.writes += 1
        self.longest = max(self.longest, time.perf_counter() - began)

    async def _read(self) -> None:
        while True:
            async with self._engine.transaction() as tx:
                await tx.execute_raw("SELECT count(*) FROM users WHERE id < 10")
                await asyncio.sleep(READS_FOR)
            await asyncio.sleep(READS_FOR)

    async def end(self) -> None:
        """Cancel what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def write_migrations(server: str, directory: Path) -> None:
    """Plan the migrations of the change, and write their folders."""
    before, after = schema_of(BEFORE), schema_of(AFTER)
    answers = Answers(drops=("users.seen",))
    found = await draft(before, after, answers, server)
    last: Migration | None = None
    for number, each in enumerate(found.drafts):
        name = f"20260101-000{number}-grow-aaaa"
        last = write_folder(directory, name, texts_of(each, last), {})


async def measure(url: str, rows: int, directory: Path) -> float:
    """Run the migration under load, print what each step cost others, and return the worst."""
    worst = 0.0
    options = Options(retry_pause=0.2)
    async with await create_engine(url, max_connections=60) as engine:
        async with engine.pool.connection() as connection:
            connection.mark_dirty()
            await connection.script(schema_sql(schema_of(BEFORE)))
        for statement in ROWS:
            await engine.execute(statement, [rows] if "$1" in statement else [])
        await engine.execute("VACUUM ANALYZE")
        load = Load(engine, rows)
        work = asyncio.ensure_future(load.run())

        def tell(progress: Progress) -> None:
            nonlocal worst
            worst = max(worst, load.longest)
            if progress.what == "step done":
                print(f"{progress}; the longest write took {load.longest:.2f} s", flush=True)
                load.longest = 0.0

        await migrate(engine, directory, options=options, progress=tell)
        work.cancel()
        await load.end()
        print(f"{load.writes:,} writes; lock_timeout {options.lock_timeout} s")
    return worst


def main() -> int:
    """Measure with an embedded server; return 1 if a write waited for too long."""
    parser = argparse.ArgumentParser(prog="benchmarks.migrations", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="ormkit-migrations-") as name:
        directory = Path(name) / "migrations"
        directory.mkdir()
        with EmbeddedServer.start(Path(name) / "data", settings={"fsync": "off"}) as server:
            asyncio.run(write_migrations(server.url, directory))
            worst = asyncio.run(measure(server.url, rows, directory))
    limit = Options().lock_timeout + ALLOWANCE
    print(f"{rows:,} rows: the longest write took {worst:.2f} s, of at most {limit} s")
    return int(worst > limit)


if __name__ == "__main__":
    raise SystemExit(main())
