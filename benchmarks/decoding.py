"""What the accelerator saves: python -m benchmarks.decoding

Rows come from a real server, through the driver. The same rows are decoded by the accelerator and
in Python, in turns, so that what else runs on the machine meets both. The tables are printed, for
docs/performance.md.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from ormkit import AsyncSession, EmbeddedServer, Engine, create_engine, joinedload
from ormkit.loading import decoding
from tests.generated import import_models

WIDTHS = (2, 8, 50)
COUNTS = (1, 10, 200, 10_000, 100_000)
#: No case has more values than this; all of them are held at once.
MOST_VALUES = 1_000_000
#: Columns after the key, again and again: type, and the value in row `i`.
COLUMNS = (
    ("text", "'name ' || i"),
    ("integer?", "CASE WHEN i % 3 > 0 THEN i END"),
    ("double precision", "i / 3.0"),
    ("boolean", "i % 2 = 0"),
    ("timestamptz", "now()"),
    ("bigint", "i * 7"),
    ("text?", "CASE WHEN i % 5 > 0 THEN 'x' || i END"),
)
#: Beside Wide8: an enum, which is converted, and a relationship.
KINDS = """
[enums]
Kind = ["small", "large"]

[models.Item]
table = "items"

[models.Item.columns]
id = { type = "bigint", primary_key = true }
name = "text"
kind = "Kind"
other = "Kind?"
wide8_id = { type = "bigint", foreign_key = "wide8.id" }

[models.Item.relationships]
wide8 = { target = "Wide8" }
"""
FILL_ITEMS = """
INSERT INTO items (id, name, kind, other, wide8_id)
SELECT i, 'name ' || i, (CASE WHEN i % 2 = 0 THEN 'small' ELSE 'large' END)::kind,
    CASE WHEN i % 3 = 0 THEN 'large'::kind END, i % 1000 + 1
FROM generate_series(1, 10000) i
"""
ACCELERATOR: Any = decoding.Decoder


def schema() -> str:
    """Return the TOML of a model for each width, and of the items."""
    return "\n".join([*map(wide_model, WIDTHS), KINDS])


def wide_model(width: int) -> str:
    name = f"Wide{width}"
    columns = [f'c{n} = "{COLUMNS[n % len(COLUMNS)][0]}"' for n in range(width - 1)]
    head = f'[models.{name}]\ntable = "{name.lower()}"\n\n[models.{name}.columns]\n'
    return f'{head}id = {{ type = "bigint", primary_key = true }}\n' + "\n".join([*columns, ""])


def fill(width: int, count: int) -> str:
    """Return the statement that fills the table of that width."""
    values = [COLUMNS[n % len(COLUMNS)][1] for n in range(width - 1)]
    return (
        f"INSERT INTO wide{width} OVERRIDING SYSTEM VALUE "
        f"SELECT i, {', '.join(values)} FROM generate_series(1, {count}) i"
    )


@dataclass(frozen=True)
class Measurement:
    """The median seconds in Python and in C, and the median of the ratios in each turn.

    What else runs on the machine meets both forms of a turn, more or less, and some turns alone.
    """

    python: float
    c: float
    ratio: float

    @classmethod
    def of(cls, turns: Sequence[dict[bool, float]]) -> Measurement:
        """Return what the seconds of many turns come to, by whether they were in C."""
        python, c = (statistics.median([turn[form] for turn in turns]) for form in (False, True))
        return cls(python, c, statistics.median([turn[True] / turn[False] for turn in turns]))

    def cells(self, digits: int) -> list[str]:
        """Return the cells of a table, in microseconds."""
        times = [f"{seconds * 1e6:,.{digits}f}" for seconds in (self.python, self.c)]
        return [*times, f"{self.ratio:.2f}"]


@contextmanager
def form_of(is_c: bool) -> Iterator[None]:
    """Let rows be decoded in C, or in Python."""
    decoding.Decoder = ACCELERATOR if is_c else None
    try:
        yield
    finally:
        decoding.Decoder = ACCELERATOR


def orders(turns: int) -> list[tuple[bool, bool]]:
    """Return which form comes first in each turn, and which second: by turns."""
    return [(bool(turn % 2), not turn % 2) for turn in range(turns)]


def measure_decoding(model: Any, rows: Sequence[Any]) -> Measurement:
    """Measure the decoding of rows that are there."""
    loops = max(1, 20_000 // len(rows))
    turns: list[dict[bool, float]] = []
    for order in orders(20 if len(rows) > 1000 else 40):
        turns.append({})
        for is_c in order:
            with form_of(is_c):
                start = time.perf_counter()
                for _ in range(loops):
                    decoding.decode(model, rows)
                turns[-1][is_c] = (time.perf_counter() - start) / loops
    return Measurement.of(turns)


async def measure_query(query: Callable[[], Awaitable[object]], count: int) -> Measurement:
    """Measure a whole query of that many rows, from the call to its objects."""
    loops = max(1, min(200, 4000 // count))
    turns: list[dict[bool, float]] = []
    for order in orders(30 if count > 1000 else 60):
        turns.append({})
        for is_c in order:
            with form_of(is_c):
                start = time.perf_counter()
                for _ in range(loops):
                    await query()
                turns[-1][is_c] = (time.perf_counter() - start) / loops
    return Measurement.of(turns)


def show(name: str, alone: Measurement | None, query: Measurement) -> None:
    """Print a line of the table."""
    cells = alone.cells(1) if alone else [""] * 3
    print(f"| {name} | {' | '.join([*cells, *query.cells(0)])} |", flush=True)


async def measure(engine: Engine, models: Any) -> None:
    """Print the table of what is measured."""
    session = AsyncSession(engine)
    print("| | Python, us | C, us | ratio | query, Python, us | query, C, us | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for width in WIDTHS:
        model = getattr(models, f"Wide{width}")
        for count in COUNTS:
            if count * width <= MOST_VALUES:
                rows = (await engine.execute(f"SELECT * FROM wide{width} LIMIT {count}"))._records
                query = session.query(model).limit(count)
                name = f"{width} columns, {count:,} row{'s' * (count > 1)}"
                show(name, measure_decoding(model, rows), await measure_query(query.all, count))
                del rows
    show("`get`, 8 columns", None, await measure_query(lambda: session.get(models.Wide8, 1), 1))
    rows = (await engine.execute("SELECT * FROM items"))._records
    items = session.query(models.Item)
    alone = measure_decoding(models.Item, rows)
    name = "5 columns, 2 of them enums, 10,000 rows"
    show(name, alone, await measure_query(items.all, 10_000))
    for count in (200, 10_000):
        joined = items.options(joinedload("wide8")).limit(count)
        name = f"`joinedload`, 5 + 8 columns, {count:,} rows"
        show(name, None, await measure_query(joined.all, count))


async def main() -> None:
    """Fill a server's tables, and measure."""
    if ACCELERATOR is None:
        raise SystemExit("the accelerator is not built: run make accelerator")
    print(f"Measured on {describe_machine()}.\n")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "schema.toml").write_text(schema(), encoding="utf-8")
        models = import_models(directory, directory / "schema.toml")
        with EmbeddedServer.start(directory / "server", version=18) as server:
            async with await create_engine(server.url) as engine:
                await engine.create_all(models.SCHEMA)
                for width in WIDTHS:
                    await engine.execute(fill(width, min(max(COUNTS), MOST_VALUES // width)))
                await engine.execute(FILL_ITEMS)
                await measure(engine, models)


if __name__ == "__main__":
    asyncio.run(main())
