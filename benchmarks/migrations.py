"""How long writers wait while a large table is migrated: `python -m benchmarks.migrations`.

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
from ormkit.migrations import Options, Progress, migrate
from ormkit.migrations.files import UP, Batches, Header, Step, render_steps

#: Writes in a second, and the seconds that a long reader holds its lock.
WRITES, READS_FOR = 100, 5.0
#: What a write may take beyond the lock_timeout.
ALLOWANCE = 0.5

START = """CREATE TABLE public.users (id bigint PRIMARY KEY, name text NOT NULL, seen integer);
CREATE TABLE public.teams (id integer PRIMARY KEY);
INSERT INTO public.teams VALUES (1);"""
STEPS = (
    Step(sql="ALTER TABLE public.users ADD COLUMN age integer, ADD COLUMN team_id integer;"),
    Step(sql="ALTER TABLE public.users ALTER COLUMN age SET DEFAULT 0;"),
    Step(
        mode="batches",
        batches=Batches(5000, "public.users", ("id",)),
        sql="UPDATE public.users SET age = 0, team_id = 1 WHERE age IS NULL AND /* batch */ true;",
    ),
    Step(sql="ALTER TABLE public.users ADD CONSTRAINT filled CHECK (age IS NOT NULL) NOT VALID;"),
    Step(sql="ALTER TABLE public.users VALIDATE CONSTRAINT filled;"),
    Step(sql="ALTER TABLE public.users ALTER COLUMN age SET NOT NULL;"),
    Step(sql="ALTER TABLE public.users DROP CONSTRAINT filled;"),
    Step(
        sql="ALTER TABLE public.users ADD CONSTRAINT users_team FOREIGN KEY (team_id) "
        "REFERENCES public.teams NOT VALID;"
    ),
    Step(sql="ALTER TABLE public.users VALIDATE CONSTRAINT users_team;"),
    Step(
        mode="no transaction",
        sql="CREATE INDEX CONCURRENTLY users_name ON public.users (name);",
    ),
    Step(
        mode="no transaction",
        sql="CREATE UNIQUE INDEX CONCURRENTLY users_both ON public.users (id, name);",
    ),
    Step(sql="ALTER TABLE public.users ADD CONSTRAINT users_key UNIQUE USING INDEX users_both;"),
    Step(sql="ALTER TABLE public.users DROP COLUMN seen;"),
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


def write_migration(directory: Path) -> None:
    """Write the folder of the migration."""
    folder = directory / "20260101-0000-grow-aaaa"
    folder.mkdir()
    (folder / UP).write_text(render_steps(STEPS, Header()), encoding="utf-8")


async def measure(url: str, rows: int, directory: Path) -> float:
    """Run the migration under load, print what each step cost others, and return the worst."""
    worst = 0.0
    options = Options(retry_pause=0.2)
    async with await create_engine(url, max_connections=60) as engine:
        for statement in START.split(";\n"):
            await engine.execute(statement)
        await engine.execute(
            "INSERT INTO users SELECT i, 'name ' || i, 1 FROM generate_series(1, $1::bigint) i",
            [rows],
        )
        await engine.execute("VACUUM ANALYZE users")
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
        write_migration(directory)
        with EmbeddedServer.start(Path(name) / "data", settings={"fsync": "off"}) as server:
            worst = asyncio.run(measure(server.url, rows, directory))
    limit = Options().lock_timeout + ALLOWANCE
    print(f"{rows:,} rows: the longest write took {worst:.2f} s, of at most {limit} s")
    return int(worst > limit)


if __name__ == "__main__":
    raise SystemExit(main())
