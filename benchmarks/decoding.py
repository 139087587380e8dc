"""What the accelerator saves: python -m benchmarks.decoding

Rows come from a real server, through the driver. The same rows are decoded by the accelerator and
in Python, in turns, so that what else runs on the machine meets both. The tables are printed, for
docs/performance-accelerator.md.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from ormkit import AsyncSession, EmbeddedServer, Engine, create_engine, decoding, joinedload
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


def in_form(form: Any, call: Callable[[], Any]) -> Any:
    """Return what the call does with this accelerator; None decodes in Python."""
    decoding.Decoder = form
    try:
        return call()
    finally:
        decoding.Decoder = ACCELERATOR


def seconds_of(call: Callable[[], object], loops: int) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


async def seconds_of_each(call: Callable[[], Awaitable[object]], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        await call()
    return (time.perf_counter() - start) / loops


def decoding_alone(model: Any, rows: Sequence[Any]) -> tuple[float, float]:
    """Return the seconds that decoding takes in Python and by the accelerator."""
    loops = max(1, 20_000 // len(rows))
    call = partial(decoding.decode, model, rows)
    pairs = [
        [in_form(form, partial(seconds_of, call, loops)) for form in (None, ACCELERATOR)]
        for _ in range(7 if len(rows) > 1000 else 31)
    ]
    pure, fast = zip(*pairs, strict=True)
    return statistics.median(pure), statistics.median(fast)


async def whole_queries(query: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Return the seconds that a whole query takes, decoded in Python and by the accelerator."""
    loops = max(1, min(200, 4000 // count))
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(9 if count > 1000 else 41):
        for is_fast in found:
            decoding.Decoder = ACCELERATOR if is_fast else None
            found[is_fast].append(await seconds_of_each(query, loops))
    return statistics.median(found[False]), statistics.median(found[True])


def line(name: str, alone: tuple[float, float] | None, whole: tuple[float, float]) -> str:
    """Return a line of the table, in microseconds and ratios."""
    cells = ["", "", ""]
    if alone:
        cells = [f"{alone[0] * 1e6:,.1f}", f"{alone[1] * 1e6:,.1f}", f"{alone[1] / alone[0]:.2f}"]
    cells += [f"{whole[0] * 1e6:,.0f}", f"{whole[1] * 1e6:,.0f}", f"{whole[1] / whole[0]:.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


async def measure(engine: Engine, models: Any) -> None:
    """Print the table of what is measured."""
    session = AsyncSession(engine)
    print("| | Python, us | C, us | ratio | query, Python, us | query, C, us | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for width in WIDTHS:
        model = getattr(models, f"Wide{width}")
        for count in COUNTS:
            if count * width > MOST_VALUES:
                continue
            query = session.query(model).limit(count)
            rows = (await engine.execute(f"SELECT * FROM wide{width} LIMIT {count}"))._records
            alone = decoding_alone(model, rows)
            name = f"{width} columns, {count:,} row{'s' * (count > 1)}"
            print(line(name, alone, await whole_queries(query.all, count)), flush=True)
            del rows
    get = partial(session.get, models.Wide8, 1)
    print(line("`get`, 8 columns", None, await whole_queries(get, 1)), flush=True)
    rows = (await engine.execute("SELECT * FROM items"))._records
    items = session.query(models.Item)
    alone = decoding_alone(models.Item, rows)
    print(line("5 columns, 2 of enums, 10,000 rows", alone, await whole_queries(items.all, 10_000)))
    for count in (200, 10_000):
        joined = items.options(joinedload("wide8")).limit(count)
        name = f"`joinedload`, 5 + 8 columns, {count:,} rows"
        print(line(name, None, await whole_queries(joined.all, count)), flush=True)


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
