"""What it costs to start with many models: python -m benchmarks.schema_size

Each size is imported in new processes. Counted are the import of the models, not of the library,
and the first query, which is when SQLAlchemy configures its mappers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg

from benchmarks.libraries import is_installed
from benchmarks.placement import place
from benchmarks.server import server
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.big_schema import big_schema
from tests.generated import ROOT

SIZES = (10, 50, 100, 300, 1000)
REPEATS = 3

ORMKIT = """
import asyncio, sys, time
import ormkit
async def run():
    start = time.perf_counter()
    import models
    passed = time.perf_counter() - start
    async with await ormkit.create_engine(sys.argv[1]) as engine:
        await engine.execute("SELECT 1")
        start = time.perf_counter()
        await ormkit.AsyncSession(engine).query(models.Model0).limit(1).all()
        print(passed + time.perf_counter() - start)
asyncio.run(run())
"""
SQLALCHEMY = """
import asyncio, sys, time
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
async def run():
    start = time.perf_counter()
    import declared
    passed = time.perf_counter() - start
    url = sa.make_url(sys.argv[1]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    async with AsyncSession(engine) as session:
        await session.execute(sa.text("SELECT 1"))
        start = time.perf_counter()
        (await session.scalars(sa.select(declared.Model0).limit(1))).all()
        print(passed + time.perf_counter() - start)
    await engine.dispose()
asyncio.run(run())
"""
DECLARED = """
from __future__ import annotations
import datetime as dt
import decimal
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
"""
CLASS = """
class Model{number}(Base):
    __tablename__ = "model{number}"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str] = mapped_column(sa.Text, unique=True)
    age: Mapped[int | None]
    score: Mapped[float] = mapped_column(sa.Double, default=0.0)
    balance: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now()
    )
"""


def write_models(directory: Path, count: int) -> None:
    """Write the same models for both libraries."""
    schema = directory / "schema.toml"
    schema.write_text(big_schema(count), encoding="utf-8")
    package = directory / "models"
    package.mkdir()
    # As it is rendered: black would take most of a minute, and change nothing that is imported.
    for name, text in render(load([schema], directory).schema).items():
        (package / name).write_text(text, encoding="utf-8")
    classes = "".join(CLASS.format(number=number) for number in range(count))
    (directory / "declared.py").write_text(DECLARED + classes, encoding="utf-8")


def seconds(directory: Path, script: str, url: str) -> float:
    """Return the median over processes that find the bytecode written."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join((str(directory), str(ROOT / "runtime"), str(ROOT)))
    environment["PYTHONPATH"] = path
    found = []
    for _ in range(REPEATS + 1):
        done = subprocess.run(
            [sys.executable, "-c", script, url],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        found.append(float(done.stdout))
    return statistics.median(found[1:])


async def create_first_table(url: str) -> None:
    """Create the table that the first query reads."""
    with tempfile.TemporaryDirectory() as name:
        schema = Path(name) / "schema.toml"
        schema.write_text(big_schema(1), encoding="utf-8")
        sql = render(load([schema], schema.parent).schema)["schema.sql"]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def measure(sizes: tuple[int, ...]) -> dict[str, list[tuple[int, float]]]:
    """Return seconds by library and number of models."""
    scripts = {"ormkit": ORMKIT}
    if is_installed("sqlalchemy"):
        scripts["sqlalchemy"] = SQLALCHEMY
    points: dict[str, list[tuple[int, float]]] = {key: [] for key in scripts}
    with server(place("free")) as url:
        asyncio.run(create_first_table(url))
        for count in sizes:
            with tempfile.TemporaryDirectory() as name:
                write_models(Path(name), count)
                for key, script in scripts.items():
                    points[key].append((count, seconds(Path(name), script, url)))
            cells = "".join(f"{key} {each[-1][1] * 1e3:.0f} ms  " for key, each in points.items())
            print(f"{count:>5} models  {cells}", flush=True)
    return points


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schema_size", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 100 models")
    parser.add_argument("--save", type=Path, help="write the points to this file")
    given = parser.parse_args()
    points = measure(SIZES[:3] if given.quick else SIZES)
    if given.save:
        given.save.write_text(json.dumps(points), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
